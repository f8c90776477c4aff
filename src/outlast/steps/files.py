"""Writing files on the person's own disk so that a kill or a full disk leaves old or new, whole."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from outlast.errors import BadInput, StorageFull


def write_whole(path: Path, data: bytes) -> None:
    """Replace the file at `path` with `data`, flushed to the disk, or leave it as it was.

    Raises:
        StorageFull: no room.
        BadInput: no permission.
    """
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            Path(beside).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(beside).unlink()
            raise


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Say in plain words why `path` can't be written.

    Raises:
        StorageFull: no room.
        BadInput: any other reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"the disk is full: {path} can't be written", "make room and run it again"
            ) from error
        if error.errno == errno.EFBIG:
            raise StorageFull(
                f"{path} lies on a disk that takes no file that large",
                "FAT takes files up to 4 GiB; exFAT and the others more",
            ) from error
        raise BadInput(
            f"{error.filename or path} can't be written: {error.strerror or error}",
            "check who may write there",
        ) from error
