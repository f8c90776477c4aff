"""A volume's stream: its files' bytes one after another, then the index."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from outlast.errors import BadInput, Changed
from outlast.volume.scan import Found

# Not blocking: a pipe may have taken the file's place since the scan.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Stream(Protocol):
    """Bytes that are read once, from the start."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` as far as the stream reaches; how many bytes that were."""
        ...


class FileStream:
    """Files' bytes end to end, each file hashed on the way if asked.

    A file must still be the one that the scan met when its last byte has been read.
    """

    def __init__(
        self, root: Path, files: Sequence[Found], *, hashed: Callable[[bytes], None] | None = None
    ) -> None:
        """`hashed` receives each file's BLAKE3 hash, in order."""
        self._root = str(root)
        self._files = iter(files)
        self._hashed = hashed
        self._hasher = blake3()
        self._open: tuple[Found, int] | None = None
        self._left = 0

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` from this and the following files.

        Raises:
            Changed: a file isn't what the scan met, or changed while it was read.
            BadInput: a file can't be read.
        """
        done = 0
        while done < len(buffer):
            if self._open is None:
                found = next(self._files, None)
                if found is None:
                    break
                self._open = (found, self._begin(found))
                self._left = found.size
            if self._left:
                done += self._some(*self._open, buffer[done : done + self._left])
            if not self._left:
                self._end(*self._open)
        return done

    def close(self) -> None:
        """Close the file that is being read, if any."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _begin(self, found: Found) -> int:
        # Plain calls instead of pathlib and file objects: they would take half of the time that a
        # hundred thousand small files need.
        try:
            return os.open(f"{self._root}/{found.path}", _READ)
        except FileNotFoundError:
            raise _changed(found) from None
        except OSError as error:
            raise _unreadable(found, error, "check who may read it") from error

    def _some(self, found: Found, handle: int, buffer: memoryview) -> int:
        try:
            got = os.readv(handle, [buffer])
        except OSError as error:
            raise _unreadable(found, error, "the disk may be failing") from error
        if not got:
            raise _changed(found)
        if self._hashed is not None:
            self._hasher.update(buffer[:got])
        self._left -= got
        return got

    def _end(self, found: Found, handle: int) -> None:
        same = Found.of(found.path, os.fstat(handle)) == found
        self.close()
        if not same:
            raise _changed(found)
        if self._hashed is not None:
            self._hashed(self._hasher.digest())
            self._hasher.reset()


class Tail:
    """Bytes that are known only when all before them has been read: the index."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._bytes: memoryview | None = None

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` from what `make` gave."""
        if self._bytes is None:
            self._bytes = memoryview(self._make())
        got = min(len(buffer), len(self._bytes))
        buffer[:got] = self._bytes[:got]
        self._bytes = self._bytes[got:]
        return got


class Chain:
    """Several streams as one."""

    def __init__(self, *streams: Stream) -> None:
        self._streams = streams

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` from each stream in turn."""
        done = 0
        for stream in self._streams:
            done += stream.readinto(buffer[done:])
            if done == len(buffer):
                break
        return done


def hash_file(root: Path, found: Found) -> bytes:
    """The BLAKE3 hash of one file, read for that alone.

    Raises:
        Changed: it isn't what the scan met.
        BadInput: it can't be read.
    """
    hashes: list[bytes] = []
    stream = FileStream(root, [found], hashed=hashes.append)
    buffer = memoryview(bytearray(min(found.size, 1024 * 1024) + 1))
    with closing(stream):
        while stream.readinto(buffer) == len(buffer):
            pass
    return hashes[0]


def _unreadable(found: Found, error: OSError, hint: str) -> BadInput:
    return BadInput(f"{found.path!a} can't be read: {error.strerror}", hint)


def _changed(found: Found) -> Changed:
    return Changed(
        f"{found.path!a} changed while it was read",
        "wait until nothing writes to it any more, and run the command again",
    )
