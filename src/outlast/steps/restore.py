"""Files on their way back into a folder: beside it until they are whole, then under their names."""

import io
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from outlast.errors import BadInput, NotGenuine, StorageFull
from outlast.format.index import Entry
from outlast.steps.files import writing_to
from outlast.steps.progress import Progress, Report
from outlast.steps.reader import VolumeReader

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
            self._staging.mkdir(exist_ok=True)
        return missing, len(wanted) - len(missing)

    def write(self, entries: Iterable[Entry], reader: VolumeReader) -> Iterator[int]:
        """Gather the files that lie in one volume; gives the bytes done, as it goes.

        Raises:
            NotEnough: too few sound shares; what was finished before stays.
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
            parts = [_Part(self, *twins) for _, twins in sorted(spots.items())]
            yield from self._fill(parts, reader)

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
        segment = reader.volume.geometry.segment
        spans = [part.span(segment) for part in parts]
        skipped = sum(part.done for part in parts)
        if skipped:
            yield skipped
        again: list[_Part] = []
        waiting = iter(parts)
        part = next(waiting, None)
        for piece in reader.read(*spans):
            yield len(piece)
            while piece and part is not None:
                piece = part.take(piece)
                if part.full:
                    if not part.finish():
                        again.append(part.anew())
                    part = next(waiting, None)
        if again:
            # What an earlier run left didn't lead to the right file: without it, then.
            yield from self._fill(again, reader)

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
        self._path = restore.part_path(entries[0])
        self._file: io.FileIO | None = None
        self._hasher = blake3()
        self._resumed = False
        self.done = 0

    @property
    def full(self) -> bool:
        """Whether all bytes are there."""
        return self.done == self._entries[0].size

    def span(self, segment: int) -> tuple[int, int]:
        """What is still to be read of the volume, going on from an earlier run's last segment."""
        entry = self._entries[0]
        if entry.size > segment and self._path.exists():
            left = self._path.stat().st_size
            self.done = max(0, left - (entry.offset + left) % segment) if left < entry.size else 0
            self._resumed = self.done > 0
        return entry.offset + self.done, entry.offset + entry.size

    def take(self, piece: memoryview) -> memoryview:
        """Append what belongs to this file; gives back the rest."""
        if self._file is None:
            self._file = self._open()
        mine = piece[: self._entries[0].size - self.done]
        self._hasher.update(mine)
        self.done += len(mine)
        rest = piece[len(mine) :]
        while mine:
            mine = mine[self._file.write(mine) :]
        return rest

    def finish(self) -> bool:
        """Give the file its names, if it is what the index says; otherwise False, if it was
        resumed, so that it can be tried without.

        Raises:
            NotGenuine: it isn't, though every byte of it was proved.
        """
        file = self._file or self._open()
        file.close()
        if self._hasher.digest() != self._entries[0].hash:
            self._path.unlink()
            if self._resumed:
                return False
            raise NotGenuine(
                f"{self._entries[0].path!a} isn't what its index says",
                "the work was sealed wrongly: tell its author",
            )
        for twin in self._entries[1:]:
            copy = self._restore.part_path(twin)
            shutil.copyfile(self._path, copy)
            self._restore.name(copy, twin)
        self._restore.name(self._path, self._entries[0])
        return True

    def anew(self) -> "_Part":
        """The same file from its first byte."""
        return _Part(self._restore, *self._entries)

    def _open(self) -> io.FileIO:
        """The part, cut to what it counts for, that much of it hashed again."""
        file = io.FileIO(self._path, "r+" if self._resumed else "w+")
        file.truncate(self.done)
        left = self.done
        while left:
            piece = file.read(min(_READ, left))
            self._hasher.update(piece)
            left -= len(piece)
        return file
