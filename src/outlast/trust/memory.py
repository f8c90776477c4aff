"""What this reader has seen of each work: kept on this machine, never on a carrier."""

import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from outlast.errors import BadInput
from outlast.format.link import short_name
from outlast.trust.keys import home


class Seen(NamedTuple):
    """How far a work had come. New keys (a higher root) begin a new count of versions."""

    root: int = 0
    version: int = 0


def last_seen(name: bytes) -> Seen:
    """The highest state of the work that was seen or signed here.

    Raises:
        BadInput: the note of it is damaged: to pass over that would let an old state pass for new.
    """
    file = _file(name)
    try:
        found = json.loads(file.read_text())
        return Seen(int(found["root"]), int(found["version"]))
    except FileNotFoundError:
        return Seen()
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        raise BadInput(
            f"{file}, where outlast notes what it has seen of this work, is damaged",
            "remove it, if you can tell by other means which edition is the newest",
        ) from None


def remember(name: bytes, seen: Seen) -> None:
    """Note that a state was seen or signed, if nothing higher was.

    Raises:
        BadInput: it can't be written.
    """
    if seen <= last_seen(name):
        return
    file = _file(name)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "w") as out:
            json.dump(seen._asdict(), out)
            out.flush()
            os.fsync(out.fileno())
        Path(beside).replace(file)
    except OSError as error:
        raise BadInput(
            f"{file} can't be written: {error.strerror}",
            "outlast notes there what it has seen, against old states that pass for new; "
            "set OUTLAST_HOME to a folder that can be written",
        ) from error


def _file(name: bytes) -> Path:
    return home() / "seen" / f"{short_name(name, 52)}.json"
