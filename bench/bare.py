"""The bound: bare loops that do the arithmetic of `seal` and `gather`, and nothing else.

There: read, multiply with ISA-L, BLAKE3 of every symbol. Back: read shares, prove every symbol,
decode with ISA-L, write the file. Two threads each, buffers used again, no format, no signature,
no progress, no fsync. Each runs as a process of its own, `python -m bench.bare …`, and is measured
as the commands are, from its start to its end.
"""

import argparse
import os
import struct
import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from blake3 import blake3

from bench.isal import IsaL, pointers

K, N = 32, 96
SYMBOL = 64 * 1024
THREADS = 2
_FIXED = struct.Struct("<8scBHHHIIIIQ32s")  # a share's header: spec/share.md
_HASH = 32
_TOGETHER = 4
"""Symbols written at once: 256 KiB, where new pages of the cache come fastest."""


def there(source: Path) -> bytes:
    """Read a file, encode it, hash every symbol of all rows; the digest of all those hashes."""
    multiply = IsaL().multiplier(range(K), range(K, N))
    segment = K * SYMBOL
    digests: dict[int, bytes] = {}
    with source.open("rb", buffering=0) as file:
        segments = -(-os.fstat(file.fileno()).st_size // segment)

        def begin() -> Callable[[int], None]:
            memory = memoryview(bytearray(N * SYMBOL))
            data = memory[:segment]
            symbols = _cut(memory, SYMBOL)
            inputs, outputs = pointers(symbols[:K]), pointers(symbols[K:])

            def work(at: int) -> None:
                got = os.preadv(file.fileno(), [data], at * segment)
                data[got:] = bytes(segment - got)
                multiply(SYMBOL, inputs, outputs)
                digests[at] = b"".join([blake3(symbol).digest() for symbol in symbols])

            return work

        _in_threads(begin, segments)
    return blake3(b"".join(digests[at] for at in range(segments))).digest()


def back(shares: Sequence[Path], target: Path, size: int) -> None:
    """Rebuild a file of `size` bytes, the first of its volume, from 32 of its shares."""
    opened = sorted((_Share(path) for path in shares), key=lambda share: share.row)[:K]
    have = [share.row for share in opened]
    missing = [row for row in range(K) if row not in have]
    multiply = IsaL().multiplier(have, missing) if missing else None
    segment = K * SYMBOL
    # The volume's last segment has shorter symbols; the file's tail in it is some kB.
    segments = -(-size // segment)

    with target.open("wb", buffering=0) as file:

        def begin() -> Callable[[int], None]:
            memory = memoryview(bytearray((K + len(missing)) * SYMBOL))
            got = dict(zip(have, _cut(memory[: K * SYMBOL], SYMBOL), strict=True))
            made = dict(zip(missing, _cut(memory[K * SYMBOL :], SYMBOL), strict=True))
            inputs, outputs = pointers(list(got.values())), pointers(list(made.values()))
            rows = [(got | made)[row] for row in range(K)]

            def work(at: int) -> None:
                for share in opened:
                    symbol = got[share.row][: share.symbol_of(at)]
                    share.read(at, symbol)
                    if blake3(symbol).digest() != share.hash_of(at):
                        raise SystemExit(f"a symbol of row {share.row} is damaged")
                length = opened[0].symbol_of(at)
                if multiply is not None:
                    multiply(length, inputs, outputs)
                left = min(size - at * segment, K * length)
                pieces = [row[:length] for row in rows[: left // length]]
                if left % length:
                    pieces.append(rows[left // length][: left % length])
                for first in range(0, len(pieces), _TOGETHER):
                    start = at * segment + first * length
                    os.pwritev(file.fileno(), pieces[first : first + _TOGETHER], start)

            return work

        _in_threads(begin, segments)


class _Share:
    """A share's file, its hashes believed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        header = self._file.read(_FIXED.size)
        _, _, _, self.row, k, n, symbol, _, self._segments, _, size, _ = _FIXED.unpack(header)
        if (k, n, symbol) != (K, N, SYMBOL):
            raise SystemExit(f"{path} isn't a share of {K} of {N} with symbols of {SYMBOL} bytes")
        self._file.seek(N * _HASH, os.SEEK_CUR)
        self._hashes = self._file.read(self._segments * _HASH)
        self._start = self._file.tell()
        left = size - (self._segments - 1) * K * SYMBOL
        self._last = -(-left // (K * 64)) * 64

    def symbol_of(self, segment: int) -> int:
        return self._last if segment == self._segments - 1 else SYMBOL

    def hash_of(self, segment: int) -> bytes:
        return self._hashes[segment * _HASH : (segment + 1) * _HASH]

    def read(self, segment: int, symbol: memoryview) -> None:
        os.preadv(self._file.fileno(), [symbol], self._start + segment * SYMBOL)


def _cut(memory: memoryview, length: int) -> list[memoryview]:
    return [memory[at : at + length] for at in range(0, len(memory), length)]


def _in_threads(begin: Callable[[], Callable[[int], None]], segments: int) -> None:
    """Let every thread take the next segment until there is none; `begin` gives it its memory."""
    numbers = count()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work = begin()
            while not failures and (at := next(numbers)) < segments:
                work(at)
        except BaseException as failure:  # noqa: BLE001 - raised again below
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.bare", description=__doc__)
    ways = parser.add_subparsers(dest="way", required=True)
    way = ways.add_parser("there")
    way.add_argument("source", type=Path)
    way = ways.add_parser("back")
    way.add_argument("target", type=Path)
    way.add_argument("size", type=int)
    way.add_argument("shares", type=Path, nargs="+")
    asked = parser.parse_args()
    if asked.way == "there":
        print(there(asked.source).hex())
    else:
        back(asked.shares, asked.target, asked.size)


if __name__ == "__main__":
    main()
