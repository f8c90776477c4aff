"""Every command as people and scripts meet it: what it prints, and how it leaves."""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

import outlast
from outlast import carriers
from outlast.carriers import Carrier
from outlast.cli import _COMMANDS, cli, main
from outlast.format import kit
from outlast.format.link import format_link
from outlast.steps import settings
from world import some_bytes, tree, write_files

FILES: dict[str, bytes | int] = {"film.mp4": 40_000, "notes/a.txt": b"a", "empty/": b""}
KEEPERS = ("anna", "ben", "cem")
MAIN = "from outlast.cli import main; main()"
LINK = re.compile(r"outlast:[a-z2-7]{52}")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """What the one document says went wrong."""
        assert list(self.json) == ["error"]
        assert list(self.json["error"]) == ["kind", "message", "hint", "reasons"]
        return self.json["error"]


class Runner:
    """Runs commands in this process, and never lets a traceback, a secret or an escape pass."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capsys = capsys
        self._carriers: list[Carrier] = []
        self.printed = ""

        def open_carrier(address: str) -> Carrier:
            self._carriers.append(settings.open_carrier(address))
            return self._carriers[-1]

        patch.setattr(carriers, "open_carrier", open_carrier)

    def __call__(self, *arguments: object, code: int = 0) -> Ran:
        words = [str(each) for each in arguments]
        self._patch.setattr(sys, "argv", ["outlast", *words])
        self._patch.setattr(sys, "stdin", io.StringIO())
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        while self._carriers:
            self._carriers.pop().close()  # elsewhere the process ends here
        out, err = self._capsys.readouterr()
        self.printed += out + err
        ran = Ran(int(left.value.code or 0), out, err)
        assert "Traceback" not in err
        assert "defect" not in err, err
        assert ran.code == code, (words, out, err)
        assert (out + err).replace("\n", "").isprintable()
        if "--json" in words:
            assert isinstance(ran.json, dict)
            assert ("error" in ran.json) == bool(err)
        return ran


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Runner:
    """Runs commands in an empty folder."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "300")
    return Runner(monkeypatch, capsys)


@pytest.fixture
def passphrase() -> Iterator[Callable[[str], int]]:
    """Passphrases at file descriptors."""
    ends: list[int] = []

    def give(words: str) -> int:
        out, into = os.pipe()
        ends.append(out)
        os.write(into, f"{words}\n".encode())
        os.close(into)
        return out

    yield give
    for each in ends:
        os.close(each)


@pytest.fixture
def sealed(run: Runner) -> str:
    """The link of a work in ./work, sealed, with its carriers; nothing is spread."""
    write_files(Path("work"), FILES)
    link: str = run("new", "work", "--title", "The names", "--no-passphrase", "--json").json["link"]
    run("seal", "--work", "work")
    for name in KEEPERS:
        Path(name).mkdir()
        run("carrier", "add", name, name, "--work", "work")
    return link


@pytest.fixture
def link(run: Runner, sealed: str) -> str:
    """The link of a work in ./work, spread over three carriers."""
    run("spread", "--survive", "1", "--work", "work")
    return sealed


def from_all() -> list[str]:
    return [word for name in KEEPERS for word in ("--from", name)]


def shares(keeper: str) -> list[Path]:
    return sorted(Path(keeper).rglob("*.share"))


