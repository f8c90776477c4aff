"""Run a command that kills itself at the N-th change that it makes to the disk.

    python killed.py N COUNTED outlast-arguments...

With N = 0 nothing is killed, and the file COUNTED says how many changes there were. A write that
is hit is done half. Volumes get small symbols, so that small files have many segments.
"""

import builtins
import io
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

LIMIT = int(sys.argv[1])
COUNTED = Path(sys.argv[2])
_lock = threading.Lock()
_count = 0


def due() -> bool:
    global _count
    with _lock:
        _count += 1
        return _count == LIMIT


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(module: Any, name: str) -> None:
    """Count the calls of a function, and die instead of the N-th."""
    plain = getattr(module, name, None)
    if plain is None:
        return

    def counted(*arguments: Any, **options: Any) -> Any:
        if due():
            kill()
        return plain(*arguments, **options)

    setattr(module, name, counted)


def halfway(module: Any, name: str) -> None:
    """Count the calls of a writing function, and die in the middle of the N-th."""
    plain = getattr(module, name)

    def counted(handle: int, data: Any, *rest: Any) -> Any:
        if due():
            plain(handle, bytes(data)[: len(data) // 2], *rest)
            kill()
        return plain(handle, data, *rest)

    setattr(module, name, counted)


class CountedFile(io.FileIO):
    """A file whose writes are counted."""

    def write(self, data: Any) -> Any:
        if due():
            super().write(bytes(data)[: len(data) // 2])
            kill()
        return super().write(data)


_open = builtins.open


def counted_open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
    if set(mode) & set("wax+") and due():
        kill()
    return _open(file, mode, *rest, **options)


for each in ("replace", "rename", "fsync", "unlink", "remove", "mkdir", "rmdir", "ftruncate"):
    before(os, each)
for each in ("write", "pwrite"):
    halfway(os, each)
io.FileIO = CountedFile  # type: ignore[misc]
builtins.open = counted_open

from outlast.cli import main  # noqa: E402
from outlast.steps import encode, minting, seal  # noqa: E402

seal.rows_for = lambda size: (4, 12)
minting.SYMBOL = encode.SYMBOL = 1024
sys.argv = ["outlast", *sys.argv[3:]]
try:
    main()
finally:
    with _open(COUNTED, "w") as out:
        out.write(str(_count))
