"""The kernel against ISA-L, alone: one segment's rows from another's, in one process, in turn."""

import ctypes
import os
import statistics
import time

from bench.isal import IsaL, pointers
from outlast.coding import Code, engine

K, N, SYMBOL = 32, 96, 64 * 1024
_SEGMENTS = 24


def compare(rounds: int) -> dict[str, float]:
    """MB/s of input for encoding 64 rows from 32, one thread: 'kernel' and 'ISA-L'."""
    memory = [_aligned((K + N - K) * SYMBOL) for _ in range(4)]
    for each in memory:
        each[: K * SYMBOL] = os.urandom(K * SYMBOL)
    cut = [[each[at * SYMBOL : (at + 1) * SYMBOL] for at in range(N)] for each in memory]
    multiply = IsaL().multiplier(range(K), range(K, N))
    addresses = [(pointers(rows[:K]), pointers(rows[K:])) for rows in cut]
    code = Code(K, N)
    parity = range(K, N)

    def ours(at: int) -> None:
        code.encode(cut[at][:K], parity, cut[at][K:])

    def theirs(at: int) -> None:
        multiply(SYMBOL, *addresses[at])

    times: dict[str, list[float]] = {f"outlast {engine()}": [], "ISA-L": []}
    for _ in range(rounds * 5):
        for name, work in zip(times, (ours, theirs), strict=True):
            began = time.perf_counter()
            for segment in range(_SEGMENTS):
                work(segment % 4)
            times[name].append(time.perf_counter() - began)
    volume = _SEGMENTS * K * SYMBOL / 1e6
    return {name: volume / statistics.median(each) for name, each in times.items()}


def _aligned(size: int) -> memoryview:
    whole = bytearray(size + 4096)
    start = -ctypes.addressof(ctypes.c_char.from_buffer(whole)) % 4096
    return memoryview(whole)[start : start + size]
