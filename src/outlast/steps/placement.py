"""Which carrier gets which shares. Pure: keepers are counted, not copies.

Two carriers of one keeper fall together, so a promise to survive the loss of N keepers is about
the shares that the others hold: any N keepers gone, at least k distinct rows must be left.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import comb
from operator import or_

from outlast.format.geometry import Geometry

STRETCH = 3
"""Shares placed for each one needed, where no promise is asked for: three times the volume."""
_EXACT = 5_000
"""Combinations of keepers that are tried one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A carrier as placement sees it."""

    name: str
    keeper: str
    takes: bool = True
    """False: it counts for what it holds, and gets nothing now (a stick that isn't plugged in)."""


def place(
    geometry: Geometry,
    places: Sequence[Place],
    held: Mapping[str, Collection[int]],
    survive: int | None,
) -> dict[str, tuple[int, ...]]:
    """Choose rows for carriers, keeping what is held where it is: carrier's name → new rows.

    Every keeper is brought to the same number of rows: the smallest that keeps the promise
    `survive`, or without a promise `STRETCH` times k shared out, and at least one. Rows are
    distinct between keepers as long as n allows; beyond that (replication, k=1, needs no more)
    a row may stand with several keepers and counts once.
    """
    keepers = sorted({each.keeper for each in places})
    rows_of = {keeper: set[int]() for keeper in keepers}
    for each in places:
        rows_of[each.keeper] |= set(held.get(each.name, ()))
    given: dict[str, list[int]] = {each.name: [] for each in places}
    used = set().union(*rows_of.values())
    # Systematic rows first: they are the data, and cost a reader no decoding.
    unused = [row for row in range(geometry.n) if row not in used]

    def give(keeper: str) -> bool:
        carriers = [each.name for each in places if each.keeper == keeper and each.takes]
        row = unused[0] if unused else _spare(geometry, rows_of, keeper)
        if not carriers or row is None:
            return False
        if unused:
            unused.pop(0)
        least = min(carriers, key=lambda name: len(given[name]) + len(held.get(name, ())))
        given[least].append(row)
        rows_of[keeper].add(row)
        return True

    def level(goal: int) -> bool:
        """Give one row to every keeper below the goal; whether any took one."""
        took = [len(rows_of[keeper]) < goal and give(keeper) for keeper in keepers]
        return any(took)

    goal = _per_keeper(geometry, len(keepers), survive)
    while level(goal):
        pass
    # Rows that two keepers hold count once, and a keeper that takes nothing leaves a gap: the
    # others then hold more, as far as that helps.
    k = geometry.k
    while k > 1 and goal < geometry.n and survivable(k, rows_of) < (survive or 0):
        goal += 1
        if not level(goal) and goal > k:
            break
    return {name: tuple(rows) for name, rows in given.items() if rows}


def survivable(k: int, rows_of: Mapping[str, Collection[int]]) -> int:
    """How many keepers, whichever they are, may vanish and k distinct rows remain.

    -1: even with all of them there are fewer than k. Exact up to `_EXACT` combinations of
    keepers; beyond, a lower bound, which takes each row as held by its smallest keeper alone.
    """
    masks = [sum(1 << row for row in set(rows)) for rows in rows_of.values()]
    if _union(masks).bit_count() < k:
        return -1
    for lost in range(1, len(masks) + 1):
        if comb(len(masks), lost) > _EXACT:
            return max(lost - 1, _survivable_at_least(k, masks))
        if any(_union(left).bit_count() < k for left in combinations(masks, len(masks) - lost)):
            return lost - 1
    return len(masks)


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _survivable_at_least(k: int, masks: Sequence[int]) -> int:
    counts: list[int] = []
    seen = 0
    for mask in sorted(masks, key=int.bit_count):
        counts.append((mask & ~seen).bit_count())
        seen |= mask
    counts.sort()
    # The worst loss takes the keepers that hold most.
    return max(lost for lost in range(len(counts)) if sum(counts[: len(counts) - lost]) >= k)


def most_survivable(geometry: Geometry, keepers: int) -> int:
    """How many of `keepers` may vanish at best, with all n rows shared out evenly."""
    each = max(1, geometry.n // keepers) if geometry.k > 1 and keepers else 1
    return max(
        (lost for lost in range(keepers) if (keepers - lost) * each >= geometry.k), default=-1
    )


def keepers_needed(geometry: Geometry, survive: int) -> int:
    """The smallest number of keepers with which `survive` of them may vanish."""
    keepers = survive + 1
    while most_survivable(geometry, keepers) < survive:
        keepers += 1
    return keepers


def _per_keeper(geometry: Geometry, keepers: int, survive: int | None) -> int:
    """How many rows each keeper shall hold."""
    if not keepers:
        return 0
    most = geometry.n // keepers or 1
    if geometry.k == 1:
        return 1  # all rows are the same bytes: a second one of a keeper would guard nothing
    if survive is None:
        return min(most, max(1, -(-STRETCH * geometry.k // keepers)))
    left = max(1, keepers - survive)
    return min(most, -(-geometry.k // left))


def _spare(geometry: Geometry, rows_of: Mapping[str, set[int]], keeper: str) -> int | None:
    """With all n rows given out: a row that this keeper lacks, held by the fewest others."""
    lacking = [row for row in range(geometry.n) if row not in rows_of[keeper]]
    if not lacking:
        return None
    return min(lacking, key=lambda row: sum(row in rows for rows in rows_of.values()))
