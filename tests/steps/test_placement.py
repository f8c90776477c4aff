"""Placement: keepers are counted, the promise is exact, and nothing that is held moves."""

from collections.abc import Mapping
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.format.geometry import Geometry
from outlast.steps import placement
from outlast.steps.placement import Place, keepers_needed, most_survivable, place, survivable


def geometry(k: int, n: int) -> Geometry:
    return Geometry(k=k, n=n, symbol=64, size=k * 64)


def by_force(k: int, rows_of: Mapping[str, set[int]]) -> int:
    """How many keepers may vanish, tried one set of survivors after the other."""
    keepers = list(rows_of)
    for lost in range(len(keepers) + 1):
        for left in combinations(keepers, len(keepers) - lost):
            if len(set().union(*(rows_of[keeper] for keeper in left))) < k:
                return lost - 1
    return len(keepers)


def after(
    places: list[Place], held: Mapping[str, set[int]], new: Mapping[str, tuple[int, ...]]
) -> dict[str, set[int]]:
    """Keeper → rows, once what is new is there."""
    rows_of: dict[str, set[int]] = {each.keeper: set() for each in places}
    for each in places:
        rows_of[each.keeper] |= held.get(each.name, set()) | set(new.get(each.name, ()))
    return rows_of


rows_of_keepers = st.integers(1, 6).flatmap(
    lambda keepers: st.lists(
        st.sets(st.integers(0, 9), max_size=8), min_size=keepers, max_size=keepers
    )
)


@given(k=st.integers(1, 8), rows=rows_of_keepers)
def test_survivable_is_what_every_combination_says(k: int, rows: list[set[int]]) -> None:
    rows_of = {str(at): each for at, each in enumerate(rows)}
    assert survivable(k, rows_of) == by_force(k, rows_of)


@given(k=st.integers(1, 8), rows=rows_of_keepers)
def test_beyond_exact_counting_it_never_says_too_much(k: int, rows: list[set[int]]) -> None:
    rows_of = {str(at): each for at, each in enumerate(rows)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placement, "_EXACT", 0)
        assert survivable(k, rows_of) <= by_force(k, rows_of)


def test_beyond_exact_counting_even_holdings_are_counted_exactly() -> None:
    rows_of = {str(at): {3 * at, 3 * at + 1, 3 * at + 2} for at in range(32)}
    assert survivable(32, rows_of) == 32 - 11


def test_nobody_holds_anything() -> None:
    assert survivable(1, {}) == -1
    assert survivable(4, {"a": set(), "b": {1, 2}}) == -1


@st.composite
def situations(
    draw: st.DrawFn,
) -> tuple[Geometry, list[Place], dict[str, set[int]], int | None]:
    k = draw(st.integers(1, 6))
    n = draw(st.integers(k, 24))
    carriers = draw(st.integers(1, 6))
    places = [
        Place(
            name=f"c{at}",
            keeper=draw(st.sampled_from("ABCDE")),
            takes=draw(st.sampled_from([True, True, True, False])),
        )
        for at in range(carriers)
    ]
    held = {
        each.name: draw(st.sets(st.integers(0, n - 1), max_size=4))
        for each in places
        if draw(st.booleans())
    }
    return geometry(k, n), places, held, draw(st.none() | st.integers(0, 5))


@settings(max_examples=300)
@given(situations())
def test_what_is_held_stays_and_only_takers_get(
    situation: tuple[Geometry, list[Place], dict[str, set[int]], int | None],
) -> None:
    g, places, held, survive = situation
    new = place(g, places, held, survive)
    takers = {each.name for each in places if each.takes}
    for name, rows in new.items():
        assert name in takers
        assert rows
        assert len(set(rows)) == len(rows)
        assert all(0 <= row < g.n for row in rows)
    # No row twice at one keeper: it would guard nothing.
    for keeper in {each.keeper for each in places}:
        mine = [each.name for each in places if each.keeper == keeper]
        there = set().union(*(held.get(name, set()) for name in mine))
        given_ = [row for name in mine for row in new.get(name, ())]
        assert len(set(given_)) == len(given_)
        assert not there & set(given_)


@settings(max_examples=300)
@given(situations())
def test_once_placed_nothing_is_left_to_place(
    situation: tuple[Geometry, list[Place], dict[str, set[int]], int | None],
) -> None:
    """Or every spread would write again."""
    g, places, held, survive = situation
    new = place(g, places, held, survive)
    then = {each.name: held.get(each.name, set()) | set(new.get(each.name, ())) for each in places}
    assert place(g, places, then, survive) == {}


