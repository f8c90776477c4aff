"""An index: the table of a volume's files, and the last bytes of its stream. See spec/index.md."""

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from blake3 import blake3

from outlast.errors import Malformed
from outlast.format import document
from outlast.format.manifest import Volume
from outlast.format.paths import SafePath, check_together

FORMAT = "outlast index 1"
MAX_INDEX = 256 * 1024 * 1024
FOLDER = "inode/directory"
"""The type of an entry that stands for an empty folder."""
NO_BYTES = blake3().digest()
"""The hash of nothing: that of empty files and folders."""
HERE = b""
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,126}/[a-z0-9][a-z0-9.+-]{0,126}")


class Entry(NamedTuple):
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
    volume: bytes = HERE
    """The volume that holds its bytes. A file that was only renamed names an older volume than
    the one whose index lists it, and costs a line. HERE: the one that is being made."""

    @property
    def is_folder(self) -> bool:
        """Whether this is an empty folder rather than a file."""
        return self.type == FOLDER


def pack(entries: Iterable[Entry]) -> bytes:
    """The bytes of a new volume's index."""
    lines = [document.write({"format": FORMAT})]
    lines += [document.write(_row(entry)) for entry in entries]
    return b"\n".join([*lines, b""])


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": entry.path,
        "size": entry.size,
        "hash": entry.hash.hex(),
        "type": entry.type,
        "offset": entry.offset,
    }
    if entry.volume != HERE:
        row["volume"] = entry.volume.hex()
    return row


def parse(data: bytes, volume: Volume) -> tuple[Entry, ...]:
    """The entries of a volume's index.

    Raises:
        Malformed: no index, of a later version, a path twice, or files that lie outside the
            volume's stream or over one another.
        UnsafePath: a hostile path.
    """
    lines = document.read_lines(data, "an index", MAX_INDEX)
    if next(lines, {}).get("format") != FORMAT:
        raise Malformed("not an index that this version reads", "a newer outlast may read it")
    entries = tuple([_entry(row, volume) for row in lines])
    if len({entry.path for entry in entries}) != len(entries):
        raise Malformed("an index names a path twice")
    end = 0
    for offset, size in sorted([(e.offset, e.size) for e in entries if e.volume == volume.id]):
        if size and offset < end:
            raise Malformed("an index has files that overlap")
        end = max(end, offset + size)
    return entries


def _entry(row: Mapping[str, Any], volume: Volume) -> Entry:
    path = row.get("path")
    kind = row.get("type")
    if type(path) is not str or type(kind) is not str or not _TYPE.fullmatch(kind):
        raise Malformed("an index has a file without a path or a media type")
    entry = Entry(
        SafePath(path),
        document.integer(row, "size"),
        document.digest(row, "hash"),
        sys.intern(kind),
        document.integer(row, "offset"),
        document.digest(row, "volume") if "volume" in row else volume.id,
    )
    if entry.volume == volume.id and entry.offset + entry.size > volume.stream:
        raise Malformed("an index names bytes outside its volume")
    if (not entry.size and entry.hash != NO_BYTES) or (entry.size and kind == FOLDER):
        raise Malformed("an index has an empty file or a folder with bytes")
    return entry


def merge(
    volumes: Iterable[tuple[Volume, Iterable[Entry]]], removed: Collection[SafePath]
) -> dict[SafePath, Entry]:
    """The files of an edition: a later volume's entry wins, then `removed` paths go.

    Raises:
        Malformed: an entry that counts names bytes that no volume of the edition has.
        UnsafePath: two of the edition's paths can't stand in one folder on every system.
    """
    table: dict[SafePath, Entry] = {}
    bytes_at: dict[tuple[bytes, int], Entry] = {}
    for volume, entries in volumes:
        for entry in entries:
            table[entry.path] = entry
            if entry.size and entry.volume == volume.id:
                bytes_at[volume.id, entry.offset] = entry
    for path in removed:
        table.pop(path, None)
    for entry in table.values():
        if entry.size:
            origin = bytes_at.get((entry.volume, entry.offset))
            if origin is None or (origin.size, origin.hash) != (entry.size, entry.hash):
                raise Malformed(f"{entry.path!a} lies in no volume of this edition")
    check_together(table)
    return table
