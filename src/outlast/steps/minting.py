"""Where the shares of a volume come from: its files or its shares, and its symbols' hashes."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from blake3 import blake3

from outlast.coding import Code
from outlast.errors import Changed
from outlast.format import index
from outlast.format.geometry import SYMBOL, Geometry
from outlast.format.manifest import Volume
from outlast.format.paths import SafePath
from outlast.format.share import ShareHead, volume_id
from outlast.steps import changes
from outlast.steps.encode import encode
from outlast.steps.files import writing_to
from outlast.steps.reader import VolumeReader
from outlast.steps.survey import Surveyed
from outlast.volume.hashes import HashTable
from outlast.volume.scan import Found
from outlast.volume.stream import Chain, FileStream, Stream, Tail

Table = Mapping[SafePath, index.Entry]


def hash_symbols(
    stream: Stream, code: Code, path: Path, done: Callable[[int], None]
) -> tuple[Geometry, bytes]:
    """Encode a whole stream, keep the hash of every symbol in a table at `path`, and no more.

    `done` hears how many bytes were read so far.

    Returns:
        The volume's geometry, and the roots of its n shares.

    Raises:
        StorageFull: no room for the table.
    """
    size = 0
    with writing_to(path), contextlib.closing(HashTable(path, code.n, new=True)) as table:
        for coded in encode(stream, code, range(code.k, code.n), _hash_all):
            coded.slot.release()
            table.write(coded.segment, coded.value)
            size += coded.size
            done(size)
        geometry = Geometry(k=code.k, n=code.n, symbol=SYMBOL, size=size)
        return geometry, table.finish(geometry.segments)


def _hash_all(data: Sequence[memoryview], parity: Sequence[memoryview]) -> bytes:
    return b"".join([blake3(symbol).digest() for symbol in (*data, *parity)])


class ShareHeads:
    """The heads of a volume's shares, each made when it is needed."""

    def __init__(self, volume: Volume, table: HashTable) -> None:
        self.table = table
        self._volume = volume
        self._roots = table.roots(volume.geometry.segments)

    @property
    def sound(self) -> bool:
        """Whether the table belongs to the volume."""
        return volume_id(self._volume.geometry, self._roots) == self._volume.id

    def __call__(self, row: int) -> ShareHead:
        """The head of one share."""
        geometry = self._volume.geometry
        return ShareHead(
            row=row,
            geometry=geometry,
            first=0,
            count=geometry.segments,
            volume=self._volume.id,
            roots=self._roots,
            hashes=self.table.row(row, geometry.segments),
        )


@contextlib.contextmanager
def share_heads(
    volume: Volume, path: Path, source: Callable[[], contextlib.AbstractContextManager[Stream]]
) -> Iterator[ShareHeads]:
    """The heads of a volume's shares, from the table at `path`, made again if it is lost.

    Raises:
        Changed: it was lost, and what `source` gives isn't what was sealed.
    """
    geometry = volume.geometry
    with (
        contextlib.suppress(FileNotFoundError),
        contextlib.closing(HashTable(path, geometry.n)) as table,
    ):
        heads = ShareHeads(volume, table)
        if heads.sound:
            yield heads
            return
    with source() as stream:
        hash_symbols(stream, Code(geometry.k, geometry.n), path, lambda _: None)
    with contextlib.closing(HashTable(path, geometry.n)) as table:
        heads = ShareHeads(volume, table)
        if not heads.sound:
            raise Changed(
                f"the files of volume {volume.id.hex()[:16]} aren't what was sealed",
                "run 'outlast seal', then this again",
            )
        yield heads


@contextlib.contextmanager
def open_source(
    root: Path,
    volume: Volume,
    packed_index: bytes,
    table: Table,
    surveys: Iterable[Surveyed],
) -> Iterator[Stream]:
    """A volume's stream: from the folder while its files are there, otherwise from shares.

    `table` says under which paths the volume's bytes lie now.

    Raises:
        NotEnough: when it is read, neither the folder nor the carriers have it.
    """
    found = _in_folder(root, volume, packed_index, table)
    if found is not None:
        files = FileStream(root, found)
        with contextlib.closing(files):
            yield Chain(files, Tail(lambda: packed_index))
        return
    reader = VolumeReader(volume, surveys)
    with contextlib.closing(reader):
        yield _SharesStream(reader.read((0, volume.geometry.size)))


def _in_folder(root: Path, volume: Volume, packed_index: bytes, table: Table) -> list[Found] | None:
    """The files with the volume's bytes, in the stream's order; None: one is gone or resized."""
    where = changes.locations(table)
    found = []
    for entry in index.parse(packed_index, volume):
        if entry.volume != volume.id or not entry.size:
            continue
        path = where.get((volume.id, entry.offset))
        if path is None:
            return None
        try:
            status = (root / path).stat()
        except OSError:
            return None
        if status.st_size != entry.size:
            return None
        found.append(Found.of(path, status))
    return found


class _SharesStream:
    """A reader's pieces as a stream."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview) -> int:
        """Fill `buffer` from the next pieces."""
        done = 0
        while done < len(buffer):
            if not self._rest:
                self._rest = next(self._pieces, memoryview(b""))
                if not self._rest:
                    break
            got = min(len(buffer) - done, len(self._rest))
            buffer[done : done + got] = self._rest[:got]
            self._rest = self._rest[got:]
            done += got
        return done