def damage(path: Path, place: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def other_link() -> str:
    return format_link(bytes(range(32)))


# --- each command ------------------------------------------------------------------------


def test_new(run: Runner, tmp_path: Path) -> None:
    ran = run("new", "film", "--title", "T", "--language", "en", "--no-passphrase", "--json")
    work = outlast.Work(Path("film"))
    assert ran.json == {
        "link": work.link,
        "folder": str(Path("film").absolute()),
        "keys": str(tmp_path / "home/keys" / work.link[8:24]),
        "guarded": False,
    }
    assert (work.settings.title, work.settings.languages) == ("T", ("en",))
    Path("here").mkdir()
    os.chdir("here")
    said = run("new", "--no-passphrase").out
    here = outlast.Work(Path.cwd())
    assert here.link in said
    assert here.settings.title == "here"
    assert "Nothing guards these keys" in said


def test_new_twice_is_refused_and_changes_nothing(run: Runner) -> None:
    run("new", "film", "--no-passphrase")
    before = Path("film/outlast.toml").read_bytes()
    ran = run("new", "film", "--no-passphrase", "--json", code=2)
    assert "is a work's folder already" in ran.error["message"]
    assert Path("film/outlast.toml").read_bytes() == before


def modes(keys: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in keys.rglob("*") if path.is_file()}


def test_key_files_are_for_their_owner_alone(run: Runner, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run("new", "work", "--no-passphrase")
    finally:
        os.umask(before)
    keys = tmp_path / "home/keys"
    assert modes(keys) == {"author.key": 0o600, "root.key": 0o600}
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o700}


def test_seal(run: Runner) -> None:
    write_files(Path("work"), FILES)
    link = run("new", "work", "--no-passphrase", "--json").json["link"]
    first = run("seal", "--work", "work", "--json").json
    assert (first["link"], first["edition"], first["new"]) == (link, 1, True)
    assert (first["files"], first["size"], first["added"]) == (3, 40_001, 2)
    os.chdir("work/notes")  # anywhere inside
    again = run("seal", "--rehash", "--json").json
    assert (again["edition"], again["new"]) == (1, False)
    assert "Nothing has changed since edition 1" in run("seal").out
    Path("b.txt").write_text("b")
    said = run("seal", "--repack", "--rows", "40").out
    assert "Edition 2 is sealed" in said
    assert LINK.findall(said) == [link]


def test_carriers(run: Runner) -> None:
    run("new", "work", "--no-passphrase")
    inside = ("--work", "work")
    assert run("carrier", "list", *inside, "--json").json == {"carriers": []}
    assert "No carriers yet" in run("carrier", "list", *inside).out
    entry = {"name": "anna", "address": str(Path("a").absolute()), "keeper": "Anna"}
    added = run("carrier", "add", "anna", "a", "--keeper", "Anna", *inside, "--json")
    assert added.json == entry
    assert "kept by ben" in run("carrier", "add", "ben", "b", *inside).out
    listed = run("carrier", "list", *inside, "--json").json["carriers"]
    assert listed[0] == entry
    assert [each["keeper"] for each in listed] == ["Anna", "ben"]
    assert entry["address"] in run("carrier", "list", *inside).out
    assert (
        "already" in run("carrier", "add", "anna", "c", *inside, "--json", code=2).error["message"]
    )
    assert (
        "already" in run("carrier", "add", "dora", "a", *inside, "--json", code=2).error["message"]
    )
    assert run("carrier", "remove", "anna", *inside, "--json").json == {"removed": "anna"}
    assert "forgotten" in run("carrier", "remove", "ben", *inside).out
    run("carrier", "remove", "ben", *inside, "--json", code=2)
    assert run("carrier", "list", *inside, "--json").json == {"carriers": []}


def test_spread_and_status(run: Runner, sealed: str) -> None:
    inside = ("--work", "work")
    before = run("status", *inside, "--json").json
    assert (before["survives"], before["promised"]) == (-1, None)
    assert "can't be gathered" in run("status", *inside).out
    spread = run("spread", "--survive", "2", *inside, "--json").json
    assert (spread["link"], spread["edition"]) == (sealed, 1)
    assert (spread["survives"], spread["promised"], spread["enough"]) == (2, 2, "")
    assert [each["name"] for each in spread["carriers"]] == list(KEEPERS)
    assert all(each["written"] == len(shares(each["name"])) for each in spread["carriers"])
    said = run("spread", *inside).out
    assert "survives the loss of any 2 keepers" in said
    status = run("status", *inside, "--json").json
    assert (status["title"], status["survives"], status["promised"]) == ("The names", 2, 2)
    (volume,) = status["volumes"]
    assert volume["keepers"] == {name: len(shares(name)) for name in KEEPERS}
    shutil.rmtree("anna")
    said = run("status", *inside).out
    assert "anna (anna): there is no folder" in said
    assert "You promised 2" in said


def test_status_before_anything_is_sealed_or_spread(run: Runner) -> None:
    run("new", "work", "--no-passphrase")
    assert "Nothing is sealed yet" in run("status", "--work", "work").out
    assert run("status", "--work", "work", "--json").json["edition"] == 0
    write_files(Path("work"), FILES)
    run("seal", "--work", "work")
    assert "on this machine only" in run("status", "--work", "work").out
    assert "no carriers" in run("spread", "--work", "work", "--json", code=2).error["message"]


def test_a_promise_that_is_not_kept_is_1(run: Runner, sealed: str) -> None:
    ran = run("spread", "--survive", "3", "--work", "work", "--json", code=1)
    assert ran.json["enough"]
    assert ran.json["promised"] == 3
    assert ran.json["survives"] < 3
    assert "You asked for 3" in run("spread", "--work", "work", code=1).out


def test_gather(run: Runner, link: str) -> None:
    ran = run("gather", link, *from_all(), "--to", "copy", "--json").json
    assert (ran["link"], ran["edition"], ran["latest"]) == (link, 1, 1)
    assert (ran["title"], ran["files"], ran["already"], ran["size"]) == ("The names", 3, 0, 40_001)
    assert tree(Path("copy")) == tree(Path("work"))
    said = run("gather", link, "--from", "cem", "--to", "copy").out
    assert "(3 were there before)" in said
    assert "Genuine, signed by its author alone" in said
    run("gather", link, *from_all(), "--to", "part", "--only", "notes/*")
    assert tree(Path("part")) == {"notes/a.txt": b"a"}
    ran = run("gather", link, *from_all(), "--to", "x", "--only", "*.mov", "--json", code=2)
    assert "*.mov" in ran.error["message"]
    assert "film.mp4" in ran.error["hint"]


def test_gather_does_not_replace_what_it_does_not_know(run: Runner, link: str) -> None:
    write_files(Path("copy"), {"film.mp4": b"mine"})
    ran = run("gather", link, *from_all(), "--to", "copy", "--json", code=2)
    assert "film.mp4" in ran.error["message"]
    assert Path("copy/film.mp4").read_bytes() == b"mine"
    run("gather", link, *from_all(), "--to", "copy", "--overwrite")
    assert tree(Path("copy")) == tree(Path("work"))


def test_an_older_edition(run: Runner, link: str) -> None:
    Path("work/notes/a.txt").write_bytes(b"second")
    run("seal", "--work", "work")
    run("spread", "--work", "work")
    said = run("gather", link, *from_all(), "--to", "old", "--edition", 1).out
    assert "Edition 2 is the newest" in said
    assert Path("old/notes/a.txt").read_bytes() == b"a"
    run("gather", link, *from_all(), "--to", "new")
    assert Path("new/notes/a.txt").read_bytes() == b"second"
    run("gather", link, *from_all(), "--to", "none", "--edition", 9, "--json", code=3)


def test_check(run: Runner, link: str) -> None:
    ran = run("check", *KEEPERS, link.upper(), "--json").json
    assert [each["shares"] for each in ran["carriers"]] == [len(shares(name)) for name in KEEPERS]
    (work,) = ran["works"]
    assert (work["link"], work["asked"], work["title"]) == (link, True, "The names")
    said = run("check", *KEEPERS).out
    assert "can be gathered whole from here" in said
    assert f"it claims to be {link}" in said
    os.chdir("work")
    assert "it claims" not in run("check", "../anna").out
    os.chdir("..")
    shutil.rmtree("ben")
    ran = run("check", *KEEPERS, link, "--json", code=1)
    assert [each["reached"] for each in ran.json["carriers"]] == [True, False, True]
    assert "not reached" in run("check", *KEEPERS, link, code=1).out


@pytest.mark.parametrize("place", [20, -1], ids=["head", "kit"])
def test_a_damaged_share_is_4_in_check(run: Runner, link: str, place: int) -> None:
    bad = shares("ben")[0]
    damage(bad, place)
    ran = run("check", *KEEPERS, link, "--json", code=4)
    refused = {Path(each["address"]).name: each["refused"] for each in ran.json["carriers"]}
    assert [item for item, _ in refused["ben"]] == [bad.relative_to("ben").as_posix()]
    assert refused["anna"] == refused["cem"] == []
    assert bad.name in run("check", *KEEPERS, link, code=4).out
    run("gather", link, *from_all(), "--to", "copy")  # and the others serve


def test_too_few_shares_are_3_with_reasons_for_each_carrier(run: Runner, link: str) -> None:
    for name in KEEPERS:
        for share in shares(name):
            share.unlink()
    damage(next(iter(Path("cem").rglob("*.kit"))))
    ran = run("gather", link, *from_all(), "--to", "copy", "--json", code=3)
    reasons = "\n".join(ran.error["reasons"])
    for name in KEEPERS:
        assert f"{Path(name).absolute()}: 0 shares named" in reasons
    said = run("gather", link, *from_all(), "--to", "copy", code=3)
    assert said.out == ""
    assert all(line.strip() in said.err for line in ran.error["reasons"])
    assert ran.error["kind"] == "NotEnough"


def test_a_link_of_another_work_is_4(run: Runner, link: str) -> None:
    for command in (
        ("gather", other_link(), *from_all(), "--to", "copy"),
        ("check", *KEEPERS, other_link()),
        ("play", other_link(), *from_all()),
    ):
        assert run(*command, "--json", code=4).error["kind"] == "NotGenuine"
        assert run(*command, code=4).out == ""
    assert not Path("copy").exists()


def test_carriers_that_are_empty_or_gone_are_3(run: Runner, sealed: str) -> None:
    for places in (from_all(), ["--from", "nowhere"]):
        ran = run("gather", sealed, *places, "--to", "copy", "--json", code=3)
        assert ran.error["reasons"]
        run("play", sealed, *places, "--json", code=3)
    run("check", *KEEPERS, "--json", code=3)


# --- bad usage and bad input -------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "",
        "no-such-command",
        "seal --no-such-option",
        "seal --rows many",
        "spread --survive -1",
        "spread --survive two",
        "carrier",
        "carrier add",
        "carrier add onlyname",
        "carrier rename",
        "check",
        "gather",
        "gather LINK --to copy",
        "gather LINK --from place",
        "gather LINK --from place --to a-file",
        "gather LINK --from place --to copy --edition 0",
        "play LINK",
        "play LINK --from place --port 65536",
        "new a-file --no-passphrase",
        "new a-file/below --no-passphrase",
        "new x --no-passphrase --passphrase-fd 0",
        "new x --passphrase-fd 987",
        "new x",
        "seal",
        "seal --work nowhere",
        "seal --work a-file",
        "seal --work place",
        "spread --work nowhere",
        "status",
        "status --work nowhere",
        "carrier list",
        "carrier list --work place",
        "carrier add x place",
        "carrier remove x",
        "gather outlast:abc --from place --to copy",
        "gather https://example.org --from place --to copy",
        "gather outlast2:aaaa --from place --to copy",
        "gather LINK --from ftp://example.org --to copy",
        "play outlast:abc --from place",
        "play LINK --from ftp://example.org",
        "check ftp://example.org",
        "check place outlast:abc",
        "check LINK",
        "check LINK LINK",
        "demo a-file",
        "demo full-folder",
    ],
)
def test_bad_usage_and_bad_input_are_2(run: Runner, words: str) -> None:
    Path("a-file").write_text("mine")
    write_files(Path("full-folder"), {"mine": b"mine"})
    Path("place").mkdir()
    command = words.replace("LINK", other_link()).split()
    said = run(*command, code=2)
    assert said.out == ""
    assert said.err.startswith("outlast: ")
    error = run(*command, "--json", code=2).error
    assert error["message"]
    assert error["reasons"] == []
    assert sorted(path.name for path in Path().iterdir()) == ["a-file", "full-folder", "place"]
    assert Path("a-file").read_text() == "mine"
    assert not Path(os.environ["OUTLAST_HOME"], "keys").exists()


