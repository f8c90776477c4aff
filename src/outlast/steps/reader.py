"""Any part of a volume from whatever shares are left, over carriers that may fail meanwhile.

Symbols are fetched in windows of a few segments, by a few threads for each carrier, and proved
against the hashes in their share's head as they come in. A carrier that stalls, fails or lies is
replaced by others for what is missing, and only for that.
"""

import contextlib
import queue
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from blake3 import blake3

from outlast.coding import Code
from outlast.errors import Malformed, NotEnough, OutlastError, Truncated, Unreachable
from outlast.format.manifest import Volume
from outlast.format.share import ShareHead
from outlast.steps.lanes import Lanes
from outlast.steps.shares import check_belongs, read_head
from outlast.steps.survey import PATIENCE, Surveyed, Trouble

WINDOW = 8
"""Segments fetched at once: runs of 512 KiB, long enough for one request over a network. Half as
long costs an eighth more time, for more hand-overs between threads."""
_DEPTH = 2
"""Windows in the making. With k=32 each has 16 MiB of symbols, and as much decoded at most."""
_STRIKES = 3
"""Failures in a row after which a carrier is asked only when nobody else is left."""
_TROUBLE = 1_000
"""Refusals that are remembered one by one."""


@dataclass(eq=False, slots=True)
class _Source:
    """A share on a carrier."""

    lanes: Lanes
    name: str
    row: int
    head: ShareHead | None = None
    bad: int = 0
    """Symbols that didn't match their hash."""
    dead: bool = False


@dataclass(eq=False, slots=True)
class _Fetch:
    """One share's run of symbols, on its way into a buffer."""

    source: _Source
    volume: Volume
    first: int
    count: int
    buffer: memoryview
    done: "queue.SimpleQueue[_Fetch]"
    good: set[int] = field(default_factory=set)
    """Segments whose symbol came in and matched its hash."""
    error: OutlastError | None = None
    unwanted: bool = False

    def run(self) -> None:
        """Read and prove; never raises."""
        if self.unwanted:
            return
        try:
            head = self.source.head or self._open()
            try:
                self._read(head, 0, self.count)
            except (Truncated, Unreachable) as error:
                # A bad sector, or the end of what was copied: the other symbols may be fine.
                self.error = error
                for at in range(self.count) if self.count > 1 else ():
                    with contextlib.suppress(Truncated, Unreachable):
                        self._read(head, at, at + 1)
        except OutlastError as error:
            self.error = error
        self.done.put(self)

    def _read(self, head: ShareHead, low: int, high: int) -> None:
        geometry = self.volume.geometry
        end = (high - 1) * geometry.symbol + geometry.symbol_of(self.first + high - 1)
        run = self.buffer[low * geometry.symbol : end]
        carrier = self.source.lanes.carrier
        carrier.readinto(self.source.name, head.at(self.first + low), run)
        for at in range(low, high):
            begin = at * geometry.symbol
            symbol = self.buffer[begin : begin + geometry.symbol_of(self.first + at)]
            if blake3(symbol).digest() == head.hash_of(self.first + at):
                self.good.add(self.first + at)

    def _open(self) -> ShareHead:
        source = self.source
        head = read_head(source.lanes.carrier, source.name)
        check_belongs(head, self.volume)
        if head.count != self.volume.geometry.segments:
            raise Malformed("a slice where a whole share should be")
        if head.row != source.row:
            raise Malformed(f"row {head.row} under the name of row {source.row}")
        source.head = head
        return head


@dataclass(eq=False, slots=True)
class _Window:
    """A run of segments: the k rows of data, each as one run of symbols."""

    first: int
    count: int
    rows: Sequence[memoryview]
    buffers: Sequence[memoryview]


class TooFew(NotEnough):
    """A segment of a volume that can't be rebuilt."""

    def __init__(self, segment: int, message: str) -> None:
        super().__init__(message, "add another carrier with --from")
        self.segment = segment


