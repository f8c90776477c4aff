"""The link: what a person hands on. `outlast:` and the work's name in base32."""

import base64
import binascii
import re

from outlast.errors import BadInput

SCHEME = "outlast:"
_LETTERS = 52  # 32 bytes in base32, without padding
# What eye and hand confuse, none of which base32 uses.
_CONFUSED = str.maketrans("018", "olb")


def format_link(name: bytes) -> str:
    """The link of a 32-byte name: 'outlast:' and 52 letters and digits."""
    return SCHEME + short_name(name, _LETTERS)


def short_name(name: bytes, letters: int = 16) -> str:
    """The first `letters` of a name in base32: enough to tell works apart, not to prove one."""
    return base64.b32encode(name).decode().rstrip("=").lower()[:letters]


def parse_link(link: str) -> bytes:
    """The 32-byte name in a link, as copied, typed or read aloud.

    Upper case, spaces and hyphens don't matter, and 0, 1, 8 are read as o, l, b.

    Raises:
        BadInput: another scheme, a wrong length, letters that base32 doesn't have.
    """
    text = link.strip().lower()
    if not text.startswith(SCHEME):
        raise BadInput(
            f"{link[:80]!a} is not a link of a work",
            "a link is 'outlast:' and 52 letters and digits",
        )
    body = re.sub(r"[\s-]", "", text.removeprefix(SCHEME)).translate(_CONFUSED)
    if len(body) != _LETTERS:
        raise BadInput(
            f"the link has {len(body)} letters where it needs {_LETTERS}", "copy the whole link"
        )
    try:
        name = base64.b32decode(body.upper() + "====")
    except (binascii.Error, ValueError):
        raise BadInput("the link has a character that no link has", "copy the link again") from None
    if short_name(name, _LETTERS) != body:
        raise BadInput("the last letter of the link is wrong", "copy the link again")
    return name
