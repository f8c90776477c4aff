"""A carrier's threads, and how it has behaved."""

import queue
import threading
from collections.abc import Callable

from outlast.carriers.base import Carrier


class Lanes:
    """As many jobs at once as make a carrier faster, in threads that start when they are needed."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.strikes = 0
        """Failures to answer, in a row."""
        self.lies = 0
        """Shares that weren't there, or weren't what their names say."""
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job`, which must not raise, when a lane is free."""
        if self._threads < self.carrier.traits.lanes:
            self._threads += 1
            # A daemon: a thread that hangs in a dead disk must not hold up the end.
            threading.Thread(target=self._work, daemon=True).start()
        self._jobs.put(job)

    def close(self) -> None:
        """End the threads when they are done. One that hangs is left behind."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