def test_a_carrier_of_an_unknown_kind_is_not_noted(run: Runner, sealed: str) -> None:
    ran = run("carrier", "add", "x", "ftp://example.org", "--work", "work", "--json", code=2)
    assert "'ftp'" in ran.error["message"]
    assert len(run("carrier", "list", "--work", "work", "--json").json["carriers"]) == len(KEEPERS)


def test_settings_that_cannot_be_read_are_2(run: Runner, sealed: str) -> None:
    settings = Path("work/outlast.toml")
    for broken in (b"title = ", b"\xff", b"link = 1\n", b"", b"link = 'outlast:abc'\n"):
        settings.write_bytes(broken)
        for command in ("seal", "spread", "status"):
            run(command, "--work", "work", "--json", code=2)


def test_a_file_for_a_carrier_reaches_nothing(run: Runner, sealed: str) -> None:
    Path("ben").rmdir()
    Path("ben").write_text("mine")
    ran = run("spread", "--work", "work", "--json", code=1)
    trouble = {each["name"]: each["trouble"] for each in ran.json["carriers"]}
    assert "no folder" in trouble["ben"]
    assert trouble["anna"] == trouble["cem"] == ""
    assert Path("ben").read_text() == "mine"
    run("gather", sealed, *from_all(), "--to", "copy")
    assert tree(Path("copy")) == tree(Path("work"))


