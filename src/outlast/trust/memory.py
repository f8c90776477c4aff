"""What this reader has seen of each work: kept on this machine, never on a carrier."""

import json
import os
import tempfile
from pathlib import Path

from outlast.format.link import short_name
from outlast.trust.keys import home


def last_seen(name: bytes) -> int:
    """The highest head version of the work that was seen or signed here; 0 if none."""
    try:
        found = json.loads(_file(name).read_text())
        return int(found["version"])
    except FileNotFoundError:
        return 0


def remember(name: bytes, version: int) -> None:
    """Note that `version` was seen or signed, if nothing higher was."""
    if version <= last_seen(name):
        return
    file = _file(name)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w") as out:
        json.dump({"version": version}, out)
        out.flush()
        os.fsync(out.fileno())
    Path(beside).replace(file)


def _file(name: bytes) -> Path:
    return home() / "seen" / f"{short_name(name, 52)}.json"
