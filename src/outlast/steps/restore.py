"""Files on their way back into a folder: beside it until they are whole, then under their names."""

import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from outlast.errors import BadInput, NotGenuine, StorageFull
from outlast.format.index import Entry
from outlast.steps.files import writing_to
from outlast.steps.progress import Progress, Report
from outlast.steps.reader import TooFew, VolumeReader

STAGING = ".outlast-gathering"
"""Where files grow. Its files are named by path and hash, so that only the same file goes on."""
_READ = 1024 * 1024
_SHOWN = 5


class Restore:
    """Writes the files of an edition below one folder, and nothing outside it."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._staging = to / STAGING
        self._folders: set[Path] = {to}

    def prepare(
        self, wanted: Iterable[Entry], *, overwrite: bool, report: Report
    ) -> tuple[list[Entry], int]:
        """Make the folder, and sort out what stands there already.

        Returns:
            The entries whose bytes must be gathered, and how many are there already, unaltered.

        Raises:
            BadInput: another file stands where one of the work's would go, and `overwrite` is
                not set; or the folder can't be written.
            StorageFull: the disk has less room than the files need.
        """
        wanted = list(wanted)
        missing: list[Entry] = []
        others: list[str] = []
        with writing_to(self._to):
            self._to.mkdir(parents=True, exist_ok=True)
            for at, entry in enumerate(wanted):
                match self._standing(entry):
                    case "same":
                        report(Progress("looking at what is there", at, len(wanted), "files"))
                    case "nothing":
                        missing.append(entry)
                    case "other" if overwrite:
                        missing.append(entry)
                    case _:
                        others.append(ascii(entry.path))
            if others:
                raise BadInput(
                    f"{self._to} has other files under the work's names: "
                    + ", ".join(others[:_SHOWN])
                    + (f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""),
                    "gather to a new folder, or say --overwrite to replace files",
                )
            self._check_room(missing)
            if self._staging.is_symlink():
                raise BadInput(f"{self._staging} is a symbolic link", "remove it")
            self._staging.mkdir(exist_ok=True)
        return missing, len(wanted) - len(missing)

    def write(self, entries: Iterable[Entry], reader: VolumeReader) -> Iterator[int]:
        """Gather the files that lie in one volume; gives the bytes done, as it goes.

        Where a segment can't be rebuilt, the files that have bytes in it are left out, and the
        others still come.

        Raises:
            TooFew: at the end, if files were left out.
            NotGenuine: a file isn't what the index says of it.
            StorageFull: no room.
        """
        with writing_to(self._to):
            spots: dict[int, list[Entry]] = {}
            for entry in entries:
                if entry.is_folder:
                    self._folder(self._to / entry.path)
                elif not entry.size:
                    _Part(self, entry).finish()
                else:
                    spots.setdefault(entry.offset, []).append(entry)
            segment = reader.volume.geometry.segment
            parts = [_Part(self, *twins) for _, twins in sorted(spots.items())]
            yield sum(part.resume(segment) for part in parts)
            lacking: TooFew | None = None
            while parts:
                try:
                    yield from self._fill(parts, reader)
                except TooFew as error:
                    lacking = error
                    low, high = error.segment * segment, (error.segment + 1) * segment
                    left = [each for each in parts if not each.full and not each.touches(low, high)]
                else:
                    left = []
                finally:
                    for part in parts:
                        part.close()
                # What an earlier run left may have led to another file: once more without it.
                parts = sorted(
                    left + [part.anew() for part in parts if part.misled],
                    key=lambda part: part.span,
                )
            if lacking is not None:
                raise lacking

    def finish(self) -> None:
        """Clear away what was only needed on the way."""
        shutil.rmtree(self._staging, ignore_errors=True)

    def part_path(self, entry: Entry) -> Path:
        """Where a file grows."""
        key = blake3(entry.path.encode() + b"\0" + entry.hash).hexdigest()[:32]
        return self._staging / f"{key}.part"

    def name(self, part: Path, entry: Entry) -> None:
        """Give a proved file its name."""
        target = self._to / entry.path
        self._folder(target.parent)
        part.replace(target)

    def _fill(self, parts: list["_Part"], reader: VolumeReader) -> Iterator[int]:
        """Read the parts' bytes in one go over the volume, and finish each as it is full."""
        waiting = iter(parts)
        part = next(waiting)
        for piece in reader.read(*(each.span for each in parts)):
            yield len(piece)
            while piece:
                piece = part.take(piece)
                if part.full:
                    part.finish()
                    part = next(waiting, part)

    def _standing(self, entry: Entry) -> str:
        """What is where the entry would go: "nothing", the "same", "other", or in the way."""
        target = self._to / entry.path
        if entry.is_folder:
            return "same" if target.is_dir() and not target.is_symlink() else "nothing"
        if target.is_symlink():
            return "other"
        if target.is_dir():
            return "in the way"
        if not target.exists():
            return "nothing"
        if target.stat().st_size != entry.size:
            return "other"
        hasher = blake3()
        with io.FileIO(target) as file:
            while piece := file.read(_READ):
                hasher.update(piece)
        return "same" if hasher.digest() == entry.hash else "other"

    def _check_room(self, missing: Iterable[Entry]) -> None:
        need = sum(entry.size for entry in missing)
        if self._staging.exists():
            need -= sum(part.stat().st_size for part in self._staging.iterdir())
        free = shutil.disk_usage(self._to).free
        if need > free:
            raise StorageFull(
                f"{self._to} has {free // 10**6} MB free, the files need {need // 10**6} MB",
                "make room, gather to another disk, or choose with --only",
            )

    def _folder(self, folder: Path) -> None:
        """Make a folder below the destination, through no link that leads out of it."""
        if folder in self._folders:
            return
        self._folder(folder.parent)
        if folder.is_symlink():
            raise BadInput(
                f"{folder} is a link that may lead out of {self._to}",
                "gather to a new folder",
            )
        folder.mkdir(exist_ok=True)
        self._folders.add(folder)


