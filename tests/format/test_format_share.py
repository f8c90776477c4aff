"""Shares and slices: what isn't what it was is refused, and nothing else than `Malformed` comes."""

import struct
import tracemalloc
from dataclasses import replace

import pytest
from blake3 import blake3
from format_samples import Sample
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed
from outlast.format.share import FIXED, MAX_PROOF, ShareHead, share_size, volume_id

SAMPLE = Sample.make(3, 6, 128, 2353)
SEGMENTS = SAMPLE.geometry.segments


def lies(head: ShareHead, sample: Sample = SAMPLE) -> bool:
    """Whether a reader of the sample would take from this head a hash that isn't right."""
    if (head.volume, head.geometry) != (sample.volume.id, sample.geometry):
        return False  # another volume: a reader of this one leaves it aside
    right = sample.hashes(head.row)
    run = range(head.first, head.first + head.count)
    return any(head.hash_of(each) != right[32 * each : 32 * each + 32] for each in run)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Sample, int, int, int]:
    """A volume, a row, and a run of its segments."""
    k = draw(st.integers(1, 5))
    n = draw(st.integers(k, 8))
    sample = Sample.make(k, n, 64 * draw(st.integers(1, 3)), draw(st.integers(1, 4000)))
    first = draw(st.integers(0, sample.geometry.segments - 1))
    count = draw(st.integers(1, sample.geometry.segments - first))
    return sample, draw(st.integers(0, n - 1)), first, count


@settings(deadline=None, max_examples=60)
@given(runs())
def test_round_trip(run: tuple[Sample, int, int, int]) -> None:
    sample, row, first, count = run
    head, body = sample.head(row, first, count), sample.share(row, first, count)
    assert ShareHead.measure(body[:FIXED]) == head.length
    assert ShareHead.parse(body) == head
    assert ShareHead.parse(body).pack() == body[: head.length]
    assert head.end == len(body)
    for segment in range(first, first + count):
        symbol = body[head.at(segment) : head.at(segment + 1)]
        assert symbol == sample.rows[row][segment]
        assert blake3(symbol).digest() == head.hash_of(segment)
    if count == sample.geometry.segments:
        assert len(body) == share_size(sample.geometry)


@pytest.mark.parametrize("run", [(0, SEGMENTS), (0, 3), (2, 3), (SEGMENTS - 1, 1)])
def test_a_flipped_bit_in_a_head_is_refused_or_does_no_harm(run: tuple[int, int]) -> None:
    head = SAMPLE.head(1, *run)
    good = head.pack()
    refused = 0
    for at in range(len(good)):
        for bit in range(8):
            body = bytearray(good)
            body[at] ^= 1 << bit
            try:
                assert not lies(ShareHead.parse(bytes(body)))
            except Malformed:
                refused += 1
    # Everything in a head is bound to something else in it.
    assert refused == 8 * len(good)


def test_a_head_that_fits_together_can_still_be_another_volumes() -> None:
    other = replace(SAMPLE.geometry, size=SAMPLE.geometry.size - 1)
    head = replace(SAMPLE.head(1), geometry=other, volume=volume_id(other, SAMPLE.roots))
    parsed = ShareHead.parse(head.pack())
    assert parsed.volume != SAMPLE.volume.id


def test_replicas_are_alike_so_that_their_row_can_be_another() -> None:
    sample = Sample.make(1, 3, 64, 200)
    head = ShareHead.parse(replace(sample.head(0), row=2).pack())
    assert head.row == 2
    assert not lies(head, sample)


@pytest.mark.parametrize("run", [(0, SEGMENTS), (2, 3)])
def test_cut_short_anywhere(run: tuple[int, int]) -> None:
    head = SAMPLE.head(4, *run)
    body = head.pack()
    for length in range(len(body)):
        with pytest.raises(Malformed):
            ShareHead.parse(body[:length])
        if length < FIXED:
            with pytest.raises(Malformed):
                ShareHead.measure(body[:length])
        else:
            assert ShareHead.measure(body[:length]) == len(body)


def test_absurd_claims_allocate_nothing() -> None:
    fields = (b"\x89OUTLAST", b"S", 1, 0, 1, 256, 64, 0, 2**20, MAX_PROOF, 64 * 2**20, bytes(32))
    body = struct.pack("<8scBHHHIIIIQ32s", *fields)
    tracemalloc.start()
    with pytest.raises(Malformed, match="cut short"):
        ShareHead.parse(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000
    # What a reader is asked to make room for is bounded too.
    assert ShareHead.measure(body) == FIXED + 32 * (256 + 2**20 + MAX_PROOF) < 34_000_000


@settings(deadline=None)
@given(st.binary(min_size=FIXED - 12, max_size=400))
def test_random_fields_raise_nothing_else(noise: bytes) -> None:
    for body in (noise, b"\x89OUTLASTS\x01" + noise):
        try:
            head = ShareHead.parse(body)
        except Malformed:
            continue
        assert not lies(head)


SMALL, LARGE = st.integers(0, 300), st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(st.tuples(SMALL, SMALL, SMALL, *[LARGE] * 4, st.integers(0, 2**64 - 1)))
def test_any_numbers_raise_nothing_else(numbers: tuple[int, ...]) -> None:
    body = struct.pack("<8scBHHHIIIIQ32s", b"\x89OUTLAST", b"S", 1, *numbers, bytes(32))
    with pytest.raises(Malformed):
        ShareHead.parse(body)
    try:
        measured = ShareHead.measure(body)
    except Malformed:
        return
    row, k, n, symbol, first, count, nodes, size = numbers
    assert measured == FIXED + 32 * (n + count + nodes)
    assert row < n <= 256
    assert (first + count - 1) * k * symbol < size
