"""What is known of the folder's files since they were sealed: a cache, rebuilt by reading them."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from outlast.format.paths import SafePath
from outlast.volume.scan import Found

_RACY = 2_000_000_000
"""Nanoseconds: a file touched less than this before the scan may change again without a new
mtime (FAT's clock ticks every two seconds), so its mtime proves nothing next time."""


class Known(NamedTuple):
    """A file as it was when it was last read."""

    found: Found
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
                return {
                    path: Known(Found(SafePath(path), size, mtime, int(inode)), digest, bool(sure))
                    for path, size, mtime, inode, digest, sure in rows
                }
        except sqlite3.DatabaseError:
            self._path.unlink()
            return {}

    def replace(self, before: dict[str, Known], now: Iterable[Known]) -> None:
        """Bring the cache from what `load` gave to `now`."""
        after = {known.found.path: known for known in now}
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS known (path TEXT PRIMARY KEY, size INTEGER,"
                " mtime INTEGER, inode TEXT, hash BLOB, sure INTEGER) WITHOUT ROWID"
            )
            db.executemany(
                "DELETE FROM known WHERE path = ?",
                [(path,) for path in before if path not in after],
            )
            db.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?)",
                [
                    # An inode may need 64 bits without a sign, which SQLite's integers lack.
                    (*known.found[:3], str(known.found.inode), known.hash, known.sure)
                    for path, known in after.items()
                    if before.get(path) != known
                ],
            )


def is_sure(found: Found, scanned_at: int) -> bool:
    """Whether a file met by a scan that began at `scanned_at` (ns) can't change unnoticed."""
    return found.mtime < scanned_at - _RACY
