"""Shares on carriers: reading what stands before the symbols, and proving the symbols."""

from collections.abc import Iterator

from blake3 import blake3

from outlast.carriers.base import Carrier
from outlast.errors import Malformed
from outlast.format import kit
from outlast.format.manifest import Volume
from outlast.format.share import FIXED, ShareHead

_RUN = 1024 * 1024
"""Bytes read at once while proving."""


def read_head(carrier: Carrier, name: str, size: int | None = None) -> ShareHead:
    """A share's head, consistent in itself. What it belongs to, a manifest must say.

    `size` is the item's, if it is known: nothing is made room for that can't be there.

    Raises:
        Malformed: no share, or one whose head contradicts itself.
        CarrierError: it can't be read.
    """
    fixed = bytearray(FIXED)
    carrier.readinto(name, 0, memoryview(fixed))
    whole = _room(ShareHead.measure(bytes(fixed)), size)
    carrier.readinto(name, 0, memoryview(whole))
    return ShareHead.parse(bytes(whole))


def read_kit(carrier: Carrier, name: str, start: int = 0, size: int | None = None) -> bytes:
    """The bytes of a kit that begins at `start` of an item of `size` bytes and ends with it.

    Raises:
        Malformed: no kit, or one outside the caps.
        CarrierError: it can't be read.
    """
    fixed = bytearray(kit.FIXED)
    carrier.readinto(name, start, memoryview(fixed))
    whole = _room(kit.measure(bytes(fixed)), None if size is None else size - start)
    carrier.readinto(name, start, memoryview(whole))
    return bytes(whole)


def _room(length: int, most: int | None) -> bytearray:
    if most is not None and length > most:
        raise Malformed(f"it claims {length} bytes and has {most}")
    return bytearray(length)


def damaged_segments(carrier: Carrier, name: str, head: ShareHead) -> Iterator[int]:
    """The segments whose symbol in this share doesn't match its hash.

    Raises:
        CarrierError: the share can't be read to its end.
    """
    symbol = head.geometry.symbol
    at_once = max(1, _RUN // symbol)
    buffer = memoryview(bytearray(at_once * symbol))
    end = head.first + head.count
    for first in range(head.first, end, at_once):
        last = min(first + at_once, end)
        run = buffer[: head.at(last) - head.at(first)]
        carrier.readinto(name, head.at(first), run)
        for segment in range(first, last):
            begin = (segment - first) * symbol
            piece = run[begin : begin + head.geometry.symbol_of(segment)]
            if blake3(piece).digest() != head.hash_of(segment):
                yield segment


def check_belongs(head: ShareHead, volume: Volume) -> None:
    """Refuse a share of another volume.

    Raises:
        Malformed: it is one, or the manifest contradicts the volume that it names.
    """
    if (head.volume, head.geometry) != (volume.id, volume.geometry):
        raise Malformed("a share of another volume")
