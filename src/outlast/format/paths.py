"""The one way to name a file of a work."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Self

from outlast.errors import UnsafePath

MAX_PATH = 4096
"""Bytes of UTF-8 in a whole path."""
MAX_PART = 255
"""Bytes of UTF-8 in one folder's or file's name: what common file systems take."""
MAX_DEPTH = 64
"""Parts of a path."""

# Each alternative with its reason; the group's name picks the words of the refusal.
_FORBIDDEN = re.compile(
    r"""
      (?P<absolute>  ^/ )
    | (?P<dots>      (?:^|/) [. ]+ (?=/|$) )
    | (?P<empty>     ^$ | // | /$ )
    | (?P<foreign>   [\\:] )
    | (?P<control>   [\x00-\x1f\x7f-\x9f\u2028\u2029\u206a-\u206f\ufeff\ufffe\uffff] )
    | (?P<bidi>      [\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069] )
    | (?P<surrogate> [\ud800-\udfff] )
    | (?P<reserved>  (?:^|/) (?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])
                     [ ]* (?:\.[^/]*)? (?=/|$) )
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_REASONS = {
    "absolute": "is absolute",
    "dots": "has a part of nothing but dots and spaces",
    "empty": "has an empty part",
    "foreign": "has a backslash or a colon, which mean folders and drives elsewhere",
    "control": "has a control character",
    "bidi": "has a character that turns the reading direction, which can disguise a name",
    "surrogate": "is not valid UTF-8",
    "reserved": "uses a name that Windows reserves for devices",
}
# What most paths look like: nothing to refuse, found at a fifth of the cost. Parts that begin like
# a reserved name, or with a dot, go the long way.
_PART = r"(?!(?i:con|prn|aux|nul|clock|com|lpt))[A-Za-z0-9_][A-Za-z0-9_ .-]{0,200}"
_PLAIN = re.compile(rf"(?!(?i:outlast\.)){_PART}(?:/{_PART}){{0,10}}")
# Joiners that Persian and emoji need; some file systems pass over them.
_IGNORED = dict.fromkeys((0x200C, 0x200D))


class SafePath(str):
    r"""A relative path with `/` between its parts that means the same file everywhere.

    'film/the names.mp4' is one; '../x', '/etc/passwd', 'C:x', 'a\b', 'nul.txt', 'outlast.toml'
    and names with control or bidirectional characters are refused, whoever signed them.

    Raises:
        UnsafePath: naming the path and the reason.
    """

    __slots__ = ()

    def __new__(cls, path: str) -> Self:
        """Check `path` and give it back as a SafePath, otherwise unchanged."""
        if not _PLAIN.fullmatch(path):
            reason = _refusal(path)
            if reason:
                raise UnsafePath(f"the path {_short(path)} {reason}", "rename the file")
        return super().__new__(cls, path)


def _refusal(path: str) -> str:
    if len(path) > MAX_PATH:
        return f"is longer than {MAX_PATH} bytes"
    if found := _FORBIDDEN.search(path):
        return _REASONS[str(found.lastgroup)]
    if len(path.encode()) > MAX_PATH:
        return f"is longer than {MAX_PATH} bytes"
    parts = path.split("/")
    if any(len(part.encode()) > MAX_PART for part in parts):
        return f"has a part longer than {MAX_PART} bytes"
    if len(parts) > MAX_DEPTH:
        return f"has more than {MAX_DEPTH} parts"
    top = collision_key(parts[0])
    if top.startswith(".outlast") or top == "outlast.toml":
        return "is a name that outlast keeps for itself"
    return ""


def collision_key(path: str) -> str:
    """What two paths share when some file system takes them for one.

    Case and Unicode normalisation are folded (macOS, Windows), joiners (HFS+) and dots and spaces
    at the end of a part (Windows) dropped.
    """
    folded = path.casefold() if path.isascii() else _fold(path)
    if folded[-1:] not in (" ", ".") and " /" not in folded and "./" not in folded:
        return folded
    return "/".join(part.rstrip(" .") for part in folded.split("/"))


def _fold(path: str) -> str:
    once = unicodedata.normalize("NFC", path.translate(_IGNORED)).casefold()
    return unicodedata.normalize("NFC", once)


def check_together(paths: Iterable[str]) -> None:
    """Refuse paths that can't stand in one folder on every system.

    Raises:
        UnsafePath: two paths fall together, or one is both a file and a folder of another.
    """
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(collision_key(path), path)
        if other is not path:
            raise UnsafePath(
                f"{_short(other)} and {_short(path)} are one name on some systems", "rename one"
            )
    parents: set[str] = set()
    folders = {key.rpartition("/")[0] for key in seen} - {""}
    while folders:
        parents |= folders
        folders = {key.rpartition("/")[0] for key in folders} - parents - {""}
    for clash in parents & seen.keys():
        raise UnsafePath(f"{_short(seen[clash])} is both a file and a folder", "rename one")


def _short(path: str) -> str:
    return ascii(path if len(path) <= 100 else f"{path[:99]}…")
