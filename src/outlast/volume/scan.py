"""What a work's folder holds."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from pathspec import GitIgnoreSpec

from outlast.errors import BadInput, Changed
from outlast.format.paths import SafePath, check_together

IGNORE_FILE = ".outlastignore"
PRIVATE = frozenset({"private", "outlast.toml"})
"""What stays in the folder whatever else is said: our own files, and what is marked private."""
_LITTER = frozenset(
    {
        ".ds_store", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems", "__macosx",
        ".documentrevisions-v100", ".appledouble", ".lsoverride",
        "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
        ".directory", ".trash-1000", "lost+found",
        ".git", ".hg", ".svn",
    }
)  # fmt: skip
"""What systems leave in folders, and version control, whose logs name people. Lower case."""
_LITTER_STARTS = ("._", ".~lock.", "~$", ".nfs", ".fuse_hidden")
_SHOWN = 10
_INODE = (1 << 63) - 1


class Found(NamedTuple):
    """One file as the scan met it."""

    path: SafePath
    size: int
    """Bytes."""
    mtime: int
    """Nanoseconds."""
    ctime: int
    """Nanoseconds: when content or name last changed, which nobody can set."""
    inode: int
    """Its lower 63 bits, which is what SQLite's integers hold."""

    @classmethod
    def of(cls, path: SafePath, status: os.stat_result) -> Self:
        """A file as the system describes it."""
        return cls(
            path,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino & _INODE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A folder's files, and the folders without any."""

    files: tuple[Found, ...]
    """In the order of their paths."""
    empty_folders: tuple[SafePath, ...]


def scan(root: Path) -> Scan:
    """Look through the folder, reading no file.

    Left out: `.outlast/`, `private/`, `outlast.toml`, what `.outlastignore` names (gitignore's
    syntax), and what systems leave behind (`.DS_Store`, `Thumbs.db`, `.git` …).

    Raises:
        BadInput: naming links, sockets, devices, unreadable folders and unsafe paths there.
    """
    ignored = _ignore_rules(root)
    files: list[Found] = []
    empty: list[SafePath] = []
    refused: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        kept = 0
        for entry in _entries(root, folder):
            if _is_litter(entry.name) or (not folder and _is_private(entry.name.casefold())):
                continue
            path = f"{folder}{entry.name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if ignored is not None and ignored(f"{path}/" if is_folder else path):
                continue
            kept += 1
            if is_folder:
                waiting.append(f"{path}/")
                continue
            try:
                safe = SafePath(path)
            except BadInput as error:
                refused.append(error.message)
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                raise Changed(f"{path!a} vanished while the folder was looked through") from None
            if stat.S_ISREG(status.st_mode):
                files.append(Found.of(safe, status))
            else:
                refused.append(f"{path!a} is {_kind(status.st_mode)}")
        if not kept and folder:
            empty.append(SafePath(folder[:-1]))
    if refused:
        raise BadInput(
            "the folder has what can't be sealed: " + "; ".join(sorted(refused)[:_SHOWN])
            + (f"; and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""),
            f"move it away, or name it in {IGNORE_FILE}",
        )  # fmt: skip
    files.sort()
    empty.sort()
    check_together([found.path for found in files] + empty)
    return Scan(files=tuple(files), empty_folders=tuple(empty))


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            return list(entries)
    except OSError as error:
        raise BadInput(
            f"the folder {folder or str(root)!a} can't be read: {error.strerror}",
            "check who may read it",
        ) from error


def _is_litter(name: str) -> bool:
    return name.lower() in _LITTER or name.startswith(_LITTER_STARTS)


def _is_private(name: str) -> bool:
    # '.outlast': also what a kill left of our own files, and what a gather is working on.
    return name in PRIVATE or name.startswith(".outlast")


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a device"


def _ignore_rules(root: Path) -> Callable[[str], bool] | None:
    try:
        lines = (root / IGNORE_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{IGNORE_FILE} can't be read: {error}") from error
    try:
        rules = GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise BadInput(f"{IGNORE_FILE} has a pattern that is none: {error}") from error
    return rules.match_file
