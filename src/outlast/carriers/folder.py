"""A folder, a stick, a mounted disk."""

import contextlib
import errno
import io
import os
import random
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

from outlast.carriers.base import Carrier, Glimpse, Held, Sink, Traits
from outlast.errors import Refused, Unreachable

_OPEN_FILES = 32
"""Files kept open for reading: a share is read hundreds of times, piece by piece."""
_STALE = 24 * 3600
"""Seconds after which a pending file was left by a kill."""
_SAMPLES = 8
_SAMPLE = 64 * 1024
"""Places in each written file that are read back from the medium for certain, and their bytes."""
_OWN = "outlast-"
_PENDING = ".outlast-pending-"
"""How a file is called until it is whole; listings pass over it."""


class FolderCarrier(Carrier):
    """Items are files below one folder.

    A file is written under a pending name, flushed to the medium, and then renamed, so that
    neither a kill nor a pulled stick leaves a half-written item that looks whole. Symbolic links
    are never followed: on a stick that went through other hands they could lead anywhere on this
    machine.
    """

    def __init__(self, address: str, *, keeper: str) -> None:
        super().__init__(address, Traits(keeper=keeper, lanes=2))
        self._root = Path(address)
        self._idle: OrderedDict[str, io.FileIO] = OrderedDict()
        self._replaced: Counter[str] = Counter()
        self._tidied: set[Path] = set()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the files that were kept open."""
        with self._lock:
            while self._idle:
                self._idle.popitem()[1].close()

    def _create(self, name: str) -> Sink:
        self._plugged_in()
        target = self._root / name
        self._check_no_links(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._tidy(target.parent)
        return _FileSink(target, lambda: self._forget(name))

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

    def _tidy(self, folder: Path) -> None:
        """Remove what writers left that were killed long ago; once for each folder."""
        if folder in self._tidied:
            return
        self._tidied.add(folder)
        for pending in folder.glob(f"{_PENDING}*"):
            with contextlib.suppress(OSError):
                if time.time() - pending.lstat().st_mtime > _STALE:
                    pending.unlink()

    @contextlib.contextmanager
    def _borrowed(self, name: str) -> Iterator[io.FileIO]:
        """An open file that no other thread uses meanwhile."""
        with self._lock:
            file = self._idle.pop(name, None)
            replaced = self._replaced[name]
        if file is None:
            self._check_no_links(self._root / name)
            try:
                file = self._opened(self._root / name)
            except (FileNotFoundError, NotADirectoryError):
                self._plugged_in()
                raise
        try:
            yield file
        except BaseException:
            file.close()
            raise
        with self._lock:
            unneeded: io.FileIO | None = file
            if self._replaced[name] == replaced:
                unneeded = self._idle.pop(name, None)
                self._idle[name] = file
                if unneeded is None and len(self._idle) > _OPEN_FILES:
                    unneeded = self._idle.popitem(last=False)[1]
        if unneeded is not None:
            unneeded.close()

    def _opened(self, path: Path) -> io.FileIO:
        try:
            return io.FileIO(path, opener=_open_plain)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self.close()  # files kept for convenience give way
            return io.FileIO(path, opener=_open_plain)

    def _forget(self, name: str) -> None:
        """Keep no open file of an item that was replaced or dropped."""
        with self._lock:
            self._replaced[name] += 1
            file = self._idle.pop(name, None)
        if file is not None:
            file.close()

    def _list(self) -> Iterator[Held]:
        self._plugged_in()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self._root / folder) as found:
                    entries = list(found)
            except OSError:
                # lost+found on every ext4 stick, what macOS locks away, one damaged folder: the
                # rest is still worth having.
                if folder and not folder.startswith(_OWN):
                    continue
                raise
            for entry in entries:
                if entry.name.startswith(_PENDING):
                    continue
                name = f"{folder}/{entry.name}" if folder else entry.name
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    elif entry.is_file(follow_symlinks=False):
                        yield Held(name, entry.stat(follow_symlinks=False).st_size)

    def _look(self, name: str) -> Glimpse:
        self._plugged_in()
        self._check_no_links(self._root / name)
        return Glimpse(name=name, present=True, size=(self._root / name).stat().st_size)

    def _drop(self, name: str) -> None:
        self._plugged_in()
        self._check_no_links(self._root / name)
        self._forget(name)
        (self._root / name).unlink()

    def _plugged_in(self) -> None:
        """A stick that isn't there is unreachable, which doesn't make its items missing.

        Nor is its folder made: what is written to an empty mount point, no reader finds.
        """
        if not self._root.is_dir():
            raise Unreachable(f"there is no folder {self.address}", "is the disk plugged in?")

    def _check_no_links(self, path: Path) -> None:
        for each in (path, *path.parents):
            if each == self._root:
                return
            if each.is_symlink():
                raise Refused(f"{each} is a symbolic link", "remove it: links are never followed")


class _FileSink(Sink):
    """A file under its pending name."""

    def __init__(self, target: Path, committed: Callable[[], None]) -> None:
        self._target = target
        self._committed = committed
        # Of its own: somebody else may be writing the same share to the same place.
        self._pending = target.with_name(f"{_PENDING}{secrets.token_hex(4)}-{target.name}")
        self._file = io.FileIO(self._pending, "x")

    def write(self, data: memoryview) -> None:
        done = 0
        while done < len(data):
            done += self._file.write(data[done:])

    def commit(self) -> None:
        with self._file as file:
            os.fsync(file.fileno())
            _forget_some(file.fileno(), file.tell())
        self._pending.replace(self._target)
        self._committed()
        _flush_folder(self._target.parent)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._pending.unlink()


def _forget_some(handle: int, size: int) -> None:
    """Drop a few places of a flushed file from memory, so that they are read back from the medium.

    Sticks that claim a size they don't have are sold; memory would vouch for them. To drop all
    would make every spread twice as long.
    """
    if hasattr(os, "posix_fadvise"):
        for _ in range(_SAMPLES):
            place = random.randrange(size + 1) // _SAMPLE * _SAMPLE  # noqa: S311 - no secret
            os.posix_fadvise(handle, place, _SAMPLE, os.POSIX_FADV_DONTNEED)


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
