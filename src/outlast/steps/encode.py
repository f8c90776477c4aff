"""A stream's segments to symbols, on all cores, in bounded memory."""

import os
import queue
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from outlast.coding import Code
from outlast.format.geometry import ALIGN, SYMBOL
from outlast.volume.stream import Stream

CORES = max(1, min(4, os.cpu_count() or 1))
"""Beyond four, reading and the memory bus are the limit, and each costs a segment's memory."""

_T = TypeVar("_T")


class Slot:
    """Memory for one segment: its k symbols of data, and the rows computed from them."""

    def __init__(self, k: int, parity: int, free: "queue.SimpleQueue[Slot]") -> None:
        self.data = memoryview(bytearray(k * SYMBOL))
        self.parity = memoryview(bytearray(parity * SYMBOL))
        self._free = free

    def release(self) -> None:
        """Give the memory back: nobody reads its symbols any more."""
        self._free.put(self)


@dataclass(frozen=True, slots=True)
class Coded(Generic[_T]):
    """One segment after encoding."""

    segment: int
    size: int
    """Bytes of the stream in it."""
    value: _T
    """What `then` made of its symbols."""
    slot: Slot
    """To be released when its symbols, if `value` still refers to them, are no longer needed."""


def encode(
    stream: Stream,
    code: Code,
    parity: Sequence[int],
    then: Callable[[Sequence[memoryview], Sequence[memoryview]], _T],
    *,
    depth: int = CORES + 1,
    waiting: Callable[[], None] | None = None,
) -> Iterator[Coded[_T]]:
    """Read `stream` to its end and give its segments in order, encoded.

    The caller's thread reads; `CORES` others encode, and call `then` with the k symbols of data
    and those of the rows in `parity`. Memory: `depth` segments with the rows computed from them.
    `waiting` is called every second while all of that memory is still in use.

    Raises:
        Whatever `stream` or `then` raises.
    """
    k = code.k
    free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
    for _ in range(depth):
        free.put(Slot(k, len(parity), free))

    def work(slot: Slot, got: int) -> _T:
        symbol = -(-got // (k * ALIGN)) * ALIGN
        slot.data[got : k * symbol] = bytes(k * symbol - got)
        data = [slot.data[at * symbol : (at + 1) * symbol] for at in range(k)]
        coded = [slot.parity[at * symbol : (at + 1) * symbol] for at in range(len(parity))]
        if coded:
            code.encode(data, parity, coded)
        return then(data, coded)

    pending: deque[tuple[int, Slot, Future[_T]]] = deque()

    def first(segment: int) -> Coded[_T]:
        size, slot, future = pending.popleft()
        return Coded(segment, size, future.result(), slot)

    given = 0
    with ThreadPoolExecutor(CORES) as pool:
        got = k * SYMBOL
        while got == k * SYMBOL:
            if len(pending) == depth:
                yield first(given)
                given += 1
            slot = _next(free, waiting)
            got = stream.readinto(slot.data)
            if got:
                pending.append((got, slot, pool.submit(work, slot, got)))
        while pending:
            yield first(given)
            given += 1


def _next(free: "queue.SimpleQueue[Slot]", waiting: Callable[[], None] | None) -> Slot:
    while True:
        try:
            return free.get(timeout=1)
        except queue.Empty:
            if waiting is not None:
                waiting()
