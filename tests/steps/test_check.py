"""Check: every kind of damage is found, and what is not damaged is left in peace."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import outlast
from outlast.errors import NotEnough, NotGenuine
from outlast.format import kit
from outlast.steps.check import Checked, check
from outlast.steps.progress import Progress
from outlast.steps.work import Work
from world import FaultyCarrier, World, head_of, parts_of, symbol_at, write_files


@pytest.fixture
def work(world: World) -> Work:
    world.geometry(4, 12)
    made = world.work({"film.mp4": 20_000, "names.csv": 3_000}, carriers=["anna", "bo"])
    world.publish(made)
    return made


def refused(checked: Checked, carrier: FaultyCarrier) -> list[str]:
    """The items that were refused on a carrier."""
    (found,) = (each for each in checked.carriers if each.address == carrier.address)
    return [item for item, _ in found.refused]


def test_all_is_well(world: World, work: Work) -> None:
    checked = check(list(world.carriers.values()), work.name)
    assert checked.sound
    (found,) = checked.works
    assert (found.link, found.asked, found.whole, found.edition) == (work.link, True, True, 1)
    (volume,) = found.volumes
    assert (volume.sound, volume.needed, volume.rows, volume.newest) == (12, 4, 12, True)
    for each in checked.carriers:
        assert (each.reached, each.shares, each.kits, each.foreign, each.refused) == (
            True,
            6,
            1,
            0,
            [],
        )


def test_every_byte_is_read(world: World, work: Work) -> None:
    for carrier in world.carriers.values():
        carrier.forget()
    check(list(world.carriers.values()), work.name)
    for carrier in world.carriers.values():
        assert carrier.bytes_read >= sum(map(len, carrier.items.values()))


PLACES = [
    "magic",
    "row",
    "roots",
    "hashes",
    "first symbol",
    "last symbol",
    "kit's head",
    "kit's end",
]


@pytest.mark.parametrize("place", PLACES)
def test_damage_anywhere_in_a_share_is_found(world: World, work: Work, place: str) -> None:
    anna = world.carriers["anna"]
    name = anna.shares[2]
    head = head_of(anna, name)
    at = {
        "magic": 0,
        "row": 10,
        "roots": 72 + 5,
        "hashes": head.length - 1,
        "first symbol": head.length,
        "last symbol": head.end - 1,
        "kit's head": head.end,
        "kit's end": -1,
    }[place]
    anna.damage(name, at)
    checked = check(list(world.carriers.values()), work.name)
    assert not checked.sound
    assert refused(checked, anna) == [name]
    assert checked.works[0].whole


class Published:
    """A work's name, and all items of it."""

    def __init__(self, name: bytes, items: dict[str, bytes]) -> None:
        self.name = name
        self.items = items


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A small work on one carrier."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(tmp_path_factory.mktemp("published"), patch)
        world.geometry(2, 4)
        work = world.work({"film.mp4": 3_000, "names.csv": 100}, carriers=["one"])
        world.publish(work)
        world.close()
        return Published(work.name, world.carriers["one"].items)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_single_flipped_bit_is_found(published: Published, seed: int) -> None:
    """In any item, at any place."""
    chance = random.Random(seed)
    carrier = FaultyCarrier("memory:one")
    carrier.items = dict(published.items)
    name = chance.choice(sorted(carrier.items))
    carrier.damage(name, chance.randrange(len(carrier.items[name])))
    # Another carrier is sound, or a damaged kit could leave nothing to check against.
    sound = FaultyCarrier("memory:two")
    sound.items = dict(published.items)
    checked = check([carrier, sound], published.name)
    assert refused(checked, carrier) == [name]
    assert refused(checked, sound) == []


@pytest.mark.parametrize("cut", [0, 1, 71, 72, 2_000, -1])
def test_cut_items_are_found(world: World, work: Work, cut: int) -> None:
    anna = world.carriers["anna"]
    anna.truncate(anna.shares[0], cut)
    anna.truncate(anna.kits[0], cut)
    checked = check(list(world.carriers.values()), work.name)
    assert set(refused(checked, anna)) == {anna.shares[0], anna.kits[0]}
    assert refused(checked, world.carriers["bo"]) == []


def test_a_kit_of_another_work_in_a_share_is_found(world: World, work: Work) -> None:
    other = world.work({"a.md": 100}, carriers=["other"], name="other")
    world.publish(other)
    anna = world.carriers["anna"]
    name = anna.shares[0]
    theirs = world.carriers["other"].items[world.carriers["other"].kits[0]]
    anna.items[name] = anna.items[name][: head_of(anna, name).end] + theirs
    checked = check(list(world.carriers.values()), work.name)
    assert refused(checked, anna) == [name]


def test_parts_that_nobody_signed_are_found_in_a_kit(world: World, work: Work) -> None:
    anna = world.carriers["anna"]
    name = anna.kits[0]
    parts = parts_of(anna, name)
    for part in parts:
        if part.startswith(("edition", "index")):
            anna.items[name] = kit.pack({**parts, part: parts[part][:-1] + b" "})
            checked = check(list(world.carriers.values()), work.name)
            assert refused(checked, anna) == [name], part


