"""A folder, a stick, a mounted disk."""

import contextlib
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from outlast.carriers.base import Carrier, Glimpse, Held, Sink, Traits
from outlast.errors import Unreachable

_OPEN_FILES = 128
"""Files kept open for reading: a share is read hundreds of times, piece by piece."""
_PENDING = ".outlast-pending-"
"""How a file is called until it is whole; listings pass over it."""


class FolderCarrier(Carrier):
    """Items are files below one folder.

    A file is written under a pending name, flushed to the medium, and then renamed, so that
    neither a kill nor a pulled stick leaves a half-written item that looks whole.
    """

    def __init__(self, address: str, *, keeper: str) -> None:
        super().__init__(address, Traits(keeper=keeper, lanes=2))
        self._root = Path(address)
        self._idle: OrderedDict[str, io.FileIO] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the files that were kept open."""
        with self._lock:
            while self._idle:
                self._idle.popitem()[1].close()

    def _create(self, name: str) -> Sink:
        self._plugged_in()
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return _FileSink(target)

    def _readinto(self, name: str, start: int, buffer: memoryview) -> int:
        with self._borrowed(name) as file:
            file.seek(start)
            done = 0
            while done < len(buffer):
                got = file.readinto(buffer[done:])
                if not got:
                    break
                done += got
            return done

    @contextlib.contextmanager
    def _borrowed(self, name: str) -> Iterator[io.FileIO]:
        """An open file that no other thread uses meanwhile."""
        with self._lock:
            file = self._idle.pop(name, None)
        if file is None:
            file = io.FileIO(self._root / name, opener=_open_plain)
        try:
            yield file
        except BaseException:
            file.close()
            raise
        with self._lock:
            unneeded = self._idle.pop(name, None)
            self._idle[name] = file
            if unneeded is None and len(self._idle) > _OPEN_FILES:
                unneeded = self._idle.popitem(last=False)[1]
        if unneeded is not None:
            unneeded.close()

    def _list(self) -> Iterator[Held]:
        self._plugged_in()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(self._root / folder) as entries:
                for entry in entries:
                    if entry.name.startswith(_PENDING):
                        continue
                    name = f"{folder}/{entry.name}" if folder else entry.name
                    # A link could lead anywhere on the reader's own machine: never followed.
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    elif entry.is_file(follow_symlinks=False):
                        yield Held(name, entry.stat(follow_symlinks=False).st_size)

    def _look(self, name: str) -> Glimpse:
        self._plugged_in()
        return Glimpse(name=name, present=True, size=(self._root / name).stat().st_size)

    def _drop(self, name: str) -> None:
        with self._lock:
            file = self._idle.pop(name, None)
        if file is not None:
            file.close()
        (self._root / name).unlink()

    def _plugged_in(self) -> None:
        """A stick that isn't there is unreachable, which doesn't make its items missing.

        Nor is its folder made: what is written to an empty mount point, no reader finds.
        """
        if not self._root.is_dir():
            raise Unreachable(f"there is no folder {self.address}", "is the disk plugged in?")


class _FileSink(Sink):
    """A file under its pending name."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._pending = target.with_name(_PENDING + target.name)
        self._file = io.FileIO(self._pending, "w")

    def write(self, data: memoryview) -> None:
        done = 0
        while done < len(data):
            done += self._file.write(data[done:])

    def commit(self) -> None:
        with self._file as file:
            os.fsync(file.fileno())
            if hasattr(os, "posix_fadvise"):
                # What is read back next shall come from the medium: sticks that claim a size
                # they don't have are sold.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self._pending.replace(self._target)
        _flush_folder(self._target.parent)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._pending.unlink()


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _flush_folder(folder: Path) -> None:
    """Make a rename last. Some file systems can't flush a folder, and need not."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
