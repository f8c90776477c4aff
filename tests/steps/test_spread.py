"""Spread: the promise is kept, whatever some carriers do, and can be picked up at any moment."""

import contextlib
import errno
import shutil
import threading
from pathlib import Path

import pytest

import outlast
from outlast.errors import (
    BadInput,
    Changed,
    Forked,
    Malformed,
    NotEnough,
    OutlastError,
    RolledBack,
)
from outlast.format import kit
from outlast.steps.progress import Progress
from outlast.steps.shares import damaged_segments, read_head, read_kit
from outlast.steps.spread import CarrierSpread, Spread
from outlast.steps.work import Work
from world import FaultyCarrier, World, head_of, symbol_at, tree, write_files

NAMES = ("anna", "bo", "chen")
FILES: dict[str, bytes | int] = {"film.mp4": 30_000, "names.csv": 2_000, "e.md": b""}


@pytest.fixture
def work(world: World) -> Work:
    """Sealed, and three carriers that have nothing yet."""
    world.geometry(4, 24)
    world.hurry()
    made = world.work(FILES, carriers=NAMES)
    world.seal(made)
    return made


def of(result: Spread, name: str) -> CarrierSpread:
    return next(each for each in result.carriers if each.name == name)


def assert_whole(*carriers: FaultyCarrier) -> None:
    """Whatever stands under an item's name is whole."""
    for faulty in carriers:
        carrier = FaultyCarrier(faulty.address)
        carrier.items = faulty.items
        for name in carrier.shares:
            head = read_head(carrier, name)
            assert not list(damaged_segments(carrier, name, head)), name
            kit.parse(read_kit(carrier, name, head.end))
        for name in carrier.kits:
            kit.parse(carrier.items[name])


def assert_kept(world: World, work: Work, result: Spread, survive: int) -> None:
    """The promise, tried out: any `survive` carriers are left out, and all comes back."""
    from itertools import combinations

    assert result.survives >= survive
    assert result.enough == ""
    for left in combinations(world.carriers.values(), len(world.carriers) - survive):
        assert tree(world.gather(work, left).to) == tree(work.root)


# --- what is placed ----------------------------------------------------------------------


@pytest.mark.parametrize("survive", [0, 1, 2])
def test_the_promise_holds(world: World, work: Work, survive: int) -> None:
    result = outlast.spread(work, survive=survive)
    assert_whole(*world.carriers.values())
    assert_kept(world, work, result, survive)
    assert (result.promised, result.edition, result.link) == (survive, 1, work.link)
    for name in NAMES:
        told = of(result, name)
        assert told.trouble == ""
        assert told.shares == told.written == len(world.carriers[name].shares)
        assert len(world.carriers[name].kits) == 1
    rows = [head_of(c, name).row for c in world.carriers.values() for name in c.shares]
    assert len(rows) == len(set(rows)), "no row stands twice while there are others"


def test_without_a_promise_three_times_what_is_needed(world: World, work: Work) -> None:
    result = outlast.spread(work)
    assert sum(each.shares for each in result.carriers) == 12
    assert result.promised is None
    assert result.survives == 2


def test_shares_alone_tell_what_they_belong_to(world: World, work: Work) -> None:
    outlast.spread(work)
    for carrier in world.carriers.values():
        carrier.lose(*carrier.kits)
    assert tree(world.gather(work).to) == tree(work.root)


def test_the_promise_is_remembered(world: World, work: Work) -> None:
    outlast.spread(work, survive=2)
    write_files(work.root, {"new.md": 3_000})
    world.seal(work)
    again = outlast.spread(Work(work.root))
    assert again.promised == 2
    assert_kept(world, work, again, 2)


def test_two_carriers_of_one_keeper_fall_together(world: World) -> None:
    world.geometry(4, 24)
    for name in ("a1", "a2"):
        world.carrier(name, keeper="A")
    world.carrier("b", keeper="B")
    work = world.work(FILES, carriers=["a1", "a2", "b"])
    result = world.publish(work, survive=1)
    assert result.survives == 1
    for left in (["b"], ["a1", "a2"]):
        gathered = world.gather(work, [world.carriers[name] for name in left])
        assert tree(gathered.to) == tree(work.root)


def test_a_promise_that_cannot_be_kept_is_said(world: World, work: Work) -> None:
    result = outlast.spread(work, survive=3)
    assert result.survives == 2
    assert "4 keepers" in result.enough
    with pytest.raises(BadInput):
        outlast.spread(work, survive=-1)


def test_small_works_are_replicated(world: World) -> None:
    work = world.work({"post.md": 2_000}, carriers=NAMES)
    result = world.publish(work)
    assert [each.shares for each in result.carriers] == [1, 1, 1]
    assert_kept(world, work, result, 2)


