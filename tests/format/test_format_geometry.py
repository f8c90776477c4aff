"""Segments, symbols and shares: the numbers fit together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed
from outlast.format.geometry import (
    ALIGN,
    MAX_SEGMENT,
    MAX_SEGMENTS,
    MAX_SYMBOL,
    SYMBOL,
    Geometry,
    rows_for,
)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    k = draw(st.integers(1, 256))
    symbol = ALIGN * draw(st.integers(1, min(MAX_SYMBOL, MAX_SEGMENT // k) // ALIGN))
    size = draw(st.integers(1, 40 * k * symbol))
    return Geometry(k=k, n=draw(st.integers(k, 256)), symbol=symbol, size=size)


@settings(deadline=None)
@given(geometries())
def test_everything_adds_up(geometry: Geometry) -> None:
    segments = range(geometry.segments)
    lengths = [geometry.length_of(segment) for segment in segments]
    symbols = [geometry.symbol_of(segment) for segment in segments]
    assert sum(lengths) == geometry.size
    assert sum(symbols) == geometry.share
    assert all(length > 0 for length in lengths)
    assert all(length == geometry.segment for length in lengths[:-1])
    assert all(symbol == geometry.symbol for symbol in symbols[:-1])
    assert symbols[-1] % ALIGN == 0
    # The last symbols hold what is left, and no smaller ones would.
    assert 0 < symbols[-1] <= geometry.symbol
    assert (symbols[-1] - ALIGN) * geometry.k < lengths[-1] <= symbols[-1] * geometry.k


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"k": 0}, "geometry"),
        ({"k": 97}, "geometry"),
        ({"n": 257}, "geometry"),
        ({"k": -1}, "geometry"),
        ({"symbol": 0}, "symbol"),
        ({"symbol": -64}, "symbol"),
        ({"symbol": 65}, "symbol"),
        ({"symbol": MAX_SYMBOL + ALIGN}, "symbol"),
        ({"k": 33, "symbol": MAX_SYMBOL}, "segment"),
        ({"size": 0}, "volume"),
        ({"size": MAX_SEGMENTS * 32 * SYMBOL + 1}, "volume"),
    ],
)
def test_caps(change: dict[str, int], word: str) -> None:
    good = {"k": 32, "n": 96, "symbol": SYMBOL, "size": 10**9}
    Geometry(**good)
    with pytest.raises(Malformed, match=word):
        Geometry(**{**good, **change})


def test_the_largest_volume_stays_below_what_json_keeps_exact() -> None:
    largest = MAX_SEGMENTS * MAX_SEGMENT
    assert Geometry(k=32, n=256, symbol=MAX_SYMBOL, size=largest).size < 2**53
    with pytest.raises(Malformed):
        Geometry(k=32, n=256, symbol=MAX_SYMBOL, size=largest + 1)


@settings(deadline=None)
@given(st.integers(1, 2**50))
def test_default_rows(size: int) -> None:
    k, n = rows_for(size)
    assert 1 <= k <= 32 <= n <= 96
    assert n >= 3 * k
    assert rows_for(size + 1)[0] >= k
    # A share carries n roots of 32 bytes: they never weigh more than a few of its symbols.
    assert k == 1 or size / k > 8 * 1024


def test_default_rows_of_the_sizes_that_people_have() -> None:
    sizes = (1, 16 << 10, (16 << 10) + 1, 64 << 10, 1 << 20, (1 << 20) + 1, 4 << 20, (4 << 20) + 1)
    expected = [(1, 32), (1, 32), (2, 32), (2, 32), (8, 32), (16, 48), (16, 48), (32, 96)]
    assert [rows_for(size) for size in sizes] == expected
