"""Strict JSON: what manifests and indexes are written in."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Never, cast

from outlast.errors import Malformed

MAX_INTEGER = 2**53 - 1
"""What every language's JSON keeps exact."""
MAX_LINE = 32 * 1024
"""Bytes of one line: a path of 4,096 bytes may be escaped sixfold."""
# Whole pairs too: what lies beyond the basic plane is written as it is.
_HALF = re.compile(r"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
_UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def write(document: Mapping[str, Any]) -> bytes:
    """`document` as compact UTF-8 JSON with sorted keys: the same value gives the same bytes."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def read(data: bytes, what: str, cap: int) -> dict[str, Any]:
    """The JSON object in `data`.

    No key may come twice and no number may have a fraction: parsers differ in what they make of
    these, and one signed document must have one meaning.

    Raises:
        Malformed: longer than `cap` bytes, or no such object.
    """
    if len(data) > cap:
        raise Malformed(f"{what} of {len(data)} bytes is larger than the {cap} allowed")
    try:
        found = _strict(data)
    except (ValueError, RecursionError):
        raise Malformed(f"{what} is not strict JSON") from None
    if not isinstance(found, dict):
        raise Malformed(f"{what} is not a JSON object")
    return found


def read_lines(data: bytes, what: str, cap: int) -> Iterator[dict[str, Any]]:
    """The JSON objects in `data`, each on a line of its own that ends with a newline.

    One line is in memory as an object at a time, whatever `data` holds.

    Raises:
        Malformed: longer than `cap` bytes, or a line that is no such object.
    """
    if len(data) > cap:
        raise Malformed(f"{what} of {len(data)} bytes is larger than the {cap} allowed")
    at = 0
    while at < len(data):
        end = data.find(b"\n", at, at + MAX_LINE)
        if end < 0:
            raise Malformed(f"{what} has a line that is too long, or doesn't end")
        try:
            found = _strict(data[at:end])
        except (ValueError, RecursionError):
            raise Malformed(f"{what} has a line that is not strict JSON") from None
        if not isinstance(found, dict):
            raise Malformed(f"{what} has a line that is not a JSON object")
        yield found
        at = end + 1


def _strict(data: bytes) -> Any:
    """The value that all of `data` is, without a byte around it.

    Raises:
        ValueError: there is none; or a key comes twice, a number has a fraction, half of a
            surrogate pair is escaped: parsers differ in what they make of these.
    """
    text = data.decode()
    found, end = _DECODER.raw_decode(text)
    if end != len(text) or _HALF.search(text):
        raise ValueError("not strict")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_number(text: str) -> Never:
    raise ValueError(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_no_number, parse_constant=_no_number
)


def integer(document: Mapping[str, Any], key: str, *, low: int = 0) -> int:
    """A whole number from `low` to 2^53 - 1, or Malformed."""
    value = document.get(key)
    if type(value) is not int or not low <= value <= MAX_INTEGER:
        raise Malformed(f"{key!r} is not a whole number of at least {low}")
    return value


def text(document: Mapping[str, Any], key: str, *, longest: int = 1000) -> str:
    """A string of at most `longest` characters, all of which can be shown, or Malformed."""
    value = document.get(key)
    if not isinstance(value, str) or len(value) > longest or _UNSHOWN.search(value):
        raise Malformed(f"{key!r} is not a plain text of at most {longest} characters")
    return value


def digest(document: Mapping[str, Any], key: str) -> bytes:
    """32 bytes from 64 lower-case hex digits, or Malformed."""
    value = document.get(key)
    try:
        found = bytes.fromhex(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = b""
    # fromhex() takes capitals and spaces too.
    if len(found) != 32 or found.hex() != value:
        raise Malformed(f"{key!r} is not a hash of 64 hex digits")
    return found


def strings(document: Mapping[str, Any], key: str) -> list[str]:
    """A list of strings, or Malformed."""
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed(f"{key!r} is not a list of strings")
    return cast(list[str], value)


def objects(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of JSON objects, or Malformed."""
    value = document.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed(f"{key!r} is not a list of objects")
    return cast(list[dict[str, Any]], value)
