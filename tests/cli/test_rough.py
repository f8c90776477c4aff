"""Commands where something around them isn't as it should be: permissions, pipes, locales,
signals, damaged notes. Each in a process of its own, without a terminal.
"""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlast.steps.work import Work
from world import give_up_root, some_bytes, tree, write_files

FILES: dict[str, bytes | int] = {"film/a film.mp4": 90_000, "names.csv": 3_000, "名字.md": b"\xe5"}
KEEPERS = ("anna", "bo", "chen")
OUTLAST = [sys.executable, "-c", "from outlast.cli import main; main()"]


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Place:
    """A folder to run commands in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "OUTLAST_HOME": str(root / "home")}

    @property
    def link(self) -> str:
        return Work(self.root / "work").link

    @property
    def sources(self) -> list[str]:
        return [word for name in KEEPERS for word in ("--from", str(self.root / name))]

    def run(self, *arguments: object, ordinary_user: bool = False, **environment: str) -> Ran:
        """Run one command in the work's folder."""
        done = subprocess.run(
            [*OUTLAST, *map(str, arguments)],
            cwd=self.root / "work",
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
            preexec_fn=give_up_root if ordinary_user else None,
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ran.err
        assert "defect" not in ran.err
        return ran

    def gather(self, to: Path, *more: object, **options: Any) -> Ran:
        return self.run("gather", self.link, *self.sources, "--to", to, *more, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work, sealed and spread by commands."""
    root = tmp_path_factory.mktemp("made")
    write_files(root / "work", FILES)
    place = Place(root)
    assert place.run("new", "--title", "The names · 名字", "--no-passphrase").code == 0
    for name in KEEPERS:
        (root / name).mkdir()
        assert place.run("carrier", "add", name, f"../{name}").code == 0
    assert place.run("seal").code == 0
    assert place.run("spread", "--survive", "1").code == 0
    return root


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Iterator[Place]:
    """A copy of that work and its carriers, to do anything with."""
    root = tmp_path / "place"
    shutil.copytree(made, root)
    config = root / "work/outlast.toml"
    config.write_text(config.read_text().replace(str(made), str(root)))
    before = os.environ.get("OUTLAST_HOME")
    os.environ["OUTLAST_HOME"] = str(root / "home")
    yield Place(root)
    os.environ["OUTLAST_HOME"] = before or ""


# --- permissions -------------------------------------------------------------------------


def test_no_permission_is_2(place: Place) -> None:
    root = place.root
    (root / "locked").mkdir(mode=0o555)
    ran = place.gather(root / "locked/out", ordinary_user=True)
    assert ran.code == 2
    assert "locked" in ran.err
    for path in ("names.csv", "film"):
        mode = (root / "work" / path).stat().st_mode
        (root / "work" / path).chmod(0)
        ran = place.run("seal", "--rehash", "--json", ordinary_user=True)
        assert ran.code == 2
        assert path in ran.json["error"]["message"]
        (root / "work" / path).chmod(mode)


@pytest.mark.parametrize("path", ["work/outlast.toml", "work/.outlast/kits", "home/keys"])
def test_what_signing_needs_and_may_not_read_is_2(place: Place, path: str) -> None:
    write_files(place.root / "work", {"names.csv": 2_000})
    mode = (place.root / path).stat().st_mode
    (place.root / path).chmod(0)
    assert place.run("seal", ordinary_user=True).code == 2
    (place.root / path).chmod(mode)
    assert place.run("seal", ordinary_user=True).code == 0


def test_a_carrier_that_may_not_be_written(place: Place) -> None:
    shutil.rmtree(place.root / "bo")
    (place.root / "bo").mkdir(mode=0o555)
    ran = place.run("spread", ordinary_user=True)
    assert "ermission denied" in ran.out
    assert ran.code == 0, "any one may vanish though: the others hold enough"
    ran = place.run("spread", "--survive", "2", "--json", ordinary_user=True)
    assert ran.code == 1
    assert ran.json["enough"]


def test_a_stick_with_a_folder_that_only_root_may_read(place: Place) -> None:
    for name in KEEPERS:
        (place.root / name / "lost+found").mkdir(mode=0)
    assert place.gather(place.root / "out", ordinary_user=True).code == 0
    status = place.run("status", "--json", ordinary_user=True).json
    assert status["survives"] == 1
    assert all(each["reached"] for each in status["carriers"])


# --- notes and settings ------------------------------------------------------------------


def test_a_damaged_memory_of_what_was_seen_is_2_and_named(place: Place) -> None:
    """To forget it silently would let an old edition pass for the newest."""
    assert place.gather(place.root / "out").code == 0
    (seen,) = (place.root / "home/seen").iterdir()
    for junk in ("", "[]", '{"version": "x"}', "\0"):
        seen.write_text(junk)
        ran = place.gather(place.root / "out", "--json")
        assert ran.code == 2
        assert seen.name in ran.json["error"]["message"] + ran.json["error"]["hint"]


def test_one_folder_under_two_names_is_one_carrier(place: Place) -> None:
    """Or it would count as two keepers, and the promise be false."""
    (place.root / "link").symlink_to(place.root / "anna")
    for same in ("../anna", "../work/../anna", "../link", place.root / "anna"):
        ran = place.run("carrier", "add", "other", same, "--keeper", "Other")
        assert ran.code == 2
        assert "anna" in ran.err


def test_what_people_wrote_in_the_settings_stays(place: Place) -> None:
    config = place.root / "work/outlast.toml"
    config.write_text(f"# the stick in the drawer\n{config.read_text()}\n[mine]\nx = 1\n")
    odd = "name with. dots = [and] 'quotes' \"both\" 名字"
    assert place.run("carrier", "add", odd, "../dora").code == 0
    assert place.run("carrier", "remove", "anna").code == 0
    text = config.read_text()
    assert "# the stick in the drawer" in text
    assert "[mine]" in text
    listed = place.run("carrier", "list", "--json").json["carriers"]
    assert [each["name"] for each in listed] == ["bo", "chen", odd]


# --- pipes, locales, signals -------------------------------------------------------------


def test_nothing_but_the_result_in_a_pipe(place: Place) -> None:
    """No progress, no colours."""
    write_files(place.root / "work", {"film/b.mp4": 3_000_000})
    for ran in (
        place.run("seal"),
        place.run("spread"),
        place.run("status"),
        place.gather(place.root / "out"),
        place.run("check", *(place.root / name for name in KEEPERS)),
    ):
        assert (ran.code, ran.err) == (0, "")
        assert ran.out
        assert "\x1b" not in ran.out
        assert "\r" not in ran.out


def test_a_poor_locale(place: Place) -> None:
    for locale in ("C", "POSIX"):
        assert "名字" in place.run("status", LC_ALL=locale).out
        out = place.root / f"out-{locale}"
        assert place.gather(out, LC_ALL=locale).code == 0
        assert tree(out) == tree(place.root / "work")


def test_names_that_are_no_text_on_a_strict_screen(place: Place) -> None:
    share = next((place.root / "anna").rglob("*.share"))
    data = bytearray(share.read_bytes())
    data[-20_000] ^= 1
    for folder in (b"\xff\xfe", b"\x1b]0;owned\x07", "\u202eevil".encode()):
        there = place.root / os.fsdecode(b"anna/" + folder)
        there.mkdir()
        (there / share.name).write_bytes(data)
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    for more in ([], ["--json"]):
        ran = place.run("check", place.root / "anna", *more, **strict)
        assert ran.code == 4
        assert ran.out.replace("\n", "").isprintable()
        assert ran.out.count(share.name) >= 3
    assert place.gather(place.root / "out", **strict).code == 0


def test_an_answer_that_cannot_be_written(place: Place) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    for more in ([], ["--json"]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [*OUTLAST, "status", *more],
                cwd=place.root / "work",
                env=place.environment,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert "defect" not in done.stderr


def test_interrupted_while_it_waits(place: Place) -> None:
    """Ctrl-C at a passphrase: words and a code, and nothing is left."""
    waiting, into = os.pipe()
    # A first line begins to arrive, so that it is surely read when the signal comes.
    with subprocess.Popen(
        [*OUTLAST, "new", "../fresh", "--passphrase-fd", str(waiting)],
        cwd=place.root / "work",
        env=place.environment,
        pass_fds=[waiting],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        os.write(into, b"half of a passphrase")
        taken = threading.Event()
        while not taken.wait(0.01) and running.poll() is None:
            if not readable(waiting):
                taken.set()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    for each in (waiting, into):
        os.close(each)
    assert running.returncode in (1, 130)
    assert "stopped" in err
    assert "Traceback" not in err
    assert out == ""
    assert not (place.root / "fresh").exists()


def readable(pipe: int) -> bool:
    """Whether something in a pipe has not been taken yet."""
    import select

    return bool(select.select([pipe], [], [], 0)[0])


def test_play_until_it_is_interrupted(place: Place) -> None:
    with subprocess.Popen(
        [*OUTLAST, "play", place.link, *place.sources, "film/a film.mp4", "--json"],
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        assert running.stderr
        said = ""
        while not said.endswith("}\n"):
            said += running.stdout.readline()
        host, _, path = json.loads(said)["url"].removeprefix("http://").partition("/")
        assert host.startswith("127.0.0.1:")
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.request("GET", f"/{path}")
        body = connection.getresponse().read()
        connection.close()
        taken = place.run("play", place.link, *place.sources, "--port", host.split(":")[1])
        assert taken.code == 2
        running.send_signal(signal.SIGINT)
        err = running.stderr.read()
        assert running.wait(20) in (0, 1, 130)
    assert body == some_bytes(90_000, "film/a film.mp4")
    assert "Traceback" not in err


# --- the demo ----------------------------------------------------------------------------

DEMO = """
import sys
sys.path.insert(0, sys.argv.pop())
from world import write_files
from outlast.cli import main
from outlast.steps import sample
def quickly(folder, **_):
    write_files(folder, {"film/the-names.mp4": 700_000, "register/names.csv": 9_000})
sample.make_sample = quickly
main()
"""


def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    """With a sample that is made quickly; `outlast demo` itself makes a film."""
    for more in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-c", DEMO, "demo", *more, str(Path(__file__).parent.parent)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        demo = tmp_path / "outlast-demo"
        assert tree(demo / "gathered") == tree(demo / "work")
    assert json.loads(done.stdout)["files"] == 2
    assert {path.name for path in tmp_path.iterdir()} <= {"outlast-demo", "home"}
    assert (demo / "keys").is_dir()


def test_the_demo_replaces_nothing_but_a_demo(place: Place) -> None:
    before = tree(place.root / "work")
    assert place.run("demo", place.root / "work").code == 2
    assert tree(place.root / "work") == before
