"""Kits: parts in, parts out, and refusals."""

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed
from outlast.format import kit

PARTS = {"1.root.json": b"{}", "edition-000001.json": b"a manifest", "timestamp.json": b""}
NAMES = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,95}", fullmatch=True)


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=20))
def test_round_trip(parts: dict[str, bytes]) -> None:
    packed = kit.pack(parts)
    assert kit.parse(packed) == parts
    assert kit.measure(packed[: kit.FIXED]) == len(packed)
    assert list(kit.parse(packed)) == sorted(parts)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=100), st.binary(max_size=5), max_size=3))
def test_only_good_names_are_packed(parts: dict[str, bytes]) -> None:
    try:
        packed = kit.pack(parts)
    except Malformed:
        return
    assert kit.parse(packed) == parts


def test_the_order_of_parts_doesnt_matter_to_the_bytes() -> None:
    assert kit.pack(dict(reversed(PARTS.items()))) == kit.pack(PARTS)


def test_cut_short_anywhere() -> None:
    packed = kit.pack(PARTS)
    for length in range(len(packed)):
        with pytest.raises(Malformed):
            kit.parse(packed[:length])


def test_a_flipped_bit_is_refused_or_changes_only_what_it_says() -> None:
    packed = kit.pack(PARTS)
    bodies = len(packed) - sum(map(len, PARTS.values()))
    for at in range(len(packed)):
        for bit in range(8):
            body = bytearray(packed)
            body[at] ^= 1 << bit
            try:
                found = kit.parse(bytes(body))
            except Malformed:
                assert at < bodies
                continue
            # Nothing in a kit is proved by the kit: names and bodies may be others, no byte more.
            assert sum(map(len, found.values())) == len(packed) - bodies
            assert kit.pack(found) == bytes(body)


@pytest.mark.parametrize(
    ("count", "total"),
    [(0, 2**32 - 1), (65535, 2**32 - 1), (4096, kit.MAX_KIT), (4096, 16), (1, 17), (0, 17)],
)
def test_absurd_claims_allocate_nothing(count: int, total: int) -> None:
    body = struct.pack("<8scBHI", b"\x89OUTLAST", b"K", 1, count, total)
    tracemalloc.start()
    with pytest.raises(Malformed):
        kit.parse(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000


def test_a_part_that_claims_more_than_there_is_allocates_nothing() -> None:
    table = b"\x01a" + struct.pack("<I", 2**32 - 1)
    body = struct.pack("<8scBHI", b"\x89OUTLAST", b"K", 1, 1, 16 + len(table)) + table
    tracemalloc.start()
    with pytest.raises(Malformed, match="don't fill"):
        kit.parse(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000


def test_caps_hold_for_packing_too() -> None:
    with pytest.raises(Malformed, match="4097 parts"):
        kit.pack({f"{number}": b"" for number in range(4097)})
    with pytest.raises(Malformed, match="outside the caps"):
        kit.pack({"a": bytes(kit.MAX_KIT)})
    assert len(kit.pack({"a": bytes(kit.MAX_KIT - 22)})) == kit.MAX_KIT


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 9))
def test_random_tables_raise_nothing_else(noise: bytes, count: int) -> None:
    body = struct.pack("<8scBHI", b"\x89OUTLAST", b"K", 1, count, 16 + len(noise)) + noise
    try:
        found = kit.parse(body)
    except Malformed:
        return
    assert len(found) == count
    assert kit.pack(found) == body
