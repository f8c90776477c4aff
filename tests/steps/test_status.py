"""Status: what stands where, by the carriers' listings alone."""

import pytest

import outlast
from outlast.steps.check import check
from outlast.steps.status import status
from outlast.steps.work import Work
from world import World, write_files

NAMES = ("anna", "bo", "chen")


@pytest.fixture
def work(world: World) -> Work:
    world.geometry(4, 24)
    made = world.work({"film.mp4": 20_000, "names.csv": 3_000, "e/": b""}, carriers=NAMES)
    world.publish(made, survive=1)
    return made


def test_all_is_well(world: World, work: Work) -> None:
    for carrier in world.carriers.values():
        carrier.forget()
    found = status(work)
    assert (found.link, found.title, found.edition) == (work.link, "The names", 1)
    assert (found.files, found.size, found.survives, found.promised) == (3, 23_000, 1, 1)
    (volume,) = found.volumes
    assert (volume.needed, volume.rows, volume.survives) == (4, 24, 1)
    assert volume.keepers == {"anna": 2, "bo": 2, "chen": 2}
    assert [(each.name, each.reached, each.shares, each.trouble) for each in found.carriers] == [
        (name, True, 2, "") for name in NAMES
    ]
    for carrier in world.carriers.values():
        assert carrier.segments_read() == set(), "no share is read for it"


def test_it_agrees_with_spread_and_check(world: World, work: Work) -> None:
    found = status(work)
    assert found.survives == outlast.spread(work).survives
    checked = check(list(world.carriers.values()), work.name)
    assert sum(found.volumes[0].keepers.values()) == checked.works[0].volumes[0].sound


def test_what_is_lost_does_not_count(world: World, work: Work) -> None:
    bo = world.carriers["bo"]
    bo.lose(bo.shares[0])
    assert status(work).survives == 0
    bo.lose()
    found = status(work)
    assert found.survives == 0
    assert found.volumes[0].keepers["bo"] == 0
    world.carriers["anna"].lose()
    assert status(work).survives == -1


def test_cut_shares_do_not_count(world: World, work: Work) -> None:
    bo = world.carriers["bo"]
    bo.truncate(bo.shares[0], 5_000)
    bo.truncate(bo.shares[1], 0)
    assert status(work).volumes[0].keepers["bo"] == 0


def test_a_carrier_that_does_not_answer(world: World, work: Work) -> None:
    world.hurry()
    world.carriers["bo"].fail()
    world.carriers["chen"].stall()
    found = status(work)
    assert [each.reached for each in found.carriers] == [True, False, False]
    assert "connection reset" in found.carriers[1].trouble
    assert "no answer" in found.carriers[2].trouble
    assert found.survives == -1
    assert found.promised == 1


def test_two_carriers_of_one_keeper(world: World) -> None:
    world.geometry(4, 24)
    for name in ("a1", "a2"):
        world.carrier(name, keeper="A")
    work = world.work({"film.mp4": 20_000}, carriers=["a1", "a2", "b"])
    world.publish(work, survive=1)
    found = status(work)
    assert found.volumes[0].keepers == {"A": 4, "b": 4}
    assert found.survives == 1


def test_several_volumes_are_as_safe_as_the_least(world: World, work: Work) -> None:
    write_files(work.root, {"post.md": 2_000})
    world.seal(work)
    found = status(work)
    assert [volume.survives for volume in found.volumes] == [1, -1]
    assert found.survives == -1, "the new edition isn't spread yet"
    outlast.spread(work)
    assert status(work).survives == 1


def test_before_the_first_seal(world: World) -> None:
    work = world.work({"a.md": 10})
    found = status(work)
    assert (found.edition, found.volumes, found.carriers) == (0, (), ())
    world.add(work, "anna")
    world.seal(work)
    found = status(work)
    assert (found.edition, found.survives) == (1, -1)
    assert found.carriers[0].shares == 0


def test_junk_on_a_carrier(world: World, work: Work) -> None:
    anna = world.carriers["anna"]
    anna.items["junk.share"] = b"junk"
    anna.items["outlast-x/0123456789abcdef-001.share"] = bytes(50_000)
    found = status(work)
    assert found.survives == 1
    assert found.carriers[0].shares == 2
