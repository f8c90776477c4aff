"""One carrier's part in a spread: a thread that writes its shares and reads them back."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from outlast.carriers.base import Carrier, CheckedSink
from outlast.errors import Malformed, Missing, OutlastError, Truncated, Unreachable
from outlast.format.share import ShareHead
from outlast.steps.encode import Slot
from outlast.steps.shares import damaged_segments, read_head, read_kit

PATIENCE = 120.0
"""Seconds without progress after which a carrier is left behind: others shall not wait for it."""
FLUSH_PATIENCE = 900.0
"""The same at the end, when a slow stick may have half a gigabyte to flush."""


class Lent:
    """One segment's symbols, lent to several carriers; the memory goes back when all are done."""

    def __init__(
        self, slot: Slot, symbols: Mapping[int, memoryview], takers: Sequence[object]
    ) -> None:
        self.symbols = symbols
        """Row → symbol."""
        self._slot = slot
        self._takers = set(takers)
        self._lock = threading.Lock()
        if not takers:
            slot.release()

    def done(self, taker: object) -> None:
        """`taker` needs the symbols no longer. May be said twice."""
        with self._lock:
            if taker not in self._takers:
                return
            self._takers.discard(taker)
            if self._takers:
                return
        self._slot.release()


class CarrierWriter:
    """Writes some rows of one volume to one carrier, then proves them there.

    Calls come from one thread; the work is done in another. Once something failed, `error` says
    what, everything that follows is skipped, and no share of this pass is left under its name
    unless it had been written whole.
    """

    def __init__(self, carrier: Carrier, names: Mapping[int, str]) -> None:
        """`names` are the rows to write, and what their items are called."""
        self.carrier = carrier
        self.names = names
        self.proved: list[int] = []
        self.error: OutlastError | None = None
        self._sinks: dict[int, CheckedSink] = {}
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lent: set[Lent] = set()
        self._moved = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def begin(self, row: int, head: Callable[[int], ShareHead]) -> None:
        """Open a share and write what stands before its symbols."""

        def job() -> None:
            sink = self._sinks[row] = self.carrier.create(self.names[row])
            sink.write(memoryview(head(row).pack()))

        self._jobs.put(job)

    def append(self, lent: Lent) -> None:
        """Write one segment's symbols, each to its share."""
        self._lent.add(lent)

        def job() -> None:
            for row, sink in self._sinks.items():
                sink.write(lent.symbols[row])
            self._return(lent)

        self._jobs.put(job)

    def commit(self, kit: bytes) -> None:
        """End every share with the kit, and make it last under its name."""

        def job() -> None:
            for sink in self._sinks.values():
                sink.write(memoryview(kit))
                sink.commit()
                self._moved = time.monotonic()

        self._jobs.put(job)

    def prove(self, row: int, head: Callable[[int], ShareHead], kit: bytes | None) -> None:
        """Read one share back and compare it with what it must be.

        What is damaged isn't `proved`. After a write that is the carrier's failure, too.
        """

        def job() -> None:
            try:
                prove_share(self.carrier, self.names[row], head(row), kit)
                self.proved.append(row)
            except (Malformed, Missing, Truncated):
                if row in self._sinks:
                    raise

        self._jobs.put(job)

    def give_up_if_stalled(self) -> None:
        """Leave the carrier behind if nothing has moved there for `PATIENCE`."""
        patience = PATIENCE
        if self.error is None and self._lent and time.monotonic() - self._moved > patience:
            self._fail(Unreachable(f"{self.carrier.address} took nothing for {patience:.0f} s"))

    def finish(self) -> None:
        """Wait until all is done, or nothing has moved for `FLUSH_PATIENCE`."""
        patience = FLUSH_PATIENCE
        self._jobs.put(None)
        while not self._ended.wait(1):
            if time.monotonic() - self._moved > patience:
                self._fail(
                    Unreachable(f"{self.carrier.address} didn't answer for {patience:.0f} s")
                )
                return

    def abort(self) -> None:
        """Stop, leaving nothing half-written."""
        self.error = self.error or OutlastError("stopped")
        self.finish()

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                self._moved = time.monotonic()
                try:
                    if self.error is None:
                        job()
                except OutlastError as error:
                    self.error = self.error or error
                except Exception as error:  # noqa: BLE001 - a thread that died would be waited for
                    self.error = self.error or OutlastError(f"{type(error).__name__}: {error}")
                if self.error is not None:
                    self._return_all()
                self._moved = time.monotonic()
        finally:
            for sink in self._sinks.values():
                sink.abort()
            self._ended.set()

    def _fail(self, error: OutlastError) -> None:
        self.error = self.error or error
        self._return_all()

    def _return_all(self) -> None:
        for lent in list(self._lent):
            self._return(lent)

    def _return(self, lent: Lent) -> None:
        lent.done(self)
        self._lent.discard(lent)


def prove_share(carrier: Carrier, name: str, head: ShareHead, kit: bytes | None) -> None:
    """Read a whole share and compare it with what it must be.

    `kit` is what must follow the symbols; None: whatever does.

    Raises:
        Malformed: it differs.
        CarrierError: it can't be read.
    """
    if read_head(carrier, name) != head:
        raise Malformed(f"{name} on {carrier.address} has another head than was written")
    bad = next(damaged_segments(carrier, name, head), None)
    if bad is not None:
        raise Malformed(
            f"{name} on {carrier.address} gives back other bytes than were written",
            "the medium may be failing, or have less room than it says",
        )
    if kit is not None and read_kit(carrier, name, head.end) != kit:
        raise Malformed(f"{name} on {carrier.address} has another kit than was written")