def test_what_cannot_be_sealed_is_2_and_named(run: Runner, sealed: str) -> None:
    Path("work/link").symlink_to("nowhere")
    Path("work/x\x1b[2J").write_text("")
    ran = run("seal", "--work", "work", "--json", code=2)
    assert "'link' is a symbolic link" in ran.error["message"]
    assert r"\x1b[2J" in ran.error["message"]


def test_a_lost_key_is_2(run: Runner, sealed: str, tmp_path: Path) -> None:
    for key in (tmp_path / "home").rglob("author.*"):
        key.unlink()
    Path("work/new").write_text("")
    assert "author key" in run("seal", "--work", "work", "--json", code=2).error["message"]


# --- secrets -----------------------------------------------------------------------------


def test_passphrases(run: Runner, passphrase: Callable[[str], int]) -> None:
    write_files(Path("work"), FILES)
    ran = run("new", "work", "--json", code=2)
    assert "--passphrase-fd" in ran.error["hint"]
    assert "empty passphrase" in run("new", "work", "--passphrase-fd", passphrase(""), code=2).err
    assert not Path("work/outlast.toml").exists()
    made = run("new", "work", "--passphrase-fd", passphrase("correct horse"), "--json").json
    assert made["guarded"] is True
    assert modes(Path(made["keys"])) == {"author.age": 0o600, "root.age": 0o600}
    ran = run("seal", "--work", "work", "--json", code=2)
    assert "--passphrase-fd" in ran.error["hint"]
    ran = run(
        "seal", "--work", "work", "--passphrase-fd", passphrase("wrong horse"), "--json", code=2
    )
    assert ran.error["kind"] == "WrongPassphrase"
    assert run("status", "--work", "work", "--json").json["edition"] == 0
    ran = run("seal", "--work", "work", "--passphrase-fd", passphrase("correct horse"), "--json")
    assert ran.json["edition"] == 1
    assert "horse" not in run.printed


