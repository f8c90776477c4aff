"""The one interface of all carriers, and what its base class promises for every kind."""

import errno
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from outlast.errors import (
    BadInput,
    CarrierError,
    Full,
    Missing,
    OutlastError,
    Refused,
    Truncated,
    Unreachable,
)

CHUNK = 1024 * 1024
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,3}}")
"""Item names that every kind of carrier can hold, FAT and mail included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a carrier is like."""

    keeper: str
    """Who can take its content down. Two carriers of one keeper fall together."""
    largest: int | None = None
    """Bytes of its largest item; None: no limit worth naming."""
    public: bool = False
    """Whether anyone may read it."""
    erasable: bool = True
    """Whether an item can be taken back."""
    lanes: int = 1
    """How many transfers at once make it faster: 1 for a disk, more where distance costs time."""


@dataclass(frozen=True, slots=True)
class Held:
    """One line of a carrier's listing."""

    name: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What an outside reader sees of one item, without the owner's login."""

    name: str
    present: bool | None
    """None: can't tell."""
    size: int | None = None
    detail: str = ""


class Sink(ABC):
    """An item being written. It appears whole at `commit`, or not at all."""

    @abstractmethod
    def write(self, data: memoryview) -> None:
        """Append `data`."""

    @abstractmethod
    def commit(self) -> None:
        """Make the item last: on the medium, under its name."""

    @abstractmethod
    def abort(self) -> None:
        """Forget what was written. Never raises."""


class Carrier(ABC):
    """A place or a medium that holds items: shares, slices, kits, plain copies.

    A kind of carrier implements the methods with a leading underscore and may raise anything;
    this class checks names and lengths, and turns what it raises into `CarrierError`s. All
    methods may be called from several threads.
    """

    def __init__(self, address: str, traits: Traits) -> None:
        self.address = address
        self.traits = traits

    def create(self, name: str) -> "CheckedSink":
        """Begin to write the item `name`; an item of that name is replaced at its commit.

        Raises:
            CarrierError: the carrier doesn't take it.
        """
        _check_name(name)
        with self._translated(name):
            return CheckedSink(self, name, self._create(name))

    def put(self, name: str, data: bytes) -> None:
        """Write a small item at once.

        Raises:
            CarrierError: the carrier doesn't take it; nothing of it is left there.
        """
        with self.create(name) as sink:
            sink.write(memoryview(data))
            sink.commit()

    def readinto(self, name: str, start: int, buffer: memoryview) -> None:
        """Fill `buffer` with the item's bytes from `start`.

        Raises:
            Truncated: the item ends before the buffer is full.
            CarrierError: it can't be read.
        """
        _check_inside(name)
        with self._translated(name):
            got = self._readinto(name, start, buffer)
        if got != len(buffer):
            raise Truncated(f"{name} on {self.address} ends at byte {start + got}")

    def get(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The item's bytes from `start`, `length` of them or all there are, in pieces.

        Raises:
            Truncated: the item ends before `length`.
            CarrierError: it can't be read.
        """
        _check_inside(name)
        done = 0
        while length is None or done < length:
            want = CHUNK if length is None else min(CHUNK, length - done)
            piece = bytearray(want)
            with self._translated(name):
                got = self._readinto(name, start + done, memoryview(piece))
            yield bytes(piece[:got])
            done += got
            if got < want:
                if length is not None:
                    raise Truncated(f"{name} on {self.address} ends at byte {start + done}")
                return

    def list(self) -> Iterator[Held]:
        """All items there, in no particular order, names with `/` between folders.

        Raises:
            CarrierError: it can't be listed.
        """
        with self._translated("the listing"):
            yield from self._list()

    def look(self, name: str) -> Glimpse:
        """What an outside reader sees of the item now. An unreachable carrier tells nothing."""
        _check_inside(name)
        try:
            with self._translated(name):
                return self._look(name)
        except Missing:
            return Glimpse(name=name, present=False)
        except CarrierError as error:
            return Glimpse(name=name, present=None, detail=error.message)

    def drop(self, name: str) -> None:
        """Take the item back.

        Raises:
            Missing: there is none.
            CarrierError: the carrier doesn't let us.
        """
        _check_name(name)
        with self._translated(name):
            self._drop(name)

    def close(self) -> None:  # noqa: B027 - most kinds have nothing to let go of
        """Let go of files and connections. The carrier can't be used afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def _create(self, name: str) -> Sink: ...

    @abstractmethod
    def _readinto(self, name: str, start: int, buffer: memoryview) -> int:
        """Fill `buffer` as far as the item reaches; how many bytes that were."""

    @abstractmethod
    def _list(self) -> Iterator[Held]: ...

    @abstractmethod
    def _look(self, name: str) -> Glimpse: ...

    @abstractmethod
    def _drop(self, name: str) -> None: ...

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """The one border where foreign exceptions become ours."""
        try:
            yield
        except OutlastError:
            raise
        except OSError as error:
            raise _from_os(error, f"{name} on {self.address}") from error
        except Exception as error:
            raise Unreachable(
                f"{name} on {self.address}: {error or type(error).__name__}"
            ) from error


class CheckedSink:
    """A kind's sink behind the same border; left without `commit`, it aborts."""

    def __init__(self, carrier: Carrier, name: str, sink: Sink) -> None:
        self._carrier = carrier
        self._name = name
        self._sink: Sink | None = sink
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Append `data`.

        Raises:
            CarrierError: it didn't go through; the item is given up.
        """
        self._size += len(data)
        largest = self._carrier.traits.largest
        if largest is not None and self._size > largest:
            raise Full(
                f"{self._name} is larger than the {largest} bytes {self._carrier.address} takes"
            )
        with self._carrier._translated(self._name):
            self._open().write(data)

    def commit(self) -> None:
        """Make the item last under its name.

        Raises:
            CarrierError: it didn't; nothing of it is left there.
        """
        with self._carrier._translated(self._name):
            self._open().commit()
        self._sink = None

    def abort(self) -> None:
        """Forget the item, unless it was committed."""
        if self._sink is not None:
            sink, self._sink = self._sink, None
            # A kind's abort must not raise; if it does, the error that led here matters more.
            with suppress(Exception):
                sink.abort()

    def _open(self) -> Sink:
        if self._sink is None:
            raise ValueError(f"{self._name} was committed or given up already")
        return self._sink

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or ".." in name:
        raise BadInput(f"{name!a} can't name an item on a carrier")


def _check_inside(name: str) -> None:
    """What is read may have been named by others, so long as it lies on the carrier."""
    if name.startswith("/") or ".." in name.split("/"):
        raise BadInput(f"{name!a} is outside the carrier")


def _from_os(error: OSError, what: str) -> CarrierError:
    reason = f"{what}: {error.strerror or error}"
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return Missing(f"{what} is not there")
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return Full(reason, "make room there, or add another carrier")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Refused(reason, "check who may write there")
        case _:
            return Unreachable(reason)
