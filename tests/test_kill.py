"""Killed at any moment: what was sealed stays, nothing half-written looks whole, and the same
command run again completes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import outlast

# Runs one command and dies, as if by a power cut for the process, at the N-th call that changes
# something on a disk. os.pwrite and os.fsync are called through the module, files through FileIO.
HARNESS = """
import io, os, pathlib, sys
left = int(sys.argv.pop(1))

def counted(function):
    def call(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
        return function(*args, **options)
    return call

class FileIO(io.FileIO):
    write = counted(io.FileIO.write)
    truncate = counted(io.FileIO.truncate)

io.FileIO = FileIO
for name in ("fsync", "pwrite", "replace", "rename", "unlink", "mkdir", "link"):
    setattr(os, name, counted(getattr(os, name)))
from outlast.cli import main
main()
"""


def run(*command: str, die_at: int = 0) -> int:
    done = subprocess.run(
        [sys.executable, "-c", HARNESS, str(die_at), *command], capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def write_files(folder: Path) -> None:
    for number in range(6):
        path = folder / f"part {number % 2}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * (70_000 * number + number))
    (folder / "empty").mkdir()


def files(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if ".outlast" not in str(path.relative_to(folder)) and path.name != "outlast.toml"
    }


@pytest.fixture
def work(tmp_path: Path) -> outlast.Work:
    """A work with one edition on three carriers, and files for a second one."""
    root = tmp_path / "work"
    root.mkdir()
    (root / "first.txt").write_text("the first edition")
    made = outlast.Work.create(root, title="A work", languages=("en",), passphrase=None)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        made.settings.add_carrier(name, str(tmp_path / name), name)
    outlast.seal(made, lambda: "")
    outlast.spread(made, survive=1)
    write_files(root)
    return made


def gathered(work: outlast.Work, to: Path, edition: int | None = None) -> dict[str, bytes | None]:
    carriers = [entry.open() for entry in work.settings.carriers]
    try:
        outlast.gather(work.link, carriers, to, edition=edition)
    finally:
        for carrier in carriers:
            carrier.close()
    return files(to)


def nothing_half_written(work: outlast.Work) -> None:
    carriers = [entry.open() for entry in work.settings.carriers]
    try:
        checked = outlast.check(carriers, work.name)
    finally:
        for carrier in carriers:
            carrier.close()
    assert [each.refused for each in checked.carriers] == [[], [], []]


def killed(*command: str, die_at: int) -> bool:
    """Whether the command was killed rather than done before that."""
    code = run(*command, die_at=die_at)
    assert code in (0, -signal.SIGKILL)
    return code != 0


@pytest.mark.parametrize("die_at", [1, 2, 3, 4, 5, 6, 8, 10, 12, 14])
def test_seal(work: outlast.Work, tmp_path: Path, die_at: int) -> None:
    assert killed("seal", "--work", str(work.root), die_at=die_at) or die_at > 5
    assert gathered(work, tmp_path / "before", edition=1) == {"first.txt": b"the first edition"}
    assert run("seal", "--work", str(work.root)) == 0
    assert outlast.status(work).edition == 2
    outlast.spread(work)
    assert gathered(work, tmp_path / "after") == files(work.root)


@pytest.mark.parametrize("die_at", [1, 2, 5, 9, 17, 23, 30, 38, 47, 60, 80])
def test_spread(work: outlast.Work, tmp_path: Path, die_at: int) -> None:
    outlast.seal(work, lambda: "")
    assert killed("spread", "--work", str(work.root), die_at=die_at) or die_at > 40
    nothing_half_written(work)
    assert gathered(work, tmp_path / "before", edition=1) == {"first.txt": b"the first edition"}
    assert run("spread", "--work", str(work.root)) == 0
    nothing_half_written(work)
    assert outlast.status(work).survives >= 1
    assert gathered(work, tmp_path / "after") == files(work.root)


@pytest.mark.parametrize("die_at", [1, 2, 3, 5, 8, 10, 13, 16, 18, 20, 25])
def test_gather(work: outlast.Work, tmp_path: Path, die_at: int) -> None:
    outlast.seal(work, lambda: "")
    outlast.spread(work)
    to = tmp_path / "to"
    places = [option for name in ("a", "b", "c") for option in ("--from", str(tmp_path / name))]
    command = ("gather", work.link, *places, "--to", str(to))
    assert killed(*command, die_at=die_at) or die_at > 10
    whole = files(work.root)
    for path, data in files(to).items() if to.exists() else ():
        assert whole[path] == data, f"{path} looks whole and isn't"
    assert run(*command) == 0
    assert files(to) == whole
    assert not [path for path in to.iterdir() if path.name.startswith(".outlast")]


def test_the_harness_counts_what_it_should(work: outlast.Work) -> None:
    """Else the tests above would pass for want of kills."""
    assert killed("seal", "--work", str(work.root), die_at=2)
    assert not list((work.root / ".outlast" / "kits").glob("000002-*"))