def test_no_key_is_printed_or_leaves(run: Runner, link: str, tmp_path: Path) -> None:
    run("status", "--work", "work")
    run("status", "--work", "work", "--json")
    run("check", *KEEPERS)
    run("gather", link, *from_all(), "--to", "copy", "--json")
    keys = [bytes.fromhex(path.read_text()) for path in (tmp_path / "home").rglob("*.key")]
    assert len(keys) == 2
    outside = [path.read_bytes() for path in Path().rglob("*") if path.is_file()]
    for key in keys:
        forms = [
            key.hex(),
            base64.b64encode(key).decode().rstrip("="),
            base64.b32encode(key).decode()[:51],
        ]
        for form in forms:
            assert form.lower() not in run.printed.lower()
        for data in outside:
            assert all(each not in data for each in (key, *(form.encode() for form in forms)))


def test_nothing_on_the_carriers_tells_who_wrote_it(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HOME", "USER", "LOGNAME", "USERNAME", "HOSTNAME"):
        value = str(tmp_path / "xavier-quill") if name == "HOME" else "xavier-quill"
        monkeypatch.setenv(name, value)
    write_files(Path("folder-zyx"), FILES)
    run("new", "folder-zyx", "--title", "The names", "--no-passphrase")
    run("seal", "--work", "folder-zyx")
    for name in KEEPERS:
        Path(name).mkdir()
        run(
            "carrier",
            "add",
            f"{name}-at-zyx",
            name,
            "--keeper",
            f"{name}-zyx",
            "--work",
            "folder-zyx",
        )
    run("spread", "--survive", "1", "--work", "folder-zyx")
    written = [path for name in KEEPERS for path in Path(name).rglob("*") if path.is_file()]
    told = [
        str(tmp_path),
        str(Path.home()),
        tmp_path.name,
        "xavier-quill",
        "zyx",
        os.uname().nodename,
    ]
    seen = 0
    for path in written:
        data = path.read_bytes()
        parts = kit.parse(data) if path.suffix == ".kit" else {}
        seen += any(b"The names" in body for body in parts.values())
        for word in told:
            assert word not in str(path)
            for body in (data, *parts.values()):
                assert word.encode() not in body
                assert word.encode("utf-16-le") not in body
    assert seen >= len(KEEPERS)  # nothing is packed so that a name could hide in it


# --- hostile names -----------------------------------------------------------------------

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj"


def test_names_on_a_carrier_do_not_reach_the_terminal_raw(run: Runner, link: str) -> None:
    evil = Path("ben") / HOSTILE
    evil.mkdir()
    shutil.copy(shares("ben")[0], evil)
    damage(next(evil.iterdir()), 20)
    shutil.copy(next(iter(Path("anna").rglob("*.kit"))), evil / "000009-00000000.kit")
    damage(evil / "000009-00000000.kit", 0)
    ran = run("check", "ben", link, code=4)  # the runner looks at every character
    assert r"\x1b]0;owned" in ran.out
    run("gather", link, *from_all(), "--to", "copy")
    run("status", "--work", "work")
    for share in shares("ben"):
        damage(share, 20)
    assert r"\x1b]0;owned" in run("gather", link, "--from", "ben", "--to", "other", code=3).err


def test_names_in_json_do_not_reach_the_terminal_raw(run: Runner, link: str) -> None:
    evil = Path("ben") / HOSTILE
    evil.mkdir()
    shutil.copy(shares("ben")[0], evil)
    damage(next(evil.iterdir()), 20)
    ran = run("check", "ben", link, "--json", code=4)
    (refused,) = ran.json["carriers"][0]["refused"]
    assert refused[0].startswith(f"{HOSTILE}/")  # what a script reads is the name itself


def test_a_hostile_title_does_not_reach_the_terminal_raw(run: Runner) -> None:
    write_files(Path("work"), FILES)
    refused = run("new", "work", "--title", HOSTILE, "--no-passphrase", "--json", code=2)
    assert "'title'" in refused.error["message"]
    run("new", "work", "--title", "A TITLE", "--no-passphrase")
    settings = Path("work/outlast.toml")
    settings.write_text(settings.read_text().replace('"A TITLE"', json.dumps(HOSTILE)))
    assert r"\x1b]0;owned" in run("status", "--work", "work").out
    assert "'title'" in run("seal", "--work", "work", "--json", code=2).error["message"]


# --- a full disk -------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or not sys.platform.startswith("linux") or not mount:
        pytest.skip("only root can mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", 0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(4096))
    assert shutil.disk_usage(disk).free == 0


def test_seal_on_a_full_disk(run: Runner, small_disk: Path) -> None:
    work = small_disk / "work"
    write_files(work, FILES)
    run("new", work, "--no-passphrase")
    fill(small_disk)
    (small_disk / "ballast").rename(work / "ballast")
    ran = run("seal", "--work", work, "--json", code=1)
    assert ran.error["kind"] == "StorageFull"
    assert "disk is full" in run("seal", "--work", work, code=1).err
    (work / "ballast").unlink()
    assert run("seal", "--work", work, "--json").json["edition"] == 1


def test_new_on_a_full_disk(run: Runner, small_disk: Path) -> None:
    work = small_disk / "work"
    work.mkdir()
    fill(small_disk)
    assert run("new", work, "--no-passphrase", "--json", code=1).error["kind"] == "StorageFull"


def test_spread_to_a_full_disk(run: Runner, sealed: str, small_disk: Path) -> None:
    run("carrier", "add", "small", small_disk, "--work", "work")
    write_files(Path("work"), {"large": 2_000_000})
    run("seal", "--work", "work")
    fill(small_disk)
    ran = run("spread", "--work", "work", "--json", code=1)
    trouble = {each["name"]: each["trouble"] for each in ran.json["carriers"]}
    assert trouble.pop("small")
    assert set(trouble.values()) == {""}
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["ballast"]
    run("gather", sealed, *from_all(), "--to", "copy")
    assert tree(Path("copy")) == tree(Path("work"))


def test_gather_to_a_full_disk(run: Runner, sealed: str, small_disk: Path) -> None:
    write_files(Path("work"), {"large": 2_000_000})
    run("seal", "--work", "work")
    run("spread", "--work", "work")
    to = small_disk / "copy"
    command = ("gather", sealed, *from_all(), "--to", to)
    assert run(*command, "--json", code=1).error["kind"] == "StorageFull"
    assert "full" in run(*command, code=1).err
    assert not (to / "large").exists()


# --- play --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["film.mp4", None])
def test_play(link: str, path: str | None) -> None:
    command = ["play", link, *from_all(), *([path] if path else []), "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            said = ""
            while not said.endswith("}\n"):
                line = process.stdout.readline()
                assert line, process.stderr.read()
                said += line
            shown = json.loads(said)
            assert shown["edition"] == 1
            assert shown["url"].startswith("http://127.0.0.1:")
            asked = urllib.request.Request(shown["url"], headers={"Range": "bytes=100-299"})
            with urllib.request.urlopen(asked, timeout=20) as answer:
                body = answer.read()
                if path:
                    assert answer.status == 206
                    assert body == some_bytes(40_000, "film.mp4")[100:300]
                else:
                    assert b"The names" in body
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    # Ctrl-C is how it ends.
    assert (process.returncode, out, err) == (0, "", "")


def test_play_of_what_is_not_there_is_2(run: Runner, link: str) -> None:
    ran = run("play", link, *from_all(), "nothing.mp4", "--json", code=2)
    assert "nothing.mp4" in ran.error["message"]


# --- help --------------------------------------------------------------------------------


def every_command(
    group: click.Group = cli, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*above, name))


@pytest.mark.parametrize(
    ("words", "command"), list(every_command()), ids=lambda each: str(each)[:40]
)
def test_every_command_and_option_is_explained(
    run: Runner, words: tuple[str, ...], command: click.Command
) -> None:
    assert command.help
    said = run(*words, "--help").out
    assert re.match(rf"Usage: .*outlast {' '.join(words)} ", said)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert all(each in said for each in option.opts)
    if not isinstance(command, click.Group):
        assert any("--json" in each.opts for each in command.params)


def test_help_names_all_commands_and_exit_codes(run: Runner) -> None:
    said = run("--help").out
    for name, words in _COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(words)}$", said, re.MULTILINE)
    codes = re.search(r"Exit codes: (.*?)\.\n", said, re.DOTALL)
    assert codes
    assert re.findall(r"\b(\d)\b", codes[1]) == ["0", "1", "2", "3", "4"]
    assert run("-h").out == said
    assert run("--version").out == f"outlast {outlast.__version__}\n"


@pytest.mark.parametrize("then", ["", "; main()"], ids=["import", "help"])
def test_nothing_heavy_is_imported_before_it_is_needed(then: str) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print([name for name in ('tuf', 'rich', 'blake3', 'cryptography',"
        " 'sqlite3') if name in sys.modules], file=sys.stderr))\n"
        f"from outlast.cli import main{then}"
    )
    command = [sys.executable, "-c", code, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_reader_that_goes_away_is_no_defect(sealed: str) -> None:
    out, into = os.pipe()
    os.close(out)
    try:
        command = [sys.executable, "-c", MAIN, "status", "--work", "work", "--json"]
        done = subprocess.run(command, stdout=into, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(into)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr


def test_a_second_command_in_the_same_folder_waits_for_nobody(run: Runner, sealed: str) -> None:
    with outlast.Work(Path("work")).locked():
        began = time.monotonic()
        for command in ("seal", "spread"):
            ran = run(command, "--work", "work", "--json", code=2)
            assert "another outlast command" in ran.error["message"]
        assert time.monotonic() - began < 5