def test_lost_shares_are_counted(world: World, work: Work) -> None:
    anna, bo = world.carriers["anna"], world.carriers["bo"]
    anna.lose()
    bo.lose(*bo.shares[3:])
    checked = check([anna, bo], work.name)
    assert checked.sound, "nothing that is there is damaged"
    assert not checked.works[0].whole
    assert checked.works[0].volumes[0].sound == 3


def test_one_row_twice_counts_once(world: World, work: Work) -> None:
    anna, bo = world.carriers["anna"], world.carriers["bo"]
    anna.lose(*anna.shares[2:])
    bo.items = dict(anna.items)
    checked = check([anna, bo], work.name)
    assert checked.works[0].volumes[0].sound == 2
    assert not checked.works[0].whole


def test_without_a_link_the_claim_is_shown(world: World, work: Work) -> None:
    checked = check(list(world.carriers.values()), None)
    assert checked.sound
    assert [(each.link, each.asked) for each in checked.works] == [(work.link, False)]


def test_other_works_are_not_refused(world: World, work: Work) -> None:
    other = world.work({"a.md": 5_000}, name="other")
    for name in ("anna", "bo"):
        world.add(other, name)
    world.publish(other)
    asked = check(list(world.carriers.values()), work.name)
    assert asked.sound
    assert [each.link for each in asked.works] == [work.link]
    assert all(each.foreign == 6 and each.shares == 6 for each in asked.carriers)
    both = check(list(world.carriers.values()), None)
    assert both.sound
    assert {each.link for each in both.works} == {work.link, other.link}
    assert all(each.foreign == 0 and each.shares == 12 for each in both.carriers)


def test_another_work_where_this_one_should_be(world: World, work: Work) -> None:
    other = world.work({"a.md": 5_000}, carriers=["other"], name="other")
    world.publish(other)
    with pytest.raises(NotGenuine):
        check([world.carriers["other"]], work.name)
    with pytest.raises(NotEnough, match="no kit"):
        check([world.carrier("empty")], work.name)
    with pytest.raises(NotEnough, match="no kit"):
        check([world.carriers["empty"]], None)


def test_older_editions_are_told_apart(world: World, work: Work) -> None:
    write_files(work.root, {"names.csv": 3_500, "film.mp4": 21_000})
    world.publish(work)
    checked = check(list(world.carriers.values()), work.name)
    assert checked.sound
    (found,) = checked.works
    assert found.edition == 2
    assert sorted(volume.newest for volume in found.volumes) == [False, True]
    for name in ("anna", "bo"):
        world.carriers[name].lose(*world.carriers[name].shares)
    assert not check(list(world.carriers.values()), work.name).works[0].whole


@pytest.mark.parametrize("on", ["list", "read"])
@pytest.mark.parametrize("fault", ["fails", "stalls"])
def test_a_carrier_that_does_not_answer(world: World, work: Work, on: str, fault: str) -> None:
    world.hurry()
    bo = world.carriers["bo"]
    if fault == "fails":
        bo.fail(on=(on,), after=0 if on == "list" else 9)
    else:
        bo.stall(on=(on,), after=0 if on == "list" else 9)
    checked = check(list(world.carriers.values()), work.name)
    assert not checked.sound
    (theirs,) = (each for each in checked.carriers if each.address == bo.address)
    assert theirs.refused
    (ours,) = (each for each in checked.carriers if each.address != bo.address)
    assert (ours.shares, ours.refused) == (6, [])
    assert checked.works[0].whole


def test_junk_and_other_files_are_not_ours_to_judge(world: World, work: Work) -> None:
    anna = world.carriers["anna"]
    anna.items["holiday.jpg"] = bytes(5_000)
    anna.items["letters/to bo.txt"] = b"dear bo"
    checked = check(list(world.carriers.values()), work.name)
    assert checked.sound


def test_renamed_items_are_checked(world: World, work: Work) -> None:
    anna = world.carriers["anna"]
    renamed = FaultyCarrier("memory:renamed")
    for at, data in enumerate(anna.items.values()):
        renamed.items[f"IMG_{at}.JPG"] = data
    first = next(name for name in renamed.items if renamed.items[name][8:9] == b"S")
    renamed.damage(first, symbol_at_end(renamed, first))
    checked = check([renamed], work.name)
    assert refused(checked, renamed) == [first]
    assert checked.carriers[0].shares == 5


def symbol_at_end(carrier: FaultyCarrier, name: str) -> int:
    return symbol_at(carrier, name, head_of(carrier, name).count) - 1


def test_progress(world: World, work: Work) -> None:
    told: list[Progress] = []
    check(list(world.carriers.values()), work.name, report=told.append)
    checking = [each for each in told if each.stage == "checking"]
    assert [each.done for each in checking] == sorted(each.done for each in checking)
    assert checking[-1].done <= checking[-1].total


def test_check_changes_nothing(world: World, work: Work) -> None:
    before = {name: dict(each.items) for name, each in world.carriers.items()}
    check(list(world.carriers.values()), work.name)
    outlast.check(list(world.carriers.values()), None)
    assert {name: each.items for name, each in world.carriers.items()} == before
