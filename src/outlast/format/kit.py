"""A kit: the signed metadata of a work with its manifests, in one small file. See spec/kit.md."""

import re
import struct
from collections.abc import Mapping

from outlast.errors import Malformed
from outlast.format.share import MAGIC

KIND = b"K"
VERSION = 1
_FIXED = struct.Struct("<8scBHI")
FIXED = _FIXED.size
"""Bytes of the fixed part: 16."""
MAX_KIT = 32 * 1024 * 1024
MAX_PARTS = 4096
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,95}")


def pack(parts: Mapping[str, bytes]) -> bytes:
    """One kit of `parts` (name to bytes), in the order of their names.

    Raises:
        Malformed: a name or a size outside the caps.
    """
    table, bodies = bytearray(), bytearray()
    for name, body in sorted(parts.items()):
        if not _NAME.fullmatch(name):
            raise Malformed(f"{name!r} can't name a part of a kit")
        table += struct.pack("<B", len(name)) + name.encode() + struct.pack("<I", len(body))
        bodies += body
    total = FIXED + len(table) + len(bodies)
    if len(parts) > MAX_PARTS or total > MAX_KIT:
        raise Malformed(f"a kit of {len(parts)} parts and {total} bytes is outside the caps")
    return _FIXED.pack(MAGIC, KIND, VERSION, len(parts), total) + table + bodies


def measure(fixed: bytes) -> int:
    """How many bytes the whole kit takes, from its first 16.

    Raises:
        Malformed: not a kit, of a later version, or larger than the caps.
    """
    if len(fixed) < FIXED or fixed[: len(MAGIC)] != MAGIC or fixed[len(MAGIC) : 9] != KIND:
        raise Malformed("not a kit")
    if fixed[9] != VERSION:
        raise Malformed(f"a kit of version {fixed[9]}", "a newer outlast may read it")
    _, _, _, count, total = _FIXED.unpack_from(fixed)
    if count > MAX_PARTS or not FIXED <= total <= MAX_KIT:
        raise Malformed(f"a kit of {count} parts and {total} bytes is outside the caps")
    return int(total)


def parse(data: bytes) -> dict[str, bytes]:
    """The parts of a kit, name to bytes. Nothing in them is proved yet.

    Raises:
        Malformed: cut short, longer than it says, or a part's name is not allowed or
            out of order.
    """
    total = measure(data)
    count = _FIXED.unpack_from(data)[3]
    if len(data) != total:
        raise Malformed("the kit is cut short" if len(data) < total else "the kit runs on")
    at = FIXED
    sizes: dict[str, int] = {}
    for _ in range(count):
        if at >= total:
            raise Malformed("the kit's table is cut short")
        end = at + 1 + data[at]
        name = data[at + 1 : end].decode("ascii", "replace")
        ascending = not sizes or name > next(reversed(sizes))
        if not _NAME.fullmatch(name) or not ascending or end + 4 > total:
            raise Malformed("the kit's table is malformed")
        (sizes[name],) = struct.unpack_from("<I", data, end)
        at = end + 4
    if at + sum(sizes.values()) != total:
        raise Malformed("the kit's parts don't fill it")
    parts: dict[str, bytes] = {}
    for name, size in sizes.items():
        parts[name] = bytes(data[at : at + size])
        at += size
    return parts
