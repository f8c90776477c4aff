"""What a new edition must contain, decided from what is known, without reading a file. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from outlast.format.index import FOLDER, NO_BYTES, Entry
from outlast.format.manifest import Volume
from outlast.format.paths import SafePath
from outlast.volume.known import Known
from outlast.volume.scan import Found

_WORTH_A_HASH = 16 * 1024
"""Bytes from which on a file of a known size is hashed before it is coded."""

Indexes = Sequence[tuple[Volume, tuple[Entry, ...]]]
"""An edition's volumes in order, each with its own index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The scanned files beside the edition before."""

    same: Mapping[SafePath, Entry]
    """Files and empty folders that are as they were."""
    unsure: Sequence[tuple[Found, tuple[Entry, ...]]]
    """Files that may be one of these: only their hash can tell."""
    fresh: Sequence[Found]
    """Files with new bytes."""


def compare(
    files: Iterable[Found],
    empty_folders: Iterable[SafePath],
    known: Mapping[str, Known],
    table: Mapping[SafePath, Entry],
) -> Compared:
    """Sort the scanned files by what is known of them.

    A file is the same when size, times and inode agree with what was read then. One that has the
    size of an older file may be that one, touched or moved: reading it for its hash is cheaper
    than to code and spread it again.
    """
    by_size: dict[int, list[Entry]] = {}
    for sized in table.values():
        if sized.size >= _WORTH_A_HASH:
            by_size.setdefault(sized.size, []).append(sized)
    same: dict[SafePath, Entry] = {}
    unsure: list[tuple[Found, tuple[Entry, ...]]] = []
    fresh: list[Found] = []
    for found in files:
        entry = table.get(found.path)
        before = known.get(found.path)
        if entry and before and before == (*found[1:], entry.hash, True):
            same[found.path] = entry
        elif entry and not entry.is_folder and entry.size == found.size:
            unsure.append((found, (entry, *by_size.get(found.size, ()))))
        elif found.size in by_size:
            unsure.append((found, tuple(by_size[found.size])))
        else:
            fresh.append(found)
    for path in empty_folders:
        folder = table.get(path)
        if folder and folder.is_folder:
            same[path] = folder
    return Compared(same=same, unsure=unsure, fresh=fresh)


def dropped_volumes(
    indexes: Indexes,
    live: Mapping[SafePath, Entry],
    placed: Collection[bytes],
    *,
    repack_below: int,
) -> set[bytes]:
    """The older volumes that a new edition does without.

    A volume goes when nothing in it is live any more, when it is smaller than `repack_below`, or
    when it can't be minted: a file in it has changed before enough shares of it were `placed`.
    What is live in a volume that goes is read into the new one.
    """
    listing = listers(indexes)
    needed = {listing[path] for path, entry in live.items() if entry.path == path}
    needed |= {entry.volume for entry in live.values()}
    where = locations(live)
    dropped = set()
    for volume, entries in indexes:
        lost = any(spot not in where for spot in own_bytes(volume.id, entries))
        small = volume.geometry.size < repack_below
        if volume.id not in needed or small or (lost and volume.id not in placed):
            dropped.add(volume.id)
    return dropped


def listers(indexes: Indexes) -> dict[SafePath, bytes]:
    """For each path the volume whose index has the last word on it."""
    return {entry.path: volume.id for volume, entries in indexes for entry in entries}


def own_bytes(volume: bytes, entries: Iterable[Entry]) -> list[tuple[bytes, int]]:
    """Where in the volume's stream its files lie, as (volume, offset); empty ones left out."""
    return [(volume, entry.offset) for entry in entries if entry.volume == volume and entry.size]


def locations(table: Mapping[SafePath, Entry]) -> dict[tuple[bytes, int], SafePath]:
    """Under which path the bytes at (volume, offset) lie in the folder now."""
    return {(entry.volume, entry.offset): path for path, entry in table.items() if entry.size}


def pointers(
    same: Mapping[SafePath, Entry],
    empty_folders: Iterable[SafePath],
    dropped: Collection[bytes],
    listing: Mapping[SafePath, bytes],
) -> list[Entry]:
    """The lines without bytes that a new index needs.

    They are those of moved files, of new empty folders, and of files that are as they were but
    whose line stood in a volume that goes.
    """
    lines = []
    for path, entry in same.items():
        unlisted = entry.path != path or listing[path] in dropped
        if unlisted and not entry.is_folder and entry.volume not in dropped:
            lines.append(entry._replace(path=path))
    for path in empty_folders:
        if path not in same or listing[path] in dropped:
            lines.append(Entry(path=path, size=0, hash=NO_BYTES, type=FOLDER, offset=0))
    return lines
