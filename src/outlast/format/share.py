"""A share, and its shorter sibling the slice: what stands before the symbols. See spec/share.md."""

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from blake3 import blake3

from outlast.errors import Malformed
from outlast.format import merkle
from outlast.format.geometry import Geometry
from outlast.format.merkle import HASH

MAGIC = b"\x89OUTLAST"
KIND = b"S"
VERSION = 1
_FIXED = struct.Struct("<8scBHHHIIIIQ32s")
FIXED = _FIXED.size
"""Bytes of the fixed part of the header: 72."""
MAX_PROOF = 64
"""Nodes in a slice's proof: two paths through a tree of 2^20 leaves take 40."""


def volume_id(geometry: Geometry, roots: bytes) -> bytes:
    """The 32-byte name of a volume: BLAKE3 over its geometry and the roots of its n shares."""
    numbers = struct.pack("<HHIQ", geometry.k, geometry.n, geometry.symbol, geometry.size)
    return blake3(b"outlast volume 1\n" + numbers + roots).digest()


def share_size(geometry: Geometry) -> int:
    """Bytes of a whole share before its kit."""
    return FIXED + HASH * (geometry.n + geometry.segments) + geometry.share


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareHead:
    """All of a share that stands before its symbols.

    Field for field: header (72 bytes), share roots (n * 32), this run's symbol hashes
    (count * 32), proof (nodes * 32). The symbols follow, then the kit.
    """

    row: int
    geometry: Geometry
    first: int
    """The first segment that this run holds: 0 in a whole share."""
    count: int
    """How many segments it holds."""
    volume: bytes
    roots: bytes
    hashes: bytes
    proof: bytes = b""

    @classmethod
    def measure(cls, fixed: bytes) -> int:
        """How many bytes the whole head takes, from its first 72.

        Raises:
            Malformed: not a share, of a later version, or claiming more than the caps.
        """
        _, geometry, _, count, nodes, _ = _unpack(fixed)
        return FIXED + HASH * (geometry.n + count + nodes)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read and check a head: everything in it agrees with the volume id that it names.

        That id is then proved by a manifest that lists it; a head alone proves nothing.

        Raises:
            Malformed: cut short, or one part contradicts another.
        """
        row, geometry, first, count, nodes, volume = _unpack(data)
        ends = [FIXED]
        for items in (geometry.n, count, nodes):
            ends.append(ends[-1] + HASH * items)
        if len(data) < ends[-1]:
            raise Malformed("the share's head is cut short")
        roots, hashes, proof = (bytes(data[a:b]) for a, b in pairwise(ends))
        if volume_id(geometry, roots) != volume:
            raise Malformed("the share's roots don't match its volume")
        own = roots[row * HASH : (row + 1) * HASH]
        if merkle.root_from(hashes, first, geometry.segments, proof) != own:
            raise Malformed("the share's symbol hashes don't match its root")
        return cls(
            row=row,
            geometry=geometry,
            first=first,
            count=count,
            volume=volume,
            roots=roots,
            hashes=hashes,
            proof=proof,
        )

    def pack(self) -> bytes:
        """The head's bytes."""
        g = self.geometry
        fixed = _FIXED.pack(
            MAGIC, KIND, VERSION, self.row, g.k, g.n, g.symbol, self.first, self.count,
            len(self.proof) // HASH, g.size, self.volume,
        )  # fmt: skip
        return fixed + self.roots + self.hashes + self.proof

    @property
    def length(self) -> int:
        """Bytes of the head: where the symbols begin."""
        return FIXED + len(self.roots) + len(self.hashes) + len(self.proof)

    @property
    def end(self) -> int:
        """Where the symbols end and the kit begins."""
        return self.at(self.first + self.count)

    def at(self, segment: int) -> int:
        """Where the symbol of `segment` begins in the file."""
        past = 1 if segment == self.geometry.segments else 0
        symbols = (segment - past - self.first) * self.geometry.symbol
        return self.length + symbols + past * self.geometry.last_symbol

    def hash_of(self, segment: int) -> bytes:
        """The hash that the symbol of `segment` must have."""
        at = (segment - self.first) * HASH
        return self.hashes[at : at + HASH]


def _unpack(data: bytes) -> tuple[int, Geometry, int, int, int, bytes]:
    if len(data) < FIXED or data[: len(MAGIC)] != MAGIC or data[len(MAGIC) : 9] != KIND:
        raise Malformed("not a share")
    if data[9] != VERSION:
        raise Malformed(f"a share of version {data[9]}", "a newer outlast may read it")
    _, _, _, row, k, n, symbol, first, count, nodes, size, volume = _FIXED.unpack_from(data)
    geometry = Geometry(k=k, n=n, symbol=symbol, size=size)
    if row >= n:
        raise Malformed(f"row {row} of only {n}")
    if count < 1 or first + count > geometry.segments:
        raise Malformed("the share's run of segments is outside its volume")
    if nodes > MAX_PROOF:
        raise Malformed("the share's hash proof is outside the caps")
    return row, geometry, first, count, nodes, volume