# --- again -------------------------------------------------------------------------------


def test_again_writes_nothing_and_reads_little(world: World, work: Work) -> None:
    outlast.spread(work, survive=1)
    for carrier in world.carriers.values():
        carrier.forget()
    again = outlast.spread(work, survive=1)
    assert all(each.written == 0 and not each.trouble for each in again.carriers)
    for carrier in world.carriers.values():
        assert carrier.names_written == []
        assert carrier.segments_read() == set(), "what was proved is not read again"
    assert_kept(world, work, again, 1)


def test_a_higher_promise_adds_and_moves_nothing(world: World, work: Work) -> None:
    outlast.spread(work, survive=0)
    before = {name: dict(world.carriers[name].items) for name in NAMES}
    result = outlast.spread(work, survive=2)
    assert_kept(world, work, result, 2)
    for name in NAMES:
        assert before[name].items() <= world.carriers[name].items.items()


def test_a_new_edition_costs_only_what_is_new(world: World, work: Work) -> None:
    outlast.spread(work, survive=1)
    for carrier in world.carriers.values():
        carrier.forget()
    write_files(work.root, {"post.md": 100})
    world.seal(work)
    before = {name: set(world.carriers[name].items) for name in NAMES}
    result = outlast.spread(work)
    assert_kept(world, work, result, 1)
    for name in NAMES:
        carrier = world.carriers[name]
        assert before[name] <= set(carrier.items)
        assert not before[name] & set(carrier.names_written)
        new = sum(len(carrier.items[item]) for item in set(carrier.items) - before[name])
        assert new < 30_000
        assert len(carrier.kits) == 2, "an old kit is never overwritten"


def test_a_new_carrier_is_filled(world: World, work: Work) -> None:
    outlast.spread(work, survive=1)
    world.add(work, "dora")
    before = {name: dict(world.carriers[name].items) for name in NAMES}
    result = outlast.spread(work)
    assert of(result, "dora").written > 0
    assert_kept(world, work, result, 1)
    assert before == {name: world.carriers[name].items for name in NAMES}


def test_lost_and_truncated_shares_are_minted_again(world: World, work: Work) -> None:
    outlast.spread(work, survive=1)
    anna, bo, _ = (world.carriers[name] for name in NAMES)
    before = dict(anna.items), dict(bo.items)
    anna.lose(anna.shares[0])
    for name in bo.shares:
        bo.truncate(name, 100)
    result = outlast.spread(work)
    assert of(result, "anna").written == 1
    assert of(result, "bo").written == len(bo.shares)
    assert (anna.items, bo.items) == before
    assert_kept(world, work, result, 1)


@pytest.mark.parametrize("place", ["head", "symbols", "kit"])
def test_damage_is_found_in_what_no_spread_has_proved(world: World, work: Work, place: str) -> None:
    """A kill came after the shares were written, before that was noted: bits rot meanwhile."""
    outlast.spread(work, survive=1)
    anna = world.carriers["anna"]
    before = dict(anna.items)
    (work.root / ".outlast/held.json").unlink()
    name = anna.shares[0]
    at = {"head": 40, "symbols": symbol_at(anna, name, 3) + 5, "kit": -100}[place]
    anna.damage(name, at)
    result = outlast.spread(work)
    assert result.survives >= 1
    if place != "kit":
        assert of(result, "anna").written == 1
        assert anna.items == before
    assert_kept(world, work, result, 1)


@pytest.mark.parametrize(
    "junk", ["", "[]", "{", '{"x": 3}', '{"VOLUME": []}', '{"VOLUME": {"anna": "zz"}}']
)
def test_a_damaged_note_of_what_is_held_is_made_again(world: World, work: Work, junk: str) -> None:
    outlast.spread(work, survive=1)
    for carrier in world.carriers.values():
        carrier.forget()
    anna = world.carriers["anna"]
    volume = head_of(anna, anna.shares[0]).volume.hex()
    (work.root / ".outlast/held.json").write_text(junk.replace("VOLUME", volume))
    result = outlast.spread(work)
    assert all(each.written == 0 for each in result.carriers)
    assert_kept(world, work, result, 1)


