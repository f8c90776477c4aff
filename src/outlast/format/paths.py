"""The one way to name a file of a work."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Self

from outlast.errors import UnsafePath

MAX_PATH = 4096
"""Bytes of UTF-8 in a whole path."""
MAX_COMPONENT = 255
"""Bytes of UTF-8 in one folder's or file's name: what common file systems take."""

# Each alternative with its reason; the group's name picks the words of the refusal.
_FORBIDDEN = re.compile(
    r"""
      (?P<absolute>  ^/ | ^[A-Za-z]: )
    | (?P<dots>      (?:^|/) \.{1,2} (?=/|$) )
    | (?P<empty>     ^$ | // | /$ )
    | (?P<backslash> \\ )
    | (?P<control>   [\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff] )
    | (?P<bidi>      [\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069] )
    | (?P<surrogate> [\ud800-\udfff] )
    | (?P<reserved>  (?:^|/) (?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])
                     [ ]* (?:\.[^/]*)? (?=/|$) )
    | (?P<own>       ^\.outlast[^/]* (?=/|$) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What most paths look like: nothing to refuse, found at a fifth of the cost. Parts that begin like
# a reserved name, or with a dot, go the long way.
_PART = r"(?!(?i:con|prn|aux|nul|com|lpt))[A-Za-z0-9_][A-Za-z0-9_ .-]{0,200}"
_PLAIN = re.compile(rf"{_PART}(?:/{_PART}){{0,10}}")
_REASONS = {
    "absolute": "is absolute",
    "dots": "has a '.' or '..' part",
    "empty": "has an empty part",
    "backslash": "has a backslash, which some systems read as a folder",
    "control": "has a control character",
    "bidi": "has a character that turns the reading direction, which can disguise a name",
    "surrogate": "is not valid UTF-8",
    "reserved": "uses a name that Windows reserves for devices",
    "own": "is a name that outlast keeps for itself",
}


class SafePath(str):
    r"""A relative path with `/` between its parts that means the same file everywhere.

    'film/the names.mp4' is one; '../x', '/etc/passwd', 'C:x', 'a\\b', 'nul.txt' and names with
    control or bidirectional characters are refused, whoever signed them.

    Raises:
        UnsafePath: naming the path and the reason.
    """

    __slots__ = ()

    def __new__(cls, path: str) -> Self:
        """Check `path` and give it back as a SafePath, otherwise unchanged."""
        if _PLAIN.fullmatch(path):
            return super().__new__(cls, path)
        if found := _FORBIDDEN.search(path):
            reason = _REASONS[str(found.lastgroup)]
            raise UnsafePath(f"the path {path!a} {reason}", "rename the file")
        # UTF-8 takes at most four bytes a character: most paths need no second look.
        if len(path) * 4 > MAX_COMPONENT:
            if len(path.encode()) > MAX_PATH:
                raise UnsafePath(f"the path {path[:60]!a}… is longer than {MAX_PATH} bytes")
            if any(len(part.encode()) > MAX_COMPONENT for part in path.split("/")):
                raise UnsafePath(
                    f"the path {path[:60]!a}… has a part longer than {MAX_COMPONENT} bytes"
                )
        return super().__new__(cls, path)


def collision_key(path: str) -> str:
    """What two paths share when some file system takes them for one.

    Case and Unicode normalisation are folded (macOS, Windows), and dots and spaces at the end of
    a part dropped (Windows).
    """
    folded = path.casefold() if path.isascii() else _fold(path)
    if folded[-1:] not in (" ", ".") and " /" not in folded and "./" not in folded:
        return folded
    return "/".join(part.rstrip(" .") for part in folded.split("/"))


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_together(paths: Iterable[str]) -> None:
    """Refuse paths that can't stand in one folder on every system.

    Raises:
        UnsafePath: two paths fall together, or one is both a file and a folder of another.
    """
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(collision_key(path), path)
        if other is not path:
            raise UnsafePath(f"{other!a} and {path!a} are one name on some systems", "rename one")
    parents: set[str] = set()
    folders = {key.rpartition("/")[0] for key in seen}
    while folders - parents - {""}:
        parents |= folders
        folders = {key.rpartition("/")[0] for key in folders}
    for clash in parents & seen.keys():
        raise UnsafePath(f"{seen[clash]!a} is both a file and a folder", "rename one")
