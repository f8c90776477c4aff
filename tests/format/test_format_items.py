"""What items are called on a carrier."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.carriers.memory import MemoryCarrier
from outlast.format import items
from outlast.format.items import KitName, ShareName
from outlast.format.link import short_name

HASHES = st.binary(min_size=32, max_size=32)


@settings(deadline=None)
@given(HASHES, HASHES, st.integers(0, 255))
def test_shares(work: bytes, volume: bytes, row: int) -> None:
    name = items.share_name(work, volume, row)
    assert name.startswith(f"outlast-{short_name(work)}/")
    assert items.parse_name(name) == ShareName(volume=volume.hex()[:16], row=row)
    assert items.parse_name(f"sticks/old/{name}") == items.parse_name(name)


@settings(deadline=None)
@given(HASHES, st.integers(0, 10**12 - 1), st.binary(max_size=50))
def test_kits(work: bytes, edition: int, kit: bytes) -> None:
    name = items.kit_name(work, edition, kit)
    found = items.parse_name(name)
    assert isinstance(found, KitName)
    assert found.edition == edition
    assert items.kit_name(work, edition, kit + b"x") != name


def test_every_name_sorts_by_edition_up_to_a_million() -> None:
    names = [items.kit_name(bytes(32), edition, b"") for edition in (0, 9, 10, 99_999, 100_000)]
    assert names == sorted(names)


def test_every_carrier_takes_these_names() -> None:
    carrier = MemoryCarrier("memory:names", keeper="nobody")
    names = [items.share_name(b"\xff" * 32, b"\xff" * 32, 255), items.kit_name(bytes(32), 1, b"")]
    for name in names:
        carrier.put(name, b"x")
    assert sorted(held.name for held in carrier.list()) == sorted(names)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_name_raises_nothing(text: str) -> None:
    for name in (text, f"{text}.share", f"{text}/000001-00000000.kit"):
        found = items.parse_name(name)
        assert found is None or isinstance(found, ShareName | KitName)


@pytest.mark.parametrize("name", ["٠" * 16 + "-٠٠٠.share", "0" * 16 + "-٠٠٠.share"])
def test_digits_of_other_scripts_are_none_of_ours(name: str) -> None:
    assert items.parse_name(name) is None
