"""What is known of the folder's files since they were sealed: a cache, rebuilt by reading them."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

_RACY = 2_000_000_000
"""Nanoseconds: a file touched less than this before the scan may change again without a new
mtime (FAT's clock ticks every two seconds), so its mtime proves nothing next time."""


class Known(NamedTuple):
    """A file as it was when it was last read."""

    size: int
    mtime: int
    inode: int
    hash: bytes
    """BLAKE3."""
    sure: bool
    """Whether size, mtime and inode will tell a change."""


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
                rows = db.execute("SELECT path, size, mtime, inode, hash, sure FROM known")
                return {row[0]: Known._make(row[1:]) for row in rows}
        except sqlite3.DatabaseError:
            self._path.unlink()
            return {}

    def replace(self, before: Mapping[str, Known], now: Mapping[str, Known]) -> None:
        """Bring the cache from what `load` gave to `now`."""
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS known (path TEXT PRIMARY KEY, size INTEGER,"
                " mtime INTEGER, inode INTEGER, hash BLOB, sure INTEGER)"
            )
            db.executemany(
                "DELETE FROM known WHERE path = ?", [(path,) for path in before.keys() - now.keys()]
            )
            db.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?)",
                ((path, *known) for path, known in now.items() if before.get(path) != known),
            )


def is_sure(mtime: int, scanned_at: int) -> bool:
    """Whether a file met by a scan that began at `scanned_at` (ns) can't change unnoticed."""
    return mtime < scanned_at - _RACY
