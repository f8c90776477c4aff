"""KnownFiles: a cache that may be lost, damaged or unwritable, and never says so."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.volume.known import Known, KnownFiles, is_sure
from world import permissions_hold

SECOND = 1_000_000_000
LARGEST = (1 << 63) - 1


def known(number: int = 0) -> Known:
    return Known(number, 2, 3, 4, bytes([number % 256]) * 32, number % 2 == 0)


NUMBERS = st.integers(-LARGEST, LARGEST)
ENTRIES = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.builds(
        Known,
        st.integers(0, LARGEST),
        NUMBERS,
        NUMBERS,
        st.integers(0, LARGEST),
        st.binary(min_size=32, max_size=32),
        st.booleans(),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(st.lists(ENTRIES, min_size=1, max_size=4))
def test_what_is_replaced_is_loaded(states: list[dict[str, Known]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = KnownFiles(Path(folder) / "known.db")
        before: dict[str, Known] = {}
        for state in states:
            cache.replace(before, state)
            before = cache.load()
            assert before == state
            assert KnownFiles(Path(folder) / "known.db").load() == state


def test_nothing_is_known_without_a_file_and_none_is_made(tmp_path: Path) -> None:
    assert KnownFiles(tmp_path / "known.db").load() == {}
    assert not (tmp_path / "known.db").exists()


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(4080)])
def test_a_damaged_cache_is_empty_and_can_be_written_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "known.db"
    path.write_bytes(content)
    cache = KnownFiles(path)
    assert cache.load() == {}
    cache.replace({}, {"a": known()})
    assert cache.load() == {"a": known()}


def test_a_table_of_another_version_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "known.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE known (path TEXT, size INTEGER)")
    cache = KnownFiles(path)
    assert cache.load() == {}
    cache.replace({}, {"a": known()})
    assert cache.load() == {"a": known()}


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_anywhere_never_fails(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "known.db"
        cache = KnownFiles(path)
        cache.replace({}, {f"file {number}": known(number) for number in range(20)})
        content = bytearray(path.read_bytes())
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1)):
            content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        found = cache.load()
        assert all(len(each) == 6 for each in found.values())
        cache.replace(found, {"a": known()})
        cache.load()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    missing = KnownFiles(tmp_path / "no folder" / "known.db")
    missing.replace({}, {"a": known()})
    assert missing.load() == {}
    (tmp_path / "a folder").mkdir()
    folder = KnownFiles(tmp_path / "a folder")
    assert folder.load() == {}
    folder.replace({}, {"a": known()})
    assert (tmp_path / "a folder").is_dir()


def test_a_cache_that_may_only_be_read_is_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    cache = KnownFiles(folder / "known.db")
    cache.replace({}, {"a": known()})
    (folder / "known.db").chmod(0o400)
    folder.chmod(0o500)
    try:
        with permissions_hold():
            cache.replace({"a": known()}, {"b": known()})
            assert cache.load() == {"a": known()}
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("mtime", "ctime", "sure"),
    [
        (7 * SECOND, 7 * SECOND, True),
        (8 * SECOND - 1, 8 * SECOND - 1, True),
        (8 * SECOND, 1, False),
        (1, 8 * SECOND, False),
        (1, 9 * SECOND, False),
        (10 * SECOND, 10 * SECOND, False),
        (99 * SECOND, 1, False),  # a clock that went back
    ],
)
def test_only_what_lay_still_for_two_seconds_is_sure(mtime: int, ctime: int, sure: bool) -> None:
    assert is_sure(mtime, ctime, 10 * SECOND) is sure