@pytest.mark.parametrize("harm", ["lost", "damaged", "cut", "junk"])
def test_lost_hashes_are_computed_again(world: World, work: Work, harm: str) -> None:
    for table in (work.root / ".outlast/hashes").iterdir():
        data = bytearray(table.read_bytes())
        match harm:
            case "lost":
                table.unlink()
            case "damaged":
                data[-1] ^= 1
                table.write_bytes(data)
            case "cut":
                table.write_bytes(data[: len(data) // 2])
            case "junk":
                table.write_bytes(b"junk")
    result = outlast.spread(work, survive=1)
    assert_whole(*world.carriers.values())
    assert_kept(world, work, result, 1)


def test_a_damaged_hash_table_is_never_signed_for(world: World, work: Work) -> None:
    """A symbol's hash is damaged, the roots are not: shares with a wrong head must not go out."""
    (table,) = (
        each for each in (work.root / ".outlast/hashes").iterdir() if each.name != "new.hashes"
    )
    data = bytearray(table.read_bytes())
    data[32 * 24 * 5 + 32 * 20] ^= 1  # segment 5, row 20
    table.write_bytes(data)
    with contextlib.suppress(OutlastError):
        outlast.spread(work, survive=2)
    assert_whole(*world.carriers.values())


# --- carriers that fail ------------------------------------------------------------------

ERRORS: dict[str, Exception] = {
    "full": OSError(errno.ENOSPC, "no space left on device"),
    "gone": ConnectionResetError(errno.ECONNRESET, "connection reset"),
    "read-only": OSError(errno.EROFS, "read-only file system"),
    "odd": ValueError("something odd"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize(
    ("on", "after"),
    [
        ("list", 0),
        ("create", 0),
        ("create", 1),
        ("write", 9),
        ("commit", 0),
        ("commit", 1),
        ("read", 9),
    ],
)
def test_a_failing_carrier_stops_no_other(
    world: World, work: Work, error: Exception, on: str, after: int
) -> None:
    bo = world.carriers["bo"]
    bo.fail(error, on=(on,), after=after)
    result = outlast.spread(work, survive=1)
    assert str(error.args[-1]) in of(result, "bo").trouble
    for name in ("anna", "chen"):
        assert of(result, name).trouble == ""
        assert of(result, name).shares > 0
    assert_whole(*world.carriers.values())
    assert not any(name.endswith(".kit") for name in bo.items), "no kit announces what failed"
    # What one doesn't take goes to the others: without bo the work is as safe as it can be.
    others = [world.carriers["anna"], world.carriers["chen"]]
    assert tree(world.gather(work, others).to) == tree(work.root)
    bo.heal()
    again = outlast.spread(work)
    assert of(again, "bo").trouble == ""
    assert_whole(*world.carriers.values())
    assert_kept(world, work, again, 1)


@pytest.mark.parametrize("room", [0, 5_000, 12_000])
def test_a_full_carrier_keeps_only_whole_shares(world: World, work: Work, room: int) -> None:
    chen = world.carriers["chen"]
    chen.fill_up(room)
    result = outlast.spread(work, survive=1)
    assert "no space left" in of(result, "chen").trouble
    assert of(result, "chen").shares == len(chen.shares)
    assert_whole(chen)
    assert tree(world.gather(work, [world.carriers["anna"], world.carriers["bo"]]).to) == tree(
        work.root
    )
    chen.heal()
    assert_kept(world, work, outlast.spread(work), 1)


@pytest.mark.parametrize("on", ["list", "create", "write", "commit", "read"])
def test_a_stalled_carrier_stops_no_other(world: World, work: Work, on: str) -> None:
    bo = world.carriers["bo"]
    bo.stall(on=(on,), after=0 if on == "list" else 2)
    result = outlast.spread(work, survive=1)
    assert bo.stalling.is_set()
    assert of(result, "bo").trouble
    for name in ("anna", "chen"):
        assert of(result, name).trouble == ""
    # Whatever it does when it wakes up, it leaves nothing half-written.
    before = threading.active_count()
    bo.heal()
    bo.released.set()
    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread():
            thread.join(0.5)
    assert threading.active_count() <= before
    assert_whole(*world.carriers.values())
    assert_kept(world, work, outlast.spread(work), 1)


def test_a_slow_carrier_is_waited_for(world: World, work: Work) -> None:
    world.carriers["bo"].slow(0.002, on=("write", "read"))
    result = outlast.spread(work, survive=1)
    assert_kept(world, work, result, 1)


def test_all_carriers_fail(world: World, work: Work) -> None:
    for carrier in world.carriers.values():
        carrier.fail()
    result = outlast.spread(work, survive=1)
    assert result.survives == -1
    assert all(each.trouble and not each.shares for each in result.carriers)
    assert "would be enough" in result.enough
    for carrier in world.carriers.values():
        carrier.heal()
    assert_kept(world, work, outlast.spread(work), 1)


def test_a_carrier_that_gives_back_other_bytes_is_not_counted(world: World, work: Work) -> None:
    """Sticks that claim a size they don't have are sold."""
    bo = world.carriers["bo"]
    read = bo._readinto

    def readinto(name: str, start: int, buffer: memoryview) -> int:
        got = read(name, start, buffer)
        if start and got:
            buffer[got - 1] ^= 1
        return got

    bo._readinto = readinto  # type: ignore[method-assign]
    result = outlast.spread(work, survive=1)
    assert "other bytes" in of(result, "bo").trouble
    assert of(result, "bo").shares == 0
    assert of(result, "anna").shares == of(result, "chen").shares == 4


def test_an_unplugged_stick_keeps_counting(world: World, work: Work) -> None:
    first = outlast.spread(work, survive=1)
    before = {name: dict(world.carriers[name].items) for name in NAMES}
    world.carriers["chen"].fail()
    again = outlast.spread(work)
    assert again.survives == first.survives
    assert of(again, "chen").shares == of(first, "chen").shares
    assert "connection reset" in of(again, "chen").trouble
    assert {name: world.carriers[name].items for name in NAMES} == before
    # Taken out of the list, it doesn't count any more.
    work.forget_carrier("chen")
    del world.carriers["chen"]
    after = outlast.spread(work)
    assert sum(each.written for each in after.carriers) > 0
    assert_kept(world, work, after, 1)


def test_a_folder_that_is_not_there_is_not_made(world: World, work: Work, tmp_path: Path) -> None:
    work.settings.add_carrier("stick", str(tmp_path / "media/stick"), "Stick")
    result = outlast.spread(work, survive=1)
    assert "no folder" in of(result, "stick").trouble
    assert not (tmp_path / "media").exists()
    assert tree(world.gather(work).to) == tree(work.root)


# --- what stops a spread -----------------------------------------------------------------


def test_nothing_to_spread_or_nowhere_to(world: World) -> None:
    work = world.work(FILES)
    with pytest.raises(BadInput, match="no carriers"):
        outlast.spread(work)
    world.add(work, "anna")
    with pytest.raises(BadInput, match="sealed"):
        outlast.spread(work)


def test_a_file_that_is_not_what_was_sealed_is_named(world: World, work: Work) -> None:
    data = bytearray((work.root / "film.mp4").read_bytes())
    data[15_000] ^= 1
    (work.root / "film.mp4").write_bytes(data)
    with pytest.raises(Changed, match=r"film\.mp4") as caught:
        outlast.spread(work, survive=1)
    assert "names.csv" not in caught.value.message
    assert "outlast seal" in caught.value.hint
    for carrier in world.carriers.values():
        assert carrier.items == {}
    assert_kept(world, work, world.publish(work, survive=1), 1)


@pytest.mark.parametrize("how", ["kept", "touched"])
def test_the_advice_after_an_edit_helps(world: World, work: Work, how: str) -> None:
    """Some programs keep a file's mtime and size: even so, sealing must see the edit."""
    import os

    film = work.root / "film.mp4"
    os.utime(film, (1e9, 1e9))
    world.seal(work)
    with film.open("r+b") as file:
        file.write(b"another beginning")
    if how == "kept":
        os.utime(film, (1e9, 1e9))
    with pytest.raises(Changed):
        outlast.spread(work, survive=1)
    assert world.seal(work).new
    assert_kept(world, work, outlast.spread(work, survive=1), 1)


def test_a_file_that_is_gone_is_minted_from_shares(world: World, work: Work) -> None:
    outlast.spread(work, survive=1)
    before = tree(work.root)
    anna = world.carriers["anna"]
    items = dict(anna.items)
    (work.root / "film.mp4").unlink()
    anna.lose()
    result = outlast.spread(work)
    assert result.survives >= 1
    assert anna.items == items
    assert tree(world.gather(work, [anna, world.carriers["bo"]]).to) == before


def test_a_file_that_is_gone_everywhere_is_not_enough(world: World, work: Work) -> None:
    (work.root / "film.mp4").unlink()
    with pytest.raises(NotEnough):
        outlast.spread(work, survive=1)
    for carrier in world.carriers.values():
        assert carrier.items == {}


def test_a_newer_edition_on_a_carrier_stops_an_old_copy_of_the_folder(
    world: World, work: Work, tmp_path: Path
) -> None:
    shutil.copytree(work.root, tmp_path / "copy")
    write_files(work.root, {"new.md": 100})
    world.publish(work, survive=1)
    shutil.rmtree(tmp_path / "home/seen")  # another machine, with the same keys
    copy = Work(tmp_path / "copy")
    before = {name: dict(world.carriers[name].items) for name in NAMES}
    with pytest.raises(RolledBack, match="edition 2"):
        outlast.spread(copy)
    write_files(copy.root, {"other.md": 100})
    world.seal(copy)
    with pytest.raises(Forked):
        outlast.spread(copy)
    assert {name: world.carriers[name].items for name in NAMES} == before


def test_junk_on_a_carrier_stops_nothing(world: World, work: Work) -> None:
    anna = world.carriers["anna"]
    for name in ("outlast-x/000009-00000000.kit", "outlast-x/0123456789abcdef-001.share"):
        anna.items[name] = b"junk"
    anna.items["holiday.jpg"] = bytes(10_000)
    result = outlast.spread(work, survive=1)
    assert_kept(world, work, result, 1)
    assert anna.items["holiday.jpg"] == bytes(10_000)


def test_another_work_on_the_same_carriers(world: World, work: Work) -> None:
    other = world.work({"names.csv": 5_000}, name="other")
    for name in NAMES:
        world.add(other, name)
    first, second = outlast.spread(work, survive=1), world.publish(other, survive=1)
    assert_kept(world, work, first, 1)
    assert_kept(world, other, second, 1)


def test_two_spreads_of_one_folder_at_once(world: World, work: Work) -> None:
    other: list[OutlastError] = []

    def meanwhile(_: Progress) -> None:
        if not other:
            for step in (lambda: outlast.spread(Work(work.root)), lambda: world.seal(work)):
                with pytest.raises(BadInput, match="at work") as caught:
                    step()
                other.append(caught.value)

    result = outlast.spread(work, survive=1, report=meanwhile)
    assert len(other) == 2
    assert_kept(world, work, result, 1)


# --- stopped in the middle ---------------------------------------------------------------


class Stop(BaseException):
    """Ctrl-C, at an exact moment."""


@pytest.mark.parametrize("moment", [0, 1, 2, 5, 9, 12])
def test_stopped_at_any_moment_and_run_again(world: World, work: Work, moment: int) -> None:
    met = 0

    def stop(_: Progress) -> None:
        nonlocal met
        met += 1
        if met > moment:
            raise Stop

    with pytest.raises(Stop):
        outlast.spread(work, survive=1, report=stop)
    assert_whole(*world.carriers.values())
    whole = {name: set(world.carriers[name].shares) for name in NAMES}
    for carrier in world.carriers.values():
        carrier.forget()
    result = outlast.spread(work)
    assert_kept(world, work, result, 1)
    for name in NAMES:
        assert not whole[name] & set(world.carriers[name].names_written), "whole ones stay"


def test_progress(world: World, work: Work) -> None:
    told: list[Progress] = []
    outlast.spread(work, survive=1, report=told.append)
    spreading = [each for each in told if each.stage == "spreading"]
    assert [each.done for each in spreading] == sorted(each.done for each in spreading)
    assert spreading[-1].done == spreading[-1].total > 32_000


# --- the carrier's writer ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["write", "commit", "abort"])
def test_a_sink_that_raises_anything_does_not_hang(world: World, work: Work, method: str) -> None:
    bo = world.carriers["bo"]
    create = bo._create

    def spoiled(name: str) -> object:
        sink = create(name)

        def fail(*_: object) -> None:
            raise RuntimeError("out of order")

        setattr(sink, method, fail)
        if method == "abort":
            sink.write = fail  # type: ignore[method-assign]
        return sink

    bo._create = spoiled  # type: ignore[assignment, method-assign]
    result = outlast.spread(work, survive=1)
    assert "out of order" in of(result, "bo").trouble
    assert tree(world.gather(work, [world.carriers["anna"], world.carriers["chen"]]).to) == tree(
        work.root
    )


def test_errors_that_are_no_carriers_pass_as_they_are(world: World, work: Work) -> None:
    """A hash table of another volume, say: nothing goes out under a wrong name."""
    bo = world.carriers["bo"]
    bo.fail(Malformed("not what it should be"), on=("create",))
    result = outlast.spread(work, survive=1)
    assert "not what it should be" in of(result, "bo").trouble
    assert_whole(*world.carriers.values())


def test_a_kit_that_reads_back_otherwise_is_not_believed(world: World, work: Work) -> None:
    bo = world.carriers["bo"]
    read = bo._readinto

    def readinto(name: str, start: int, buffer: memoryview) -> int:
        got = read(name, start, buffer)
        if name.endswith(".kit") and got:
            buffer[0] ^= 1
        return got

    bo._readinto = readinto  # type: ignore[method-assign]
    result = outlast.spread(work, survive=1)
    assert "reads back otherwise" in of(result, "bo").trouble
