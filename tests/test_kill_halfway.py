"""Killed in the middle of a write, anywhere from a command's first change to its last: volumes
here have many segments, and each command is killed at the same parts of its own length.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import outlast
from outlast.carriers.folder import FolderCarrier
from outlast.errors import BadInput
from outlast.format import items, kit
from outlast.steps import encode, minting, seal
from outlast.steps.shares import damaged_segments, read_head, read_kit
from outlast.steps.work import Work
from world import some_bytes, tree, write_files

POINTS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
"""At which part of its changes to the disk a command is killed."""
CARRIERS = ("anna", "bo", "chen")
FIRST: dict[str, bytes | int] = {"film.mp4": 60_000, "names.csv": 3_000, "old.md": 500, "e/": b""}


class Stage:
    """A world on disk that can be put back as it was."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.live = root / "live"
        self.saved = root / "saved"
        self.counted: dict[str, int] = {}

    @property
    def work(self) -> Work:
        return Work(self.live / "work")

    def save(self) -> None:
        shutil.rmtree(self.saved, ignore_errors=True)
        shutil.copytree(self.live, self.saved, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.live)
        shutil.copytree(self.saved, self.live, symlinks=True)

    def run(self, arguments: Sequence[str], limit: int) -> int:
        """Run a command that dies at the `limit`-th change; its exit code."""
        script = Path(__file__).with_name("killed.py")
        counted = self.root / "counted"
        done = subprocess.run(
            [sys.executable, str(script), str(limit), str(counted), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.live / "work" if (self.live / "work").is_dir() else self.live,
        )
        assert "Traceback" not in done.stderr
        if not limit:
            self.counted[arguments[0]] = int(counted.read_text())
            assert done.returncode == 0, done.stderr
        return done.returncode

    def kill(self, arguments: Sequence[str], part: float) -> None:
        """Run a command and kill it at `part` of its changes to the disk."""
        if arguments[0] not in self.counted:
            self.run(arguments, 0)
            self.restore()
        total = self.counted[arguments[0]]
        assert total > 10, "far fewer changes than a command makes: they aren't counted"
        # Threads write at once, so that the number varies a little from run to run.
        code = self.run(arguments, max(1, int(part * total * 0.99)))
        assert code == -signal.SIGKILL or (code == 0 and part == 1.0)

    def gather(self, *, without: str = "", edition: int | None = None) -> dict[str, bytes]:
        to = self.root / "out"
        shutil.rmtree(to, ignore_errors=True)
        names = [name for name in CARRIERS if name != without]
        carriers = [FolderCarrier(str(self.live / name), keeper=name) for name in names]
        try:
            outlast.gather(self.work.link, carriers, to, edition=edition)
        finally:
            for carrier in carriers:
                carrier.close()
        return tree(to)

    def assert_nothing_half(self) -> None:
        """Whatever has an item's name is whole."""
        for place in CARRIERS:
            carrier = FolderCarrier(str(self.live / place), keeper=place)
            for held in carrier.list():
                if isinstance(items.parse_name(held.name), items.ShareName):
                    head = read_head(carrier, held.name)
                    assert not list(damaged_segments(carrier, held.name, head)), held.name
                    kit.parse(read_kit(carrier, held.name, head.end))
                else:
                    kit.parse(read_kit(carrier, held.name))
            carrier.close()
        for path in (self.live / "work/.outlast/kits").glob("*.kit"):
            kit.parse(path.read_bytes())


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    return {}


@pytest.fixture
def stage(
    stages: dict[str, Stage],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Stage:
    """What `request.param` prepares, made once, and put back for each test."""
    # The same small symbols here as in the command that is killed.
    monkeypatch.setattr(seal, "rows_for", lambda _: (4, 12))
    for module in (minting, encode):
        monkeypatch.setattr(module, "SYMBOL", 1024)
    prepare: Callable[[Stage], None] = request.param
    key = prepare.__name__
    if key not in stages:
        stages[key] = Stage(tmp_path_factory.mktemp(key))
    made = stages[key]
    monkeypatch.setenv("OUTLAST_HOME", str(made.live / "home"))
    if made.saved.exists():
        made.restore()
    else:
        made.live.mkdir()
        prepare(made)
        made.save()
    return made


def published(stage: Stage) -> None:
    write_files(stage.live / "work", FIRST)
    work = Work.create(stage.live / "work", title="T", languages=("en",), passphrase=None)
    for name in CARRIERS:
        (stage.live / name).mkdir()
        work.settings.add_carrier(name, str(stage.live / name), name)
    outlast.seal(work, lambda: "")
    outlast.spread(work, survive=1)


def changed(stage: Stage) -> None:
    published(stage)
    write_files(stage.live / "work", {"names.csv": 3_500, "new/post.md": 30_000})
    (stage.live / "work/old.md").unlink()


def sealed(stage: Stage) -> None:
    changed(stage)
    outlast.seal(stage.work, lambda: "")


def nothing(stage: Stage) -> None:
    write_files(stage.live / "film", FIRST)


def first_edition() -> dict[str, bytes]:
    return {
        name: some_bytes(content, name) if isinstance(content, int) else content
        for name, content in FIRST.items()
    }


@pytest.mark.parametrize("stage", [changed], indirect=True)
@pytest.mark.parametrize("part", POINTS)
def test_seal(stage: Stage, part: float) -> None:
    files = tree(stage.work.root)
    stage.kill(["seal"], part)
    stage.assert_nothing_half()
    assert tree(stage.work.root) == files
    # The first edition, as a reader on another machine finds it.
    shutil.rmtree(stage.live / "home/seen")
    assert stage.gather() == first_edition()
    assert outlast.seal(stage.work, lambda: "").edition == 2
    assert not outlast.seal(stage.work, lambda: "").new
    assert outlast.spread(stage.work).survives >= 1
    assert stage.gather() == files
    assert stage.gather(edition=1) == first_edition()


@pytest.mark.parametrize("stage", [sealed], indirect=True)
@pytest.mark.parametrize("part", POINTS)
def test_spread(stage: Stage, part: float) -> None:
    files = tree(stage.work.root)
    stage.kill(["spread", "--survive", "1"], part)
    stage.assert_nothing_half()
    assert tree(stage.work.root) == files
    shutil.rmtree(stage.live / "home/seen")
    assert stage.gather() in (first_edition(), files)
    assert stage.gather(edition=1) == first_edition()
    again = outlast.spread(stage.work)
    assert again.survives >= 1
    assert not any(each.trouble for each in again.carriers)
    assert all(each.written == 0 for each in outlast.spread(stage.work).carriers)
    stage.assert_nothing_half()
    for name in CARRIERS:
        assert stage.gather(without=name) == files
    # Nor does what a kill left stand in the way of the next edition.
    assert not outlast.seal(stage.work, lambda: "").new


@pytest.mark.parametrize("stage", [published], indirect=True)
@pytest.mark.parametrize("part", POINTS)
def test_gather(stage: Stage, part: float) -> None:
    to = stage.live / "gathered"
    command = ["gather", stage.work.link, "--to", str(to)]
    for name in CARRIERS:
        command += ["--from", str(stage.live / name)]
    stage.kill(command, part)
    stage.assert_nothing_half()
    for name, content in tree(to).items() if to.exists() else ():
        assert first_edition()[name] == content, "a name is given to what is whole"
    assert stage.run(command, 0) == 0
    assert tree(to) == first_edition()


@pytest.mark.parametrize("stage", [nothing], indirect=True)
@pytest.mark.parametrize("part", POINTS)
def test_new(stage: Stage, part: float) -> None:
    command = ["new", str(stage.live / "film"), "--no-passphrase"]
    stage.kill(command, part)
    stage.run(command, 1_000_000)
    try:
        work = Work(stage.live / "film")
    except BadInput as error:
        pytest.fail(f"neither a work, nor can it become one: {error}")
    assert outlast.seal(work, lambda: "").files == len(FIRST)
    assert tree(work.root) == first_edition()