class _Part:
    """A file that grows: once for all paths that have the same bytes."""

    def __init__(self, restore: Restore, *entries: Entry) -> None:
        self._restore = restore
        self._entries = entries
        self._entry = entries[0]
        self._path = restore.part_path(self._entry)
        self._file: io.FileIO | None = None
        self._hasher = blake3()
        self._resumed = False
        self._done = 0
        self.misled = False
        """Whether what was resumed wasn't this file."""

    @property
    def full(self) -> bool:
        """Whether all bytes are there."""
        return self._done == self._entry.size

    @property
    def span(self) -> tuple[int, int]:
        """What is still to be read of the volume."""
        return self._entry.offset + self._done, self._entry.offset + self._entry.size

    def touches(self, low: int, high: int) -> bool:
        """Whether bytes still to be read lie in [low, high) of the volume."""
        start, end = self.span
        return start < high and end > low

    def resume(self, segment: int) -> int:
        """Count what an earlier run left, up to its last whole segment; how many bytes that are."""
        if self._entry.size > segment and self._path.is_file():
            left = self._path.stat().st_size
            if left < self._entry.size:
                self._done = max(0, left - (self._entry.offset + left) % segment)
        self._resumed = self._done > 0
        return self._done

    def take(self, piece: memoryview) -> memoryview:
        """Append what belongs to this file; gives back the rest."""
        if self._file is None or self._file.closed:
            self._file = self._open()
        mine = piece[: self._entry.size - self._done]
        self._hasher.update(mine)
        self._done += len(mine)
        rest = piece[len(mine) :]
        while mine:
            mine = mine[self._file.write(mine) :]
        return rest

    def finish(self) -> None:
        """Give the file its names, if it is what the index says.

        Raises:
            NotGenuine: it isn't, though every byte of it was proved.
        """
        if self._file is None:
            self._file = self._open()
        self.close()
        if self._hasher.digest() != self._entry.hash:
            self._path.unlink()
            self.misled = self._resumed
            if not self._resumed:
                raise NotGenuine(
                    f"{self._entry.path!a} isn't what its index says",
                    "the work was sealed wrongly: tell its author",
                )
            return
        for twin in self._entries[1:]:
            copy = self._restore.part_path(twin)
            copy.unlink(missing_ok=True)
            shutil.copyfile(self._path, copy)
            self._restore.name(copy, twin)
        self._restore.name(self._path, self._entry)

    def close(self) -> None:
        """Close the file; what was written stays."""
        if self._file is not None:
            self._file.close()

    def anew(self) -> "_Part":
        """The same file from its first byte."""
        return _Part(self._restore, *self._entries)

    def _open(self) -> io.FileIO:
        """The part, cut to what it counts for, that much of it hashed again."""
        if self._done:
            file = io.FileIO(self._path, "r+", opener=_open_plain)
        else:
            self._path.unlink(missing_ok=True)
            file = io.FileIO(self._path, "x+", opener=_open_plain)
        file.truncate(self._done)
        self._hasher.reset()
        left = self._done
        while left:
            piece = file.read(min(_READ, left))
            self._hasher.update(piece)
            left -= len(piece)
        return file


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)
