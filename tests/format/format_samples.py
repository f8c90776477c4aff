"""Small volumes, whole in memory, for the tests of the formats."""

import random
from dataclasses import dataclass

from blake3 import blake3

from outlast.coding import Code
from outlast.format import merkle
from outlast.format.geometry import Geometry
from outlast.format.manifest import Volume
from outlast.format.share import ShareHead, volume_id


@dataclass(frozen=True)
class Sample:
    """A volume with all its symbols."""

    geometry: Geometry
    rows: list[list[bytes]]

    @classmethod
    def make(cls, k: int, n: int, symbol: int, size: int) -> "Sample":
        geometry = Geometry(k=k, n=n, symbol=symbol, size=size)
        stream = random.Random(size).randbytes(size)
        code = Code(k, n)
        rows: list[list[bytes]] = [[] for _ in range(n)]
        for segment in range(geometry.segments):
            length = geometry.symbol_of(segment)
            begin = segment * geometry.segment
            data = stream[begin : begin + geometry.length_of(segment)].ljust(k * length, b"\0")
            out = [bytearray(length) for _ in range(n)]
            code.encode([data[row * length :][:length] for row in range(k)], range(n), out)
            for row, made in zip(rows, out, strict=True):
                row.append(bytes(made))
        return cls(geometry, rows)

    def hashes(self, row: int) -> bytes:
        return b"".join(blake3(symbol).digest() for symbol in self.rows[row])

    @property
    def roots(self) -> bytes:
        return b"".join(merkle.root(self.hashes(row)) for row in range(self.geometry.n))

    @property
    def volume(self) -> Volume:
        """As a manifest lists it."""
        return Volume(
            id=volume_id(self.geometry, self.roots),
            geometry=self.geometry,
            index_size=1,
            index_hash=bytes(32),
        )

    def head(self, row: int, first: int = 0, count: int | None = None) -> ShareHead:
        """The head of a share, or of a slice."""
        count = self.geometry.segments - first if count is None else count
        hashes = self.hashes(row)
        whole = count == self.geometry.segments
        return ShareHead(
            row=row,
            geometry=self.geometry,
            first=first,
            count=count,
            volume=self.volume.id,
            roots=self.roots,
            hashes=hashes[32 * first : 32 * (first + count)],
            proof=b"" if whole else merkle.prove(hashes, first, count),
        )

    def share(self, row: int, first: int = 0, count: int | None = None) -> bytes:
        """A share or a slice, without a kit."""
        head = self.head(row, first, count)
        return head.pack() + b"".join(self.rows[row][first : first + head.count])
