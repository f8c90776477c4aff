"""A whole world in one process: works, their carriers, and whatever befalls them.

A `World` makes works in a temporary folder and carriers in memory, and lets `outlast.spread` find
them by their addresses. A `FaultyCarrier` loses, damages, stalls, fills up, lies and vanishes to
order, and counts what was asked of it.
"""

import contextlib
import ctypes
import errno
import functools
import io
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import outlast
from outlast.carriers.base import Carrier, Glimpse, Held, Sink
from outlast.carriers.memory import MemoryCarrier
from outlast.format import items, kit
from outlast.format.share import ShareHead
from outlast.steps import check, encode, gather, minting, reader, seal, settings, survey, writer
from outlast.steps.gather import Gathered
from outlast.steps.seal import Sealed
from outlast.steps.spread import Spread
from outlast.steps.work import Work

EVERY = ("create", "write", "commit", "read", "list", "look", "drop")
"""What can be asked of a carrier."""
LONGEST = 20.0
"""Seconds after which a stall ends by itself, with an error, should a test forget it."""


class FaultyCarrier(MemoryCarrier):
    """Items in memory, and faults to order."""

    def __init__(self, address: str, *, keeper: str = "", lanes: int = 1) -> None:
        super().__init__(address, keeper=keeper or address)
        self.traits = replace(self.traits, lanes=lanes)
        self.asked: Counter[str] = Counter()
        """How often each of `EVERY` was asked."""
        self.reads: list[tuple[str, int, int]] = []
        """Every read that was answered: item, first byte, how many."""
        self.names_written: list[str] = []
        """Items that were committed, in order."""
        self.released = threading.Event()
        """Set it, and whatever stalls goes on."""
        self.stalling = threading.Event()
        """Set as soon as something stalls."""
        self._faults: list[Callable[[str, str], None]] = []
        self._served: dict[str, bytes] = {}
        self._listed: list[Callable[[], Iterable[Held]]] = []
        self._room: int | None = None
        self._lock = threading.Lock()

    # --- faults to order -----------------------------------------------------------------

    def lose(self, *names: str) -> None:
        """Lose items; all of them, if none is named."""
        for name in names or list(self.items):
            del self.items[name]

    def damage(self, name: str, *places: int) -> None:
        """Flip one bit at each place of an item; a place below 0 counts from its end."""
        data = bytearray(self.items[name])
        for place in places:
            data[place] ^= 1
        self.items[name] = bytes(data)

    def scratch(self, chance: random.Random, bits: int) -> None:
        """Flip so many bits at random places of every item."""
        for name, data in self.items.items():
            self.damage(name, *{chance.randrange(len(data)) for _ in range(bits)})

    def truncate(self, name: str, length: int) -> None:
        """Cut an item to its first `length` bytes; below 0: that many from its end."""
        self.items[name] = self.items[name][:length]

    def lie(self, name: str, data: bytes) -> None:
        """Serve `data` under a name, whatever is held."""
        self._served[name] = data

    def fill_up(self, room: int) -> None:
        """Take `room` more bytes, and then fail like a full disk."""
        self._room = room

    def fail(
        self,
        error: BaseException | None = None,
        *,
        on: Sequence[str] = EVERY,
        after: int = 0,
        times: int = sys.maxsize,
        only: str = "",
    ) -> None:
        """Raise `error` (a network that is gone, if none is given) at what is asked, after the
        first `after` such things, `times` times, and for items with `only` in their name.
        """
        raised = error or ConnectionResetError(errno.ECONNRESET, "connection reset")

        def fault() -> None:
            raise raised

        self._order(fault, on, after, times, only)

    def stall(self, *, on: Sequence[str] = EVERY, after: int = 0, times: int = sys.maxsize) -> None:
        """Not answer until `released` is set."""

        def fault() -> None:
            self.stalling.set()
            if not self.released.wait(LONGEST):
                raise TimeoutError("a stall that no test ended")

        self._order(fault, on, after, times, "")

    def slow(self, seconds: float, *, on: Sequence[str] = ("read",)) -> None:
        """Take `seconds` for each thing."""
        self._order(lambda: threading.Event().wait(seconds) and None, on, 0, sys.maxsize, "")

    def list_also(self, more: Callable[[], Iterable[Held]]) -> None:
        """List what `more` gives before what is held."""
        self._listed.append(more)

    def heal(self) -> None:
        """End all faults. What was lost or damaged stays so."""
        self._faults.clear()
        self._served.clear()
        self._listed.clear()
        self._room = None

    def _order(
        self,
        fault: Callable[[], None],
        on: Sequence[str],
        after: int,
        times: int,
        only: str,
    ) -> None:
        met = 0

        def rule(asked: str, name: str) -> None:
            nonlocal met
            if asked not in on or only not in name:
                return
            with self._lock:
                met += 1
                due = after < met <= after + times
            if due:
                fault()

        self._faults.append(rule)

    def _meet(self, asked: str, name: str) -> None:
        with self._lock:
            self.asked[asked] += 1
        for fault in list(self._faults):
            fault(asked, name)

    # --- what was asked ------------------------------------------------------------------

    @property
    def bytes_read(self) -> int:
        """How many bytes were given out."""
        return sum(length for _, _, length in self.reads)

    def forget(self) -> None:
        """Begin to count anew."""
        self.asked.clear()
        self.reads.clear()
        self.names_written.clear()

    def segments_read(self) -> set[int]:
        """The segments of which a symbol was given out."""
        found: set[int] = set()
        for name, start, length in self.reads:
            head = head_of(self, name) if name in self.shares else None
            if head and head.length <= start < head.end:
                symbol = head.geometry.symbol
                first = (start - head.length) // symbol
                found |= set(range(first, first + -(-length // symbol)))
        return found

    # --- the carrier ---------------------------------------------------------------------

    @property
    def shares(self) -> list[str]:
        """The names of the shares held, in order."""
        return sorted(name for name in self.items if name.endswith(".share"))

    @property
    def kits(self) -> list[str]:
        """The names of the kits held, in order."""
        return sorted(name for name in self.items if name.endswith(".kit"))

    def _create(self, name: str) -> Sink:
        self._meet("create", name)
        return _FaultySink(self, name, super()._create(name))

    def _readinto(self, name: str, start: int, buffer: memoryview) -> int:
        self._meet("read", name)
        got = super()._readinto(name, start, buffer)
        with self._lock:
            self.reads.append((name, start, got))
        return got

    def _list(self) -> Iterator[Held]:
        self._meet("list", "")
        for more in self._listed:
            yield from more()
        yield from super()._list()

    def _look(self, name: str) -> Glimpse:
        self._meet("look", name)
        return super()._look(name)

    def _drop(self, name: str) -> None:
        self._meet("drop", name)
        super()._drop(name)

    def _held(self, name: str) -> bytes:
        return self._served[name] if name in self._served else super()._held(name)


class _FaultySink(Sink):
    """A sink of a faulty carrier."""

    def __init__(self, carrier: FaultyCarrier, name: str, inner: Sink) -> None:
        self._carrier = carrier
        self._name = name
        self._inner = inner

    def write(self, data: memoryview) -> None:
        self._carrier._meet("write", self._name)
        if self._carrier._room is not None:
            with self._carrier._lock:
                self._carrier._room -= len(data)
                full = self._carrier._room < 0
            if full:
                raise OSError(errno.ENOSPC, "no space left on device")
        self._inner.write(data)

    def commit(self) -> None:
        self._carrier._meet("commit", self._name)
        self._inner.commit()
        self._carrier.names_written.append(self._name)

    def abort(self) -> None:
        self._inner.abort()


class World:
    """Works and carriers below one temporary folder."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.carriers: dict[str, FaultyCarrier] = {}
        """By name."""
        self._patch = patch
        self._gathers = 0
        patch.setenv("OUTLAST_HOME", str(root / "home"))
        at_address = settings.open_carrier

        def open_carrier(address: str, *, keeper: str | None = None) -> Carrier:
            for carrier in self.carriers.values():
                if carrier.address == address:
                    return carrier
            return at_address(address, keeper=keeper)

        patch.setattr(settings, "open_carrier", open_carrier)

    def close(self) -> None:
        """End all stalls, and listen no longer."""
        _openings().clear()
        for carrier in self.carriers.values():
            carrier.released.set()

    def geometry(self, k: int, n: int, symbol: int = 256) -> None:
        """Give volumes sealed from now on these numbers, so that small files have many segments."""
        self._patch.setattr(seal, "rows_for", lambda _: (k, n))
        for module in (minting, encode):
            self._patch.setattr(module, "SYMBOL", symbol)

    def hurry(self, seconds: float = 0.3) -> None:
        """Let patience end soon."""
        for module in (survey, reader, check, writer):
            for name in ("PATIENCE", "FLUSH_PATIENCE"):
                if hasattr(module, name):
                    self._patch.setattr(module, name, seconds)
        # Where the constant is a default, it was bound before.
        reading = reader.VolumeReader.__init__
        defaults = {**(reading.__kwdefaults__ or {}), "patience": seconds}
        self._patch.setattr(reading, "__kwdefaults__", defaults)

    def later(self, seconds: float = 10) -> None:
        """Let the clock go on: what was written just now was written some time ago."""
        real = time.time_ns
        self._patch.setattr(time, "time_ns", lambda: real() + int(seconds * 1e9))

    def opened(self, work: Work) -> list[str]:
        """A list to which every file of a work's that is opened from now on is added."""
        return _openings_below(work.root)

    def carrier(self, name: str, *, keeper: str = "", lanes: int = 1) -> FaultyCarrier:
        """A new carrier; its keeper is its name, if none is given."""
        address = str(self.root / "places" / name)
        made = FaultyCarrier(address, keeper=keeper or name, lanes=lanes)
        self.carriers[name] = made
        return made

    def work(
        self, files: Mapping[str, bytes | int], *, carriers: Iterable[str] = (), name: str = "work"
    ) -> Work:
        """A new work with these files (bytes, or how many), and carriers by these names."""
        root = self.root / name
        write_files(root, files)
        work = Work.create(root, title="The names", languages=("en", "zh"), passphrase=None)
        for each in carriers:
            self.add(work, each)
        return work

    def add(self, work: Work, name: str) -> FaultyCarrier:
        """Let a work have a carrier, new if there is none of this name."""
        carrier = self.carriers.get(name) or self.carrier(name)
        work.settings.add_carrier(name, carrier.address, carrier.traits.keeper)
        return carrier

    def seal(self, work: Work, **options: bool | int | None) -> Sealed:
        """Seal with the key that nothing guards."""
        return outlast.seal(work, lambda: "", **options)  # type: ignore[arg-type]

    def publish(self, work: Work, *, survive: int | None = None) -> Spread:
        """Seal and spread."""
        self.seal(work)
        return outlast.spread(work, survive=survive)

    def new_folder(self) -> Path:
        """A path where nothing is yet."""
        self._gathers += 1
        return self.root / f"gathered-{self._gathers}"

    def gather(
        self,
        work: Work,
        carriers: Sequence[Carrier] = (),
        to: Path | None = None,
        **options: object,
    ) -> Gathered:
        """Gather to a new folder, from all carriers if none is given."""
        chosen = carriers or list(self.carriers.values())
        return gather.gather(work.link, chosen, to or self.new_folder(), **options)  # type: ignore[arg-type]


@functools.cache
def _openings() -> dict[Path, list[str]]:
    """What is opened below folders of interest. A hook can't be taken out, so there is one."""
    below: dict[Path, list[str]] = {}

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and below and isinstance(arguments[0], (str, Path)):
            path = Path(arguments[0])
            for root in below.keys() & set(path.parents):
                inside = path.relative_to(root)
                if inside.parts[0] not in (".outlast", "outlast.toml", ".outlastignore"):
                    below[root].append(inside.as_posix())

    sys.addaudithook(hear)
    return below


def _openings_below(root: Path) -> list[str]:
    below = _openings()
    below.clear()
    return below.setdefault(root, [])


def while_reading(
    patch: pytest.MonkeyPatch, path: Path, happens: Callable[[], object], *, after: int = 1
) -> None:
    """Let something happen when a file's first piece was read; its pieces are short.

    What happens may raise: then reading fails that way.
    """
    read = 0

    def met(handle: int, inode: int = path.stat().st_ino) -> bool:
        return os.fstat(handle).st_ino == inode

    def count() -> None:
        nonlocal read
        read += 1
        if read == after:
            happens()

    plain, readv = io.FileIO, os.readv

    class Watched(plain):  # type: ignore[misc, valid-type]
        def readinto(self, buffer: Any) -> Any:
            if not met(self.fileno()):
                return super().readinto(buffer)
            count()
            return super().readinto(memoryview(buffer)[:1_000])

    def watched(handle: int, buffers: Any) -> int:
        if not met(handle):
            return readv(handle, buffers)
        count()
        return readv(handle, [memoryview(buffers[0])[:1_000]])

    patch.setattr(io, "FileIO", Watched)
    patch.setattr(os, "readv", watched)


def some_bytes(size: int, seed: object = 0) -> bytes:
    """Bytes without a pattern, the same for the same seed."""
    return random.Random(f"{seed}/{size}").randbytes(size)


def write_files(root: Path, files: Mapping[str, bytes | int]) -> None:
    """Write files (bytes, or how many) below a folder; a name that ends with / is a folder."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(some_bytes(content, name) if isinstance(content, int) else content)


def tree(root: Path) -> dict[str, bytes]:
    """All files below a folder by path, and its empty folders with a / at the end.

    What outlast keeps for itself in a work's folder is left out.
    """
    found: dict[str, bytes] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith((".outlast", "private/", "outlast.toml")) or name == "private":
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                found[f"{name}/"] = b""
        else:
            found[name] = path.read_bytes()
    return found


def head_of(carrier: MemoryCarrier, name: str) -> ShareHead:
    """The head of a share."""
    return ShareHead.parse(carrier.items[name])


def row_of(name: str) -> int:
    """The row that a share's name promises."""
    found = items.parse_name(name)
    assert isinstance(found, items.ShareName)
    return found.row


def symbol_at(carrier: MemoryCarrier, name: str, segment: int) -> int:
    """Where in a share the symbol of a segment begins."""
    return head_of(carrier, name).at(segment)


def parts_of(carrier: MemoryCarrier, name: str) -> dict[str, bytes]:
    """A kit's parts."""
    return kit.parse(carrier.items[name])


@contextlib.contextmanager
def permissions_hold() -> Iterator[None]:
    """Let permissions hold in here, for this thread and those it starts, though we may be root."""
    if os.geteuid() != 0:
        yield
        return
    if not sys.platform.startswith("linux"):
        pytest.skip("root passes over permissions here")
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    words = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, words):
        pytest.skip("root passes over permissions here, and can't lay that down")
    before = words[0]
    words[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    libc.capset(header, words)
    try:
        yield
    finally:
        words[0] = before
        libc.capset(header, words)


def give_up_root() -> None:
    """For `subprocess`' preexec_fn: let permissions hold in the program, though we may be root."""
    if os.geteuid() == 0 and sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
