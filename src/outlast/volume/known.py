"""What is known of the folder's files since they were sealed: a cache, rebuilt by reading them."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

_RACY = 2_000_000_000
"""Nanoseconds: a file touched less than this before the scan may change again without a new
time of change (FAT's clock ticks every two seconds), so that proves nothing next time."""


class Known(NamedTuple):
    """A file as it was when it was last read."""

    size: int
    mtime: int
    ctime: int
    inode: int
    hash: bytes
    """BLAKE3."""
    sure: bool
    """Whether size, times and inode will tell a change."""


class KnownFiles:
    """The cache, one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, Known]:
        """All that is known, by path; nothing if the cache is missing or damaged."""
        if not self._path.exists():
            return {}
        try:
            with closing(sqlite3.connect(self._path)) as db:
                rows = db.execute("SELECT path, size, mtime, ctime, inode, hash, sure FROM known")
                return {row[0]: Known._make(row[1:]) for row in rows}
        except (sqlite3.Error, TypeError):
            with suppress(OSError):
                self._path.unlink()
            return {}

    def replace(self, before: Mapping[str, Known], now: Mapping[str, Known]) -> None:
        """Bring the cache from what `load` gave to `now`, if it can be written at all."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path)) as db, db:
            # A cache may be lost with the power; nobody shall wait for it to reach the disk.
            db.execute("PRAGMA synchronous = OFF")
            db.execute(
                "CREATE TABLE IF NOT EXISTS known (path TEXT PRIMARY KEY, size INTEGER,"
                " mtime INTEGER, ctime INTEGER, inode INTEGER, hash BLOB, sure INTEGER)"
            )
            db.executemany(
                "DELETE FROM known WHERE path = ?", [(path,) for path in before.keys() - now.keys()]
            )
            db.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((path, *known) for path, known in now.items() if before.get(path) != known),
            )


def is_sure(mtime: int, ctime: int, scanned_at: int) -> bool:
    """Whether a file met by a scan that began at `scanned_at` (ns) can't change unnoticed."""
    return max(mtime, ctime) < scanned_at - _RACY
