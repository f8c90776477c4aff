"""The hashes of all n symbols of every segment of a volume, in a file.

A cache: whoever has the volume's files can compute it again. In a file, because the table of a
16 GiB volume has 25 MB, and memory must not grow with the work.
"""

import io
import os
from pathlib import Path

from outlast.format import merkle
from outlast.format.merkle import HASH

_GROUP = 16
"""Rows that are read together for their roots: few reads, and little memory."""


class HashTable:
    """Segment after segment, the n hashes of its rows; then the n roots of the rows."""

    def __init__(self, path: Path, rows: int, *, new: bool = False) -> None:
        self._file = io.FileIO(path, "w+" if new else "r")
        self._width = rows * HASH
        self._rows = rows

    def write(self, segment: int, hashes: bytes) -> None:
        """Note the n hashes of one segment."""
        os.pwrite(self._file.fileno(), hashes, segment * self._width)

    def finish(self, segments: int) -> bytes:
        """Compute the n roots, note them behind the `segments` written, and flush it all."""
        roots: list[bytes] = []
        for first in range(0, self._rows, _GROUP):
            count = min(_GROUP, self._rows - first)
            runs = [
                self._read(segment * self._width + first * HASH, count * HASH)
                for segment in range(segments)
            ]
            for at in range(0, count * HASH, HASH):
                roots.append(merkle.root(b"".join([run[at : at + HASH] for run in runs])))
        packed = b"".join(roots)
        os.pwrite(self._file.fileno(), packed, segments * self._width)
        os.fsync(self._file.fileno())
        return packed

    def roots(self, segments: int) -> bytes:
        """The n roots, as `finish` noted them."""
        return self._read(segments * self._width, self._width)

    def row(self, row: int, segments: int) -> bytes:
        """The hashes of one row's `segments` symbols, end to end."""
        at = row * HASH
        return b"".join([self._read(at + each * self._width, HASH) for each in range(segments)])

    def of(self, segment: int, count: int) -> bytes:
        """The hashes of the first `count` rows of one segment."""
        return self._read(segment * self._width, count * HASH)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, start: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, start)
