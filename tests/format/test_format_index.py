"""Indexes and how they are merged. Single failures are in vectors/index and vectors/merge.json."""

import json
from itertools import combinations
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed, OutlastError
from outlast.format import index
from outlast.format.geometry import Geometry
from outlast.format.index import FOLDER, HERE, NO_BYTES, Entry
from outlast.format.manifest import Volume
from outlast.format.paths import SafePath

STREAM = 1000
HASH = blake3(b"x").digest()
OLDER = bytes(31) + b"\1"


def volume(packed: bytes = b"", *, number: int = 255, stream: int = STREAM) -> Volume:
    return Volume(
        id=bytes([number]) * 32,
        geometry=Geometry(k=1, n=2, symbol=65536, size=max(1, stream + len(packed))),
        index_size=max(1, len(packed)),
        index_hash=blake3(packed).digest(),
    )


def entry(path: str, offset: int, size: int, volume: bytes = HERE) -> Entry:
    digest = blake3(path.encode()).digest() if size else NO_BYTES
    return Entry(SafePath(path), size, digest, "text/plain", offset, volume)


def parse(packed: bytes, **options: Any) -> tuple[Entry, ...]:
    return index.parse(packed, volume(packed, **options))


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """Files end to end, with gaps, some of them empty or in an older volume."""
    found, at = [], 0
    for number in range(draw(st.integers(0, 12))):
        path = f"{draw(st.sampled_from(['', 'film/', '名单/', 'a b/']))}{number}"
        if draw(st.integers(0, 4)) == 0:
            found.append(entry(path, draw(st.integers(0, 2**53 - 1)), 9, OLDER))
            continue
        at += draw(st.integers(0, 5))
        size = draw(st.integers(0, 60))
        found.append(entry(path, at, size))
        at += size
    return draw(st.permutations(found))


@settings(deadline=None)
@given(entries())
def test_round_trip(found: list[Entry]) -> None:
    packed = index.pack(found)
    again = parse(packed)
    here = bytes([255]) * 32
    assert list(again) == [each._replace(volume=each.volume or here) for each in found]
    assert packed.count(b"\n") == len(found) + 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), max_size=6))
def test_overlaps_are_found(spans: list[tuple[int, int]]) -> None:
    found = [entry(f"{at}", *span) for at, span in enumerate(spans)]
    filled = [range(start, start + size) for start, size in spans if size]
    overlap = any(set(a) & set(b) for a, b in combinations(filled, 2))
    # An empty file may lie where it likes.
    if overlap:
        with pytest.raises(Malformed, match="overlap"):
            parse(index.pack(found))
    else:
        assert len(parse(index.pack(found))) == len(found)


@settings(deadline=None)
@given(st.integers(0, STREAM + 5), st.integers(0, STREAM + 5))
def test_files_lie_before_the_index(offset: int, size: int) -> None:
    packed = index.pack([entry("a", offset, size)])
    if offset + size <= STREAM:
        assert parse(packed)[0].offset == offset
    else:
        with pytest.raises(Malformed, match="outside"):
            parse(packed)


def test_cut_short_anywhere_but_between_lines() -> None:
    packed = index.pack([entry("a", 0, 5), entry("b", 5, 5)])
    for length in range(len(packed)):
        if packed[:length].endswith(b"\n"):
            assert len(parse(packed[:length])) == packed[:length].count(b"\n") - 1
        else:
            with pytest.raises(Malformed):
                parse(packed[:length])


def test_flipped_bits_raise_nothing_else() -> None:
    packed = index.pack([entry("film/a.mp4", 0, 5), entry("b", 5, 5), entry("c", 1, 7, OLDER)])
    refused = 0
    for at in range(len(packed)):
        for bit in range(8):
            body = bytearray(packed)
            body[at] ^= 1 << bit
            try:
                parse(bytes(body))
            except OutlastError:
                refused += 1
    assert refused > len(packed) * 2  # what passes, the hash in the manifest refuses


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**54) | st.text(max_size=5) | st.just("../x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(["path", "size", "hash", "type", "offset", "volume", "more"]), VALUES)
def test_any_value_anywhere_raises_nothing_else(key: str, value: Any) -> None:
    first, line = index.pack([entry("a", 0, 5)]).splitlines()
    row = {**json.loads(line), key: value}
    try:
        found = parse(first + b"\n" + json.dumps(row).encode() + b"\n")
    except OutlastError:
        return
    assert isinstance(found[0].path, SafePath)


def test_an_index_above_the_cap_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = index.pack([entry("a", 0, 5)])
    monkeypatch.setattr(index, "MAX_INDEX", len(packed))
    parse(packed)
    monkeypatch.setattr(index, "MAX_INDEX", len(packed) - 1)
    with pytest.raises(Malformed, match="larger than"):
        parse(packed)


def test_empty_folders() -> None:
    folder = Entry(SafePath("a/b"), 0, NO_BYTES, FOLDER, 0)
    (found,) = parse(index.pack([folder]))
    assert found.is_folder
    assert not entry("a", 0, 0).is_folder


# --- merging ---

Lines = list[list[tuple[str, int]]]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("abcdefg"), st.integers(1, 9)),
            max_size=5,
            unique_by=lambda line: line[0],
        ),
        max_size=4,
    ),
    st.sets(st.sampled_from("abcdefgh")),
)
def test_the_last_volume_wins_and_what_is_removed_goes(lines: Lines, removed: set[str]) -> None:
    volumes, expected = [], {}
    for number, files in enumerate(lines):
        at, found = 0, []
        for path, size in files:
            found.append(entry(path, at, size))
            expected[path] = (bytes([number]) * 32, at)
            at += size
        packed = index.pack(found)
        of = volume(packed, number=number)
        volumes.append((of, index.parse(packed, of)))
    table = index.merge(volumes, [SafePath(path) for path in removed])
    for path in removed:
        expected.pop(path, None)
    assert {path: (each.volume, each.offset) for path, each in table.items()} == expected


def test_a_pointer_must_name_the_bytes_of_a_file() -> None:
    packed = index.pack([entry("a", 0, 5), entry("b", 5, 5)])
    older = volume(packed, number=1)
    have = (older, index.parse(packed, older))
    moved = entry("a", 0, 5)._replace(path=SafePath("moved"), volume=older.id)

    def merged(pointer: Entry) -> dict[SafePath, Entry]:
        packed = index.pack([pointer])
        newer = volume(packed, number=2)
        return index.merge([have, (newer, index.parse(packed, newer))], [])

    assert merged(moved)[SafePath("moved")].volume == older.id
    wrong = [{"offset": 1}, {"offset": 5}, {"size": 4}, {"hash": HASH}, {"volume": OLDER}]
    for change in wrong:
        with pytest.raises(Malformed, match="lies in no volume"):
            merged(moved._replace(**change))
