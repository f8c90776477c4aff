"""What a reader has seen before, and how it is kept."""

import json
from pathlib import Path

import pytest

from outlast.errors import BadInput
from outlast.trust import memory
from outlast.trust.memory import Seen, last_seen, remember

NAME, OTHER = bytes(32), bytes([255]) * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OUTLAST_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_nothing_seen(home: Path) -> None:
    assert last_seen(NAME) == Seen(0, 0)
    assert not home.exists()  # looking leaves no trace


def test_works_are_kept_apart() -> None:
    remember(NAME, Seen(1, 5))
    assert last_seen(NAME) == Seen(1, 5)
    assert last_seen(OTHER) == Seen()


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        (Seen(1, 5), Seen(1, 6), Seen(1, 6)),
        (Seen(1, 5), Seen(1, 5), Seen(1, 5)),
        (Seen(1, 5), Seen(1, 4), Seen(1, 5)),
        (Seen(1, 5), Seen(2, 1), Seen(2, 1)),  # new keys begin a new count
        (Seen(2, 1), Seen(1, 10**9), Seen(2, 1)),
        (Seen(1, 5), Seen(), Seen(1, 5)),
    ],
)
def test_only_what_is_higher_is_noted(first: Seen, then: Seen, kept: Seen) -> None:
    remember(NAME, first)
    remember(NAME, then)
    assert last_seen(NAME) == kept


def test_the_note_is_for_its_owner_and_leaves_nothing_beside(home: Path) -> None:
    for version in range(1, 4):
        remember(NAME, Seen(1, version))
    (note,) = (home / "seen").iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    assert (home / "seen").stat().st_mode & 0o777 == 0o700
    assert json.loads(note.read_text()) == {"root": 1, "version": 3}


@pytest.mark.parametrize(
    "damage",
    [
        *["", "x", "[]", "null", "7", "{}", '{"root": 1}', '{"version": 1}', "\0" * 30],
        *['{"root": null, "version": 1}', '{"root": 1, "version": "x"}'],
        '{"root": 1e999, "version": 1}',
    ],
)  # fmt: skip
def test_a_damaged_note_is_said_and_not_passed_over(damage: str) -> None:
    remember(NAME, Seen(1, 5))
    memory._file(NAME).write_text(damage)
    with pytest.raises(BadInput, match="is damaged"):
        last_seen(NAME)
    with pytest.raises(BadInput, match="is damaged"):
        remember(NAME, Seen(1, 6))
    assert memory._file(NAME).read_text() == damage


def test_bytes_that_are_no_text() -> None:
    remember(NAME, Seen(1, 5))
    memory._file(NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is damaged"):
        last_seen(NAME)


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OUTLAST_HOME", str(tmp_path / "file"))
    with pytest.raises(BadInput):
        remember(NAME, Seen(1, 1))