class VolumeReader:
    """Reads a volume's stream from shares. Not for several threads; close it after use."""

    def __init__(
        self,
        volume: Volume,
        surveys: Iterable[Surveyed],
        *,
        window: int = WINDOW,
        patience: float = PATIENCE,
    ) -> None:
        """Use every share of `volume` that the carriers say they hold.

        `window` is how many segments are fetched at once; `patience` the seconds after which a
        carrier that sends nothing is replaced.
        """
        self.volume = volume
        self._trouble: Counter[Trouble] = Counter()
        self._code = Code(volume.geometry.k, volume.geometry.n)
        self._size = window
        self._patience = patience
        self._lock = threading.Lock()
        self._spare: list[memoryview] = []
        self._sources: list[_Source] = []
        prefix = volume.id.hex()[:16]
        for surveyed in surveys:
            names = [
                (name, share.row)
                for name, share in surveyed.shares.items()
                if share.volume == prefix and share.row < volume.geometry.n
            ]
            self._sources += [_Source(surveyed.lanes, name, row) for name, row in names]
        self._pool = ThreadPoolExecutor(2)

    @property
    def trouble(self) -> list[Trouble]:
        """What was refused, why, and how often."""
        with self._lock:
            return [replace(each, times=times) for each, times in self._trouble.items()]

    def close(self) -> None:
        """End the threads that decode."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def read(self, *spans: tuple[int, int]) -> Iterator[memoryview]:
        """The stream's bytes from start to end of each span, in order, all proved.

        Spans must be in order and apart. Each piece is valid until the next is asked for.

        Raises:
            TooFew: a segment has fewer than k sound symbols.
        """
        windows = deque(self._windows(spans))
        pending: deque[Future[_Window]] = deque()
        at = 0
        try:
            while windows or pending:
                while windows and len(pending) < _DEPTH:
                    pending.append(self._pool.submit(self._assemble, *windows.popleft()))
                window = pending.popleft().result()
                end = (window.first + window.count) * self.volume.geometry.segment
                while at < len(spans):
                    yield from self._pieces(window, *spans[at])
                    if spans[at][1] > end:
                        break
                    at += 1
                with self._lock:
                    self._spare += window.buffers
        finally:
            for future in pending:
                future.cancel()

    def read_bytes(self, start: int, end: int) -> bytes:
        """The stream's bytes from `start` to `end` in one piece.

        Raises:
            TooFew: a segment has fewer than k sound symbols.
        """
        found = bytearray()
        for piece in self.read((start, end)):
            found += piece  # at once: a piece is valid only until the next
        return bytes(found)

    def _windows(self, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The segments that the spans touch, each once, in runs of at most a window."""
        segment = self.volume.geometry.segment
        first = end = 0
        for start, stop in spans:
            low, high = start // segment, -(-stop // segment)
            if low > end:
                yield from self._cut(first, end)
                first, end = low, high
            first, end = (low, high) if first == end else (first, max(end, high))
        yield from self._cut(first, end)

    def _cut(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        for low in range(first, end, self._size):
            yield low, min(self._size, end - low)

    def _pieces(self, window: _Window, start: int, end: int) -> Iterator[memoryview]:
        """The symbols of a window that lie in [start, end) of the stream, cut to fit."""
        geometry = self.volume.geometry
        first = max(window.first, start // geometry.segment)
        last = min(window.first + window.count, -(-end // geometry.segment))
        for segment in range(first, last):
            symbol = geometry.symbol_of(segment)
            base = segment * geometry.segment
            offset = (segment - window.first) * geometry.symbol
            low_row = max(start - base, 0) // symbol
            high_row = min(-(-(end - base) // symbol), len(window.rows))
            for row in range(low_row, high_row):
                low = max(start - base - row * symbol, 0)
                high = min(end - base - row * symbol, symbol)
                yield window.rows[row][offset + low : offset + high]

    # --- one window ----------------------------------------------------------------------

    def _assemble(self, first: int, count: int) -> _Window:
        """Fetch k sound symbols of each segment, and decode the rows of data that are missing."""
        geometry = self.volume.geometry
        done: queue.SimpleQueue[_Fetch] = queue.SimpleQueue()
        have: dict[int, dict[int, _Fetch]] = {
            segment: {} for segment in range(first, first + count)
        }
        asked: set[_Source] = set()
        waited_for: set[_Fetch] = set()
        late: set[_Fetch] = set()
        finished: list[_Fetch] = []
        while any(len(rows) < geometry.k for rows in have.values()):
            lacking = max(geometry.k - len(rows) for rows in have.values()) - len(waited_for)
            coming = {fetch.source.row for fetch in waited_for}
            for source in self._choose(lacking, have, asked, coming):
                asked.add(source)
                fetch = _Fetch(source, self.volume, first, count, self._buffer(first, count), done)
                waited_for.add(fetch)
                source.lanes.submit(fetch.run)
            if not waited_for and not late:
                raise self._not_enough(have)
            try:
                fetch = done.get(timeout=self._patience)
            except queue.Empty:
                if not waited_for:
                    raise self._not_enough(have) from None
                # Others are asked instead; but if these answer yet, that counts.
                for fetch in waited_for:
                    error = Unreachable(f"no answer within {self._patience:.0f} s")
                    self._judge(fetch, error)
                late |= waited_for
                waited_for.clear()
                continue
            waited_for.discard(fetch)
            late.discard(fetch)
            finished.append(fetch)
            self._judge(fetch, fetch.error)
            for segment in fetch.good:
                have[segment].setdefault(fetch.source.row, fetch)
        for fetch in waited_for | late:
            fetch.unwanted = True
        return self._decode(first, count, have, finished)

    def _choose(
        self,
        lacking: int,
        have: dict[int, dict[int, _Fetch]],
        asked: set[_Source],
        on_the_way: set[int],
    ) -> list[_Source]:
        """The best sources not asked yet, of rows that some segment lacks."""
        if lacking <= 0:
            return []
        complete = set.intersection(*(set(rows) for rows in have.values())) | on_the_way
        chosen: dict[int, _Source] = {}
        k = self._code.k
        with self._lock:
            order = sorted(
                (
                    source
                    for source in self._sources
                    if not source.dead and source not in asked and source.row not in complete
                ),
                key=lambda source: (
                    source.lanes.strikes >= _STRIKES,
                    source.lanes.lies,
                    source.bad,
                    source.row >= k,
                    source.lanes.strikes,
                    source.row,
                ),
            )
        for source in order:
            if len(chosen) == lacking:
                break
            chosen.setdefault(source.row, source)
        return list(chosen.values())

    def _judge(self, fetch: _Fetch, error: OutlastError | None) -> None:
        """Remember how a fetch went, for the choice of the next, and for the report."""
        source = fetch.source
        # A share that ends early, or has a bad sector, is sound elsewhere.
        partly = isinstance(error, Truncated) or bool(fetch.good)
        usable = error is None or (partly and source.head is not None)
        bad = fetch.count - len(fetch.good) if usable else 0
        with self._lock:
            source.bad += bad
            if usable:
                source.lanes.strikes = 0
            elif isinstance(error, Unreachable):
                source.lanes.strikes += 1
            else:
                # Missing, refused, not what its name says: this share won't get better.
                source.dead = True
                source.lanes.lies += 1
            reason = error.message if error else "symbols that don't match their hash"
            if (bad or error) and len(self._trouble) < _TROUBLE:
                trouble = Trouble(
                    carrier=source.lanes.carrier.address, item=source.name, reason=reason
                )
                self._trouble[trouble] += bad or 1

    def _decode(
        self, first: int, count: int, have: dict[int, dict[int, _Fetch]], finished: list[_Fetch]
    ) -> _Window:
        geometry = self.volume.geometry
        k = geometry.k
        rows: list[memoryview] = []
        missing: list[int] = []
        for row in range(k):
            whole = have[first].get(row)
            if whole is not None and all(rows_.get(row) is whole for rows_ in have.values()):
                rows.append(whole.buffer)
            else:
                missing.append(row)
                rows.append(self._buffer(first, count))
        for segment, found in have.items() if missing else ():
            begin = (segment - first) * geometry.symbol
            part = slice(begin, begin + geometry.symbol_of(segment))
            for row in missing:
                if row in found:
                    rows[row][part] = found[row].buffer[part]
            used = sorted(found)[:k]
            self._code.decode(
                used,
                [found[row].buffer[part] for row in used],
                [row for row in missing if row not in found],
                [rows[row][part] for row in missing if row not in found],
            )
        buffers = [fetch.buffer for fetch in finished] + [rows[row] for row in missing]
        return _Window(first, count, rows, buffers)

    def _buffer(self, first: int, count: int) -> memoryview:
        """Memory for a run of symbols, used before if possible: fresh memory is far slower."""
        geometry = self.volume.geometry
        length = (count - 1) * geometry.symbol + geometry.symbol_of(first + count - 1)
        with self._lock:
            spare = self._spare.pop() if self._spare else None
        whole = spare.obj if spare is not None else bytearray(self._size * geometry.symbol)
        return memoryview(whole)[:length]

    def _not_enough(self, have: dict[int, dict[int, _Fetch]]) -> NotEnough:
        worst = min(have, key=lambda segment: len(have[segment]))
        k = self._code.k
        return TooFew(
            worst,
            f"volume {self.volume.id.hex()[:16]}: {len(have[worst])} sound shares of {k} needed "
            f"at segment {worst}; {len(self._sources)} were named by the carriers",
        )
