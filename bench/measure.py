"""One command, from its start to its end: wall time and peak memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """What one run took."""

    seconds: float
    memory: int
    """Bytes, the most that was resident."""


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    expect: Sequence[int] = (0,),
) -> Figure:
    """Run a command and wait for it.

    Raises:
        SystemExit: it failed; what it printed is shown.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        env=None if env is None else {**os.environ, **env},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in expect:
        raise SystemExit(f"{' '.join(map(str, command))}\n{output}")
    return Figure(time.perf_counter() - began, usage.ru_maxrss * 1024)
