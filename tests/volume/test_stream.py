"""FileStream, Tail and Chain: files' bytes end to end, read once, and nothing else than was met."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outlast.errors import BadInput, Changed, OutlastError
from outlast.volume.scan import Found, scan
from outlast.volume.stream import Chain, FileStream, Stream, Tail, hash_file
from world import permissions_hold, some_bytes, while_reading, write_files

LONG_AGO = 1_000_000_000
SIZES = st.lists(st.integers(0, 300), max_size=8)
BUFFERS = st.lists(st.integers(1, 400), min_size=1, max_size=6)


def read_all(stream: Stream, buffers: list[int]) -> bytes:
    """Everything, through buffers of these sizes in turn; each but the last must come full."""
    got = b""
    at = 0
    while True:
        buffer = bytearray(b"\xee" * buffers[at % len(buffers)])
        size = stream.readinto(memoryview(buffer))
        assert buffer[size:] == b"\xee" * (len(buffer) - size)
        got += buffer[:size]
        at += 1
        if size < len(buffer):
            assert stream.readinto(memoryview(bytearray(9))) == 0
            return got


class Pieces:
    """A stream of given bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def readinto(self, buffer: memoryview) -> int:
        got = min(len(buffer), len(self.data))
        buffer[:got] = self.data[:got]
        self.data = self.data[got:]
        return got


@settings(deadline=None, max_examples=60)
@given(SIZES, BUFFERS)
@example([0, 0, 0], [1])
@example([], [1])
@example([300, 0, 1, 0], [301])
def test_files_come_end_to_end_and_hashed(sizes: list[int], buffers: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_files(root, {f"{number}/f": size for number, size in enumerate(sizes)})
        contents = [some_bytes(size, f"{number}/f") for number, size in enumerate(sizes)]
        hashes: list[bytes] = []
        stream = FileStream(root, scan(root).files, hashed=hashes.append)
        assert read_all(stream, buffers) == b"".join(contents)
        assert hashes == [blake3(each).digest() for each in contents]
        stream.close()


@given(SIZES, BUFFERS)
def test_a_chain_is_its_streams_and_their_tail(sizes: list[int], buffers: list[int]) -> None:
    contents = [some_bytes(size, number) for number, size in enumerate(sizes)]
    streams: list[Stream] = [Pieces(each) for each in contents]
    made = 0

    def tail() -> bytes:
        nonlocal made
        made += 1
        assert all(not each.data for each in streams if isinstance(each, Pieces))
        return b"the index"

    chain = Chain(*streams, Tail(tail))
    assert read_all(chain, buffers) == b"".join(contents) + b"the index"
    assert made == 1


def test_a_tail_may_be_empty_and_is_not_made_before_it_is_asked_for() -> None:
    made: list[int] = []
    tail = Tail(lambda: made.append(1) or b"")  # type: ignore[func-returns-value]
    assert made == []
    assert read_all(tail, [4]) == b""
    assert made == [1]


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 2_500_000])
def test_hash_file(tmp_path: Path, size: int) -> None:
    write_files(tmp_path / "w", {"f": size})
    (found,) = scan(tmp_path / "w").files
    assert hash_file(tmp_path / "w", found) == blake3(some_bytes(size, "f")).digest()


# --- what changes ------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    write_files(made, {"a": 5_000, "b": 5_000, "c": 5_000})
    for path in made.iterdir():
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
    time.sleep(0.03)  # a file's clock ticks every few milliseconds
    return made


def handles() -> int:
    """How many files are open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.fixture
def files(root: Path) -> Iterator[tuple[Found, ...]]:
    """What the scan met; no file may stay open."""
    before = handles()
    yield scan(root).files
    assert handles() == before


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(LONG_AGO, LONG_AGO))
    other.replace(path)


def back_in_time(path: Path) -> None:
    overwrite(path)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))


CHANGES: list[Callable[[Path], None]] = [
    append,
    overwrite,
    replace,
    back_in_time,
    Path.unlink,
    lambda path: os.truncate(path, 1_500),
    lambda path: os.truncate(path, 0),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("buffer", [700, 5_000, 20_000])
def test_a_file_that_changes_while_it_is_read_is_named(
    root: Path,
    files: tuple[Found, ...],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    buffer: int,
) -> None:
    while_reading(monkeypatch, root / "b", lambda: change(root / "b"), after=2)
    hashes: list[bytes] = []
    stream = FileStream(root, files, hashed=hashes.append)
    try:
        with pytest.raises(Changed, match="'b'") as caught:
            read_all(stream, [buffer])
    finally:
        stream.close()
    assert caught.value.hint
    assert hashes == [blake3(some_bytes(5_000, "a")).digest()]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_before_its_turn_is_named(
    root: Path,
    files: tuple[Found, ...],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
) -> None:
    while_reading(monkeypatch, root / "a", lambda: change(root / "c"))
    stream = FileStream(root, files)
    try:
        with pytest.raises(Changed, match="'c'"):
            read_all(stream, [900])
    finally:
        stream.close()


def test_a_file_that_was_read_before_it_changed_is_what_was_met(
    root: Path, files: tuple[Found, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    while_reading(monkeypatch, root / "b", lambda: append(root / "a"))
    stream = FileStream(root, files)
    expected = b"".join(some_bytes(5_000, name) for name in "abc")
    assert read_all(stream, [999]) == expected


def test_a_link_that_took_a_files_place_is_not_followed(
    root: Path, files: tuple[Found, ...], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_bytes(bytes(5_000))
    (root / "a").unlink()
    (root / "a").symlink_to(tmp_path / "elsewhere")
    stream = FileStream(root, files)
    with pytest.raises(OutlastError, match="'a'"):
        stream.readinto(memoryview(bytearray(10)))
    stream.close()


@pytest.mark.parametrize("change", [append, lambda path: os.truncate(path, 10)])
def test_hash_file_names_what_changed_and_leaves_nothing_open(
    root: Path,
    files: tuple[Found, ...],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
) -> None:
    while_reading(monkeypatch, root / "b", lambda: change(root / "b"), after=2)
    with pytest.raises(Changed, match="'b'"):
        hash_file(root, files[1])


def test_what_may_not_be_read_and_what_fails_is_named(
    root: Path, files: tuple[Found, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").chmod(0)
    with permissions_hold(), pytest.raises(BadInput, match="'a' can't be read: Permission denied"):
        hash_file(root, files[0])

    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "readv", broken)
    stream = FileStream(root, files[1:])
    with pytest.raises(BadInput, match="'b' can't be read: Input/output error"):
        stream.readinto(memoryview(bytearray(10)))
    stream.close()
    stream.close()
