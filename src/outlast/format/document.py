"""Strict JSON: what manifests and indexes are written in."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Never, cast

from outlast.errors import Malformed

MAX_INTEGER = 2**53 - 1
"""What every language's JSON keeps exact."""


def write(document: Mapping[str, Any]) -> bytes:
    """`document` as compact UTF-8 JSON with sorted keys: the same value gives the same bytes."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def read(
    data: bytes, what: str, cap: int, convert: Callable[[dict[str, Any]], Any] | None = None
) -> dict[str, Any]:
    """The JSON object in `data`. `convert` may replace each object in it as soon as it is read.

    Raises:
        Malformed: longer than `cap` bytes, or no JSON object.
    """
    if len(data) > cap:
        raise Malformed(f"{what} of {len(data)} bytes is larger than the {cap} allowed")
    try:
        found = json.loads(data.decode(), parse_constant=_no_constant, object_hook=convert)
    except (ValueError, RecursionError):
        raise Malformed(f"{what} is not JSON") from None
    if not isinstance(found, dict):
        raise Malformed(f"{what} is not a JSON object")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(name)


def integer(document: Mapping[str, Any], key: str, *, low: int = 0) -> int:
    """A whole number from `low` to 2^53 - 1, or Malformed."""
    value = document.get(key)
    if type(value) is not int or not low <= value <= MAX_INTEGER:
        raise Malformed(f"{key!r} is not a whole number of at least {low}")
    return value


def text(document: Mapping[str, Any], key: str, *, longest: int = 1000) -> str:
    """A string of at most `longest` characters, or Malformed."""
    value = document.get(key)
    if not isinstance(value, str) or len(value) > longest:
        raise Malformed(f"{key!r} is not a string of at most {longest} characters")
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
