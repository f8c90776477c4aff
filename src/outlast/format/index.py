"""An index: the table of a volume's files, and the last bytes of its stream. See spec/index.md."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from outlast.errors import Malformed
from outlast.format import document
from outlast.format.manifest import Volume
from outlast.format.paths import SafePath, check_together

FORMAT = "outlast index 1"
MAX_INDEX = 512 * 1024 * 1024
FOLDER = "inode/directory"
"""The type of an entry that stands for an empty folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: where it is named, what it is, and where its bytes lie."""

    path: SafePath
    size: int
    """Bytes."""
    hash: bytes
    """BLAKE3 of its bytes, as `b3sum` prints it."""
    type: str
    """Its media type, or FOLDER."""
    offset: int
    """Where its bytes begin in the volume's stream."""
    volume: bytes | None = None
    """The volume that holds its bytes; None: the one this index belongs to. A file that was only
    renamed names the older volume, and costs a line."""

    @property
    def is_folder(self) -> bool:
        """Whether this is an empty folder rather than a file."""
        return self.type == FOLDER


def pack(entries: Iterable[Entry]) -> bytes:
    """The index's bytes."""
    return document.write({"format": FORMAT, "files": [_row(entry) for entry in entries]})


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": entry.path,
        "size": entry.size,
        "hash": entry.hash.hex(),
        "type": entry.type,
        "offset": entry.offset,
    }
    if entry.volume is not None:
        row["volume"] = entry.volume.hex()
    return row


def parse(data: bytes, *, stream: int) -> tuple[Entry, ...]:
    """The entries of an index whose volume has `stream` bytes before it.

    Raises:
        Malformed: no index, of a later version, or files that lie outside the
            volume's stream, or over one another.
        UnsafePath: a hostile path.
    """
    found = document.read(data, "an index", MAX_INDEX)
    if found.get("format") != FORMAT:
        raise Malformed("not an index that this version reads")
    entries = tuple(_entry(row, stream) for row in document.objects(found, "files"))
    end = 0
    for offset, size in sorted((e.offset, e.size) for e in entries if e.volume is None):
        if size and offset < end:
            raise Malformed("an index has files that overlap")
        end = max(end, offset + size)
    return entries


def _entry(row: Mapping[str, Any], stream: int) -> Entry:
    size = document.integer(row, "size")
    offset = document.integer(row, "offset")
    volume = document.digest(row, "volume") if "volume" in row else None
    if volume is None and offset + size > stream:
        raise Malformed("an index names bytes outside its volume")
    return Entry(
        path=SafePath(document.text(row, "path", longest=4096)),
        size=size,
        hash=document.digest(row, "hash"),
        type=document.text(row, "type", longest=255),
        offset=offset,
        volume=volume,
    )


def merge(
    volumes: Iterable[tuple[Volume, Iterable[Entry]]], removed: Collection[SafePath]
) -> dict[SafePath, Entry]:
    """The files of an edition: a later volume's entry wins, then `removed` paths go.

    Every entry of the result names the volume that holds its bytes.

    Raises:
        Malformed: an entry that counts names bytes that no volume of the edition has.
        UnsafePath: two of the edition's paths can't stand in one folder on every system.
    """
    table: dict[SafePath, Entry] = {}
    bytes_at: dict[tuple[bytes, int], tuple[int, bytes]] = {}
    for volume, entries in volumes:
        for entry in entries:
            if entry.volume is not None:
                table[entry.path] = entry
                continue
            table[entry.path] = replace(entry, volume=volume.id)
            if entry.size:
                bytes_at[volume.id, entry.offset] = (entry.size, entry.hash)
    for path in removed:
        table.pop(path, None)
    for entry in table.values():
        spot = (entry.volume or b"", entry.offset)
        if entry.size and bytes_at.get(spot) != (entry.size, entry.hash):
            raise Malformed(f"{entry.path!a} lies in no volume of this edition")
    check_together(table)
    return table