@settings(max_examples=300)
@given(situations())
def test_a_promise_that_can_be_kept_is_kept(
    situation: tuple[Geometry, list[Place], dict[str, set[int]], int | None],
) -> None:
    """Whatever is held already, and though some take nothing."""
    g, places, held, survive = situation
    new = place(g, places, held, survive)
    rows_of = after(places, held, new)
    reached = survivable(g.k, rows_of)
    takers = {each.keeper for each in places if each.takes}
    # With every row at every keeper that takes, no placement could do better.
    everything = {
        keeper: set(range(g.n)) if keeper in takers else rows for keeper, rows in rows_of.items()
    }
    possible = by_force(g.k, everything)
    if survive is None or possible < survive:
        return
    if len(takers) == len(rows_of) and not held and most_survivable(g, len(takers)) < survive:
        return  # distinct rows don't suffice; a crowd is told to take more rows
    if g.n >= g.k * len(rows_of):
        assert reached >= survive


@pytest.mark.parametrize("keepers", [1, 2, 3, 6, 10, 32])
@pytest.mark.parametrize(("k", "n"), [(1, 32), (2, 32), (4, 32), (8, 32), (16, 48), (32, 96)])
def test_every_promise_that_counts_out_is_kept_exactly(k: int, n: int, keepers: int) -> None:
    g = geometry(k, n)
    places = [Place(name=f"c{at}", keeper=f"k{at}") for at in range(keepers)]
    for survive in range(most_survivable(g, keepers) + 1):
        rows_of = after(places, {}, place(g, places, {}, survive))
        assert survivable(k, rows_of) >= survive
        # And not at twice the cost: one row less each would break it.
        if k > 1 and (smallest := min(len(rows) for rows in rows_of.values())) > 1:
            assert (keepers - survive) * (smallest - 1) < k


@pytest.mark.parametrize("keepers", [1, 2, 3, 6, 10, 32])
def test_without_a_promise_three_times_what_is_needed(keepers: int) -> None:
    g = geometry(8, 32)
    places = [Place(name=f"c{at}", keeper=f"k{at}") for at in range(keepers)]
    rows_of = after(places, {}, place(g, places, {}, None))
    placed = [row for rows in rows_of.values() for row in rows]
    assert len(set(placed)) == len(placed)
    assert len(placed) >= min(24, 32 // keepers * keepers)
    counts = {len(rows) for rows in rows_of.values()}
    assert len(counts) == 1


def test_two_carriers_of_one_keeper_count_once() -> None:
    g = geometry(4, 32)
    places = [
        Place(name="a1", keeper="A"),
        Place(name="a2", keeper="A"),
        Place(name="b", keeper="B"),
    ]
    new = place(g, places, {}, 1)
    assert len(new["a1"]) + len(new["a2"]) == len(new["b"]) == 4
    assert abs(len(new["a1"]) - len(new["a2"])) <= 1, "and share the burden"
    assert survivable(4, after(places, {}, new)) == 1


def test_replication_gives_each_keeper_one_copy() -> None:
    places = [Place(name=f"c{at}", keeper=f"k{at}") for at in range(5)]
    new = place(geometry(1, 32), places, {}, 2)
    assert {name: len(rows) for name, rows in new.items()} == {f"c{at}": 1 for at in range(5)}


def test_more_keepers_than_rows() -> None:
    """Forty keepers and 32 rows: each gets one, and some rows stand twice."""
    g = geometry(4, 32)
    places = [Place(name=f"c{at}", keeper=f"k{at}") for at in range(40)]
    rows_of = after(places, {}, place(g, places, {}, None))
    assert all(len(rows) == 1 for rows in rows_of.values())
    assert set().union(*rows_of.values()) == set(range(32))


def test_systematic_rows_come_first() -> None:
    new = place(geometry(4, 32), [Place(name="a", keeper="A")], {}, 0)
    assert new == {"a": (0, 1, 2, 3)}


def test_a_copied_stick_does_not_break_the_promise() -> None:
    g = geometry(4, 32)
    places = [Place(name=name, keeper=name) for name in "abc"]
    held = {"a": {0, 1}, "b": {0, 1}, "c": {2, 3}}
    assert survivable(4, after(places, held, place(g, places, held, 1))) >= 1


def test_an_empty_stick_that_is_not_plugged_in_does_not_break_the_promise() -> None:
    g = geometry(4, 32)
    places = [Place(name=name, keeper=name, takes=name != "c") for name in "abc"]
    assert survivable(4, after(places, {}, place(g, places, {}, 1))) >= 1


@given(k=st.integers(1, 32), survive=st.integers(0, 8))
def test_the_number_of_keepers_that_is_asked_for_is_the_smallest(k: int, survive: int) -> None:
    g = geometry(k, max(32, k))
    needed = keepers_needed(g, survive)
    assert most_survivable(g, needed) >= survive
    assert needed == survive + 1 or most_survivable(g, needed - 1) < survive
