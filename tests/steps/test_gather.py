"""Gather: byte for byte from any k shares, whatever befalls the carriers."""

import itertools
import random
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import outlast
from outlast.carriers.base import Held
from outlast.errors import (
    BadInput,
    Forked,
    NotEnough,
    NotGenuine,
    OutlastError,
    RolledBack,
    StorageFull,
)
from outlast.format import items, kit
from outlast.steps.gather import Gathered
from outlast.steps.progress import Progress
from outlast.steps.work import Work
from world import (
    FaultyCarrier,
    World,
    head_of,
    permissions_hold,
    row_of,
    some_bytes,
    symbol_at,
    tree,
    write_files,
)

K, N = 4, 12
FILES: Mapping[str, bytes | int] = {
    "film/the names.mp4": 20_000,
    "film/the names.en.vtt": 700,
    "film/stills/": b"",
    "register/names.csv": 5_000,
    "register/名字.csv": 1_300,
    "journal/2027-03-01.md": 64,
    "journal/empty.md": b"",
    "twin.bin": some_bytes(3_000),
    "twins/other.bin": some_bytes(3_000),
    "zeros": bytes(2_048),
}


class Spread:
    """A sealed work, and every share that can be made of it."""

    def __init__(self, work: Work, held: FaultyCarrier, root: Path) -> None:
        self.link = work.link
        self.name = work.name
        self.files = tree(work.root)
        self.shares = {row_of(name): (name, held.items[name]) for name in held.shares}
        """Row → its item's name and bytes."""
        self.kit = (held.kits[0], held.items[held.kits[0]])
        self.root = root

    def carrier(self, name: str, *rows: int, with_kit: bool = True) -> FaultyCarrier:
        made = FaultyCarrier(f"memory:{name}")
        made.items |= dict(self.shares[row] for row in rows)
        if with_kit:
            made.items |= dict([self.kit])
        return made

    def gather(self, *carriers: FaultyCarrier, **options: object) -> dict[str, bytes]:
        to = Path(self.root / f"gathered-{next(COUNT)}")
        try:
            outlast.gather(self.link, carriers, to, **options)  # type: ignore[arg-type]
            return tree(to)
        finally:
            shutil.rmtree(to, ignore_errors=True)


COUNT = itertools.count()


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    with pytest.MonkeyPatch.context() as patch:
        world = World(tmp_path_factory.mktemp("spread"), patch)
        world.geometry(K, N)
        work = world.work(FILES, carriers=["one"])
        world.publish(work)
        held = world.carriers["one"]
        assert len(held.shares) == N
        yield Spread(work, held, world.root)


def troubles(gathered: Gathered) -> dict[str, list[str]]:
    """Carrier's address → what was refused there."""
    return {
        each.address: [f"{one.item}: {one.reason}" for one in each.trouble]
        for each in gathered.carriers
    }


# --- any k of n --------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(rows=st.sets(st.integers(0, N - 1), min_size=K, max_size=N), with_kit=st.booleans())
def test_any_k_rows_are_enough(spread: Spread, rows: set[int], with_kit: bool) -> None:
    chance = random.Random(repr(rows))
    carriers = [spread.carrier(str(at), with_kit=with_kit) for at in range(3)]
    for row in rows:
        carriers[chance.randrange(3)].items |= dict([spread.shares[row]])
    assert spread.gather(*carriers) == spread.files


@settings(max_examples=15, deadline=None)
@given(rows=st.sets(st.integers(0, N - 1), max_size=K - 1))
def test_fewer_than_k_rows_are_not_enough_and_every_reason_is_kept(
    spread: Spread, rows: set[int]
) -> None:
    first, second = spread.carrier("first", *rows), spread.carrier("second", *rows)
    lost = spread.carrier("lost")
    lost.fail()
    with pytest.raises(NotEnough, match=f"of {K} needed") as caught:
        spread.gather(first, second, lost)
    told = "\n".join(caught.value.reasons)
    for carrier in (first, second, lost):
        assert carrier.address in told
    assert "connection reset" in told
    assert caught.value.hint


FATES = ("sound", "lost", "flipped", "cut", "another row", "another volume", "junk", "empty")


@settings(max_examples=80, deadline=None)
@given(
    fates=st.lists(st.sampled_from(FATES), min_size=N, max_size=N),
    sound=st.sets(st.integers(0, N - 1), min_size=K, max_size=K),
    seed=st.integers(0, 2**32),
)
def test_any_mix_of_faults_that_leaves_k_sound_rows(
    spread: Spread, fates: list[str], sound: set[int], seed: int
) -> None:
    chance = random.Random(seed)
    carriers = [spread.carrier(str(at)) for at in range(4)]
    for row, fate in enumerate(fates):
        name, data = spread.shares[row]
        where = carriers[chance.randrange(4)]
        where.items[name] = data
        match "sound" if row in sound else fate:
            case "lost":
                where.lose(name)
            case "flipped":
                where.damage(name, *(chance.randrange(len(data)) for _ in range(20)))
            case "cut":
                where.truncate(name, chance.randrange(len(data)))
            case "another row":
                where.lie(name, spread.shares[chance.randrange(N)][1])
            case "another volume":
                where.lie(name, foreign_share())
            case "junk":
                where.lie(name, chance.randbytes(len(data)))
            case "empty":
                where.lie(name, b"")
    assert spread.gather(*carriers) == spread.files


def foreign_share(cache: list[bytes] = []) -> bytes:  # noqa: B006 - made once
    """A sound share of another volume."""
    if not cache:
        from blake3 import blake3

        from outlast.format import merkle
        from outlast.format.geometry import Geometry
        from outlast.format.share import ShareHead, volume_id

        geometry = Geometry(k=K, n=N, symbol=256, size=K * 256)
        symbol = some_bytes(256)
        hashes = blake3(symbol).digest()
        roots = merkle.root(hashes) * N
        head = ShareHead(
            row=0,
            geometry=geometry,
            first=0,
            count=1,
            volume=volume_id(geometry, roots),
            roots=roots,
            hashes=hashes,
        )
        cache.append(head.pack() + symbol)
    return cache[0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_symbols_of_damaged_shares_count_one_by_one(spread: Spread, seed: int) -> None:
    """No share is sound, and yet each segment has k sound symbols among them."""
    chance = random.Random(seed)
    carrier = spread.carrier("scratched", *range(N))
    segments = head_of(carrier, carrier.shares[0]).geometry.segments
    assert segments > 20
    for segment in range(segments):
        for row in chance.sample(range(N), N - K):
            name = spread.shares[row][0]
            carrier.damage(name, symbol_at(carrier, name, segment) + chance.randrange(64))
    assert spread.gather(carrier) == spread.files


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_gather_never_gives_a_wrong_byte(spread: Spread, seed: int) -> None:
    """Far more damage than can be mended: whatever comes back is right."""
    chance = random.Random(seed)
    carrier = spread.carrier("ruined", *chance.sample(range(N), chance.randint(K, N)))
    carrier.scratch(chance, chance.randint(1, 60))
    to = spread.root / f"ruined-{next(COUNT)}"
    try:
        outlast.gather(spread.link, [carrier], to)
    except OutlastError:
        pass
    else:
        assert tree(to) == spread.files
    for path in to.rglob("*") if to.exists() else ():
        name = path.relative_to(to).as_posix()
        if path.is_file() and not name.startswith(".outlast"):
            assert path.read_bytes() == spread.files[name]


def test_what_can_be_rebuilt_is_there_though_another_part_is_lost(world: World) -> None:
    world.geometry(2, 4)
    work = world.work({f"{at}.bin": 512 for at in range(9)}, carriers=["one"])
    world.publish(work)
    carrier = world.carriers["one"]
    for name in carrier.shares:
        carrier.damage(name, symbol_at(carrier, name, 4))
    to = world.new_folder()
    with pytest.raises(NotEnough):
        world.gather(work, to=to)
    there = {path.name for path in to.glob("*.bin")}
    assert there == {f"{at}.bin" for at in range(9) if at != 4}
    for name in there:
        assert (to / name).read_bytes() == (work.root / name).read_bytes()


def test_a_read_error_costs_the_symbol_and_not_its_neighbours(world: World) -> None:
    """Sticks with bad blocks: no run of segments can be read in one go from any of them."""
    world.geometry(2, 3)
    work = world.work({"film.mp4": 512 * 8}, carriers=["one"])
    world.publish(work)
    carrier = world.carriers["one"]
    bad = {name: symbol_at(carrier, name, at) for at, name in enumerate(carrier.shares)}
    read = carrier._readinto

    def readinto(name: str, start: int, buffer: memoryview) -> int:
        if name in bad and start <= bad[name] < start + len(buffer):
            raise OSError(5, "input/output error")
        return read(name, start, buffer)

    carrier._readinto = readinto  # type: ignore[method-assign]
    gathered = world.gather(work)
    assert tree(gathered.to) == tree(work.root)


# --- carriers that change in the middle --------------------------------------------------


@pytest.fixture
def large(world: World) -> Work:
    """A work with many windows, on three carriers of which any two are enough."""
    world.geometry(4, 24)
    work = world.work({"film.mp4": 100_000, "names.csv": 3_000}, carriers=["a", "b", "c"])
    result = world.publish(work, survive=1)
    assert result.survives >= 1
    world.hurry()
    return work


AFTER = (0, 1, 7, 30)


@pytest.mark.parametrize("after", AFTER)
def test_a_carrier_that_vanishes_is_replaced_and_named(
    world: World, large: Work, after: int
) -> None:
    world.carriers["a"].fail(on=("read",), after=after)
    gathered = world.gather(large)
    assert tree(gathered.to) == tree(large.root)
    assert any("connection reset" in line for line in troubles(gathered)[places(world, "a")])
    assert not troubles(gathered)[places(world, "b")]


@pytest.mark.parametrize("after", AFTER)
def test_a_carrier_that_stalls_is_replaced_and_named(world: World, large: Work, after: int) -> None:
    world.carriers["a"].stall(on=("read",), after=after)
    gathered = world.gather(large)
    assert world.carriers["a"].stalling.is_set()
    assert tree(gathered.to) == tree(large.root)
    assert any("no answer" in line for line in troubles(gathered)[places(world, "a")])


def test_a_carrier_that_stalls_for_a_while_may_come_back(world: World, large: Work) -> None:
    """Two of three stall until the third is gone: only with them it can be done."""
    world.carriers["c"].lose()
    world.carriers["b"].stall(on=("read",), after=5, times=1)
    timer = threading.Timer(0.5, world.carriers["b"].released.set)
    timer.start()
    gathered = world.gather(large)
    timer.join()
    assert tree(gathered.to) == tree(large.root)


@pytest.mark.parametrize("after", AFTER)
def test_a_carrier_that_begins_to_lie_is_replaced_and_named(
    world: World, large: Work, after: int
) -> None:
    liar = world.carriers["a"]
    read = liar._readinto
    given_out = itertools.count()

    def readinto(name: str, start: int, buffer: memoryview) -> int:
        got = read(name, start, buffer)
        if next(given_out) >= after:
            buffer[:got] = bytes(byte ^ 255 for byte in buffer[:got])
        return got

    liar._readinto = readinto  # type: ignore[method-assign]
    gathered = world.gather(large)
    assert tree(gathered.to) == tree(large.root)
    assert troubles(gathered)[liar.address]


@pytest.mark.parametrize("after", AFTER)
def test_items_that_end_early_are_replaced_and_named(world: World, large: Work, after: int) -> None:
    cut = world.carriers["a"]
    for name in cut.shares:
        cut.truncate(name, symbol_at(cut, name, after) + 100)
    gathered = world.gather(large)
    assert tree(gathered.to) == tree(large.root)
    assert any("ends at byte" in line for line in troubles(gathered)[cut.address])


@pytest.mark.parametrize("error", [ValueError("odd"), PermissionError(13, "no"), KeyError("x")])
def test_foreign_exceptions_of_a_carrier_are_reported(
    world: World, large: Work, error: Exception
) -> None:
    world.carriers["b"].fail(error, on=("read",), after=4)
    gathered = world.gather(large)
    assert tree(gathered.to) == tree(large.root)
    assert troubles(gathered)[places(world, "b")]


@pytest.mark.parametrize("stage", ["list", "read"])
def test_a_carrier_that_never_answers_is_left_aside(world: World, large: Work, stage: str) -> None:
    world.carriers["b"].stall(on=(stage,))
    gathered = world.gather(large)
    assert tree(gathered.to) == tree(large.root)
    report = next(each for each in gathered.carriers if each.address == places(world, "b"))
    assert not report.reached
    assert "no answer" in report.trouble[0].reason


def test_a_carrier_that_cannot_be_listed_is_left_aside(world: World, large: Work) -> None:
    world.carriers["a"].fail(PermissionError(13, "permission denied"), on=("list",))
    gathered = world.gather(large)
    assert tree(gathered.to) == tree(large.root)
    assert any("permission denied" in line for line in troubles(gathered)[places(world, "a")])


def test_slow_carriers_are_waited_for(world: World, large: Work) -> None:
    for carrier in world.carriers.values():
        carrier.slow(0.01)
    assert tree(world.gather(large).to) == tree(large.root)


def test_several_lanes(world: World) -> None:
    world.geometry(4, 24)
    world.carrier("a", lanes=4)
    work = world.work({"film.mp4": 100_000}, carriers=["a", "b"])
    world.publish(work)
    assert tree(world.gather(work).to) == tree(work.root)


def test_a_share_that_is_two_at_once_gives_no_wrong_byte(spread: Spread) -> None:
    """One item, and each of the carrier's two lanes is told another row: both sound."""
    liar = spread.carrier("liar")
    liar.traits = replace(liar.traits, lanes=2)
    name, row_0 = spread.shares[0]
    told = {0: row_0, 1: spread.shares[1][1]}
    liar.items[name] = row_0
    lanes: dict[int, int] = {}
    both = threading.Barrier(2)
    meet = True

    def readinto(asked: str, start: int, buffer: memoryview) -> int:
        nonlocal meet
        if asked != name:
            return read(asked, start, buffer)
        lane = lanes.setdefault(threading.get_ident(), len(lanes) % 2)
        data = told[lane][start : start + len(buffer)]
        buffer[: len(data)] = data
        if start == 0 and len(buffer) > 72 and meet:
            # Each lane has its own head now, and goes on when the other one has, too.
            try:
                both.wait(1)
            except threading.BrokenBarrierError:
                meet = False
        return len(data)

    read = liar._readinto
    liar._readinto = readinto  # type: ignore[method-assign]
    honest = spread.carrier("honest", *range(1, N))
    for _ in range(5):
        lanes.clear()
        both.reset()
        meet = True
        assert spread.gather(liar, honest) == spread.files


def places(world: World, name: str) -> str:
    return world.carriers[name].address


# --- carriers that lie about what they have ----------------------------------------------


def test_a_listing_of_thousands_of_lies_costs_little(spread: Spread) -> None:
    honest = spread.carrier("honest", *range(N))
    liar = spread.carrier("liar")
    prefix = items.parse_name(honest.shares[0])
    assert isinstance(prefix, items.ShareName)
    liar.list_also(
        lambda: (Held(f"x{at}/{prefix.volume}-{at % N:03d}.share", 10_000) for at in range(5_000))
    )
    assert spread.gather(liar, honest) == spread.files
    assert liar.asked["read"] < 500


def test_a_listing_without_end_ends(spread: Spread, world: World) -> None:
    world.hurry()
    honest, endless = spread.carrier("honest", *range(N)), spread.carrier("endless")

    def names() -> Iterator[Held]:
        for at in itertools.count():
            if endless.released.is_set():
                return
            yield Held(f"folder/{at}.jpg", 5_000_000)

    endless.list_also(names)
    world.carriers["endless"] = endless
    assert spread.gather(endless, honest) == spread.files


HOSTILE_NAMES = [
    *["../../etc/passwd", "/etc/shadow", "a/../../x", "", ".", "x\0y", "\x1b[2J", "a" * 5_000],
    *["\udcff\udcfe", "\u202egnp.share", "CON", "a\nb", "outlast-x/../../y.kit"],
]


def test_hostile_names_in_a_listing_do_nothing(spread: Spread) -> None:
    honest, hostile = spread.carrier("honest", *range(N)), FaultyCarrier("memory:hostile")
    for folder in HOSTILE_NAMES:
        for name in (f"{folder}/000001-00000000.kit", f"{folder}/{spread.shares[0][0]}", folder):
            hostile.items[name] = spread.shares[1][1]
    assert spread.gather(hostile, honest) == spread.files


@pytest.mark.parametrize("size", [-1, 0, 2**63])
def test_sizes_in_a_listing_are_not_believed(spread: Spread, size: int) -> None:
    honest, liar = spread.carrier("honest", *range(K)), spread.carrier("liar", *range(N))
    liar.list_also(lambda: [Held(name, size) for name in liar.items])
    assert spread.gather(liar, honest) == spread.files


def junk_kits(spread: Spread) -> dict[str, dict[str, bytes]]:
    """Kits that anybody may write: parts of the true one, altered."""
    import json

    true = kit.parse(spread.kit[1])

    def altered(part: str, change: Callable[[dict], object]) -> dict[str, bytes]:
        document = json.loads(true[part])
        change(document["signed"])
        return {part: json.dumps(document).encode()}

    metadata = [part for part in true if part.endswith(".json") and not part.startswith("index")]
    metadata = [part for part in metadata if not part.startswith("edition")]
    changes: dict[str, Callable[[dict], object]] = {
        "an odd number": lambda signed: signed.update(x=1.5),
        "a lone surrogate": lambda signed: signed.update(x="\ud800"),
        "a deep list": lambda signed: signed.update(x=json.loads("[" * 90 + "]" * 90)),
        "a huge version": lambda signed: signed.update(version=10**30),
        "another version": lambda signed: signed.update(version=77),
        "no meta": lambda signed: signed.update(meta={}),
        "no roles": lambda signed: signed.update(roles={}),
        "no keys": lambda signed: signed.update(keys={}),
        "no targets": lambda signed: signed.update(targets={}),
        "expired": lambda signed: signed.update(expires="2001-01-01T00:00:00Z"),
        "another type": lambda signed: signed.update(_type="targets"),
    }
    kits = {
        f"{part}: {what}": altered(part, change)
        for part in metadata
        for what, change in changes.items()
    }
    kits |= {f"{part}: {len(body)} bytes of junk": {part: body} for part in true for body in JUNK}
    return kits


JUNK = (b"", b"{}", b"null", b"[" * 100_000, b'{"signed": {}, "signatures": []}', bytes(1_000))


def test_no_junk_kit_stops_a_gather(spread: Spread) -> None:
    """Each alone, since one that is refused early may hide the next."""
    honest = spread.carrier("honest", *range(N))
    failed = {}
    for what, parts in junk_kits(spread).items():
        hostile = FaultyCarrier("memory:hostile")
        hostile.items[items.kit_name(spread.name, 999_999, b"junk")] = kit.pack(parts)
        try:
            assert spread.gather(hostile, honest, only=["journal/*"])
        except Exception as error:
            failed[what] = repr(error)
    assert not failed


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_kits_with_flipped_bits_do_no_harm(spread: Spread, seed: int) -> None:
    chance = random.Random(seed)
    honest, scratched = spread.carrier("honest", *range(K)), spread.carrier("scratched")
    scratched.scratch(chance, chance.choice([1, 1, 5, 50]))
    assert spread.gather(scratched, honest, only=["journal/*"])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_kit_beside_sound_shares(spread: Spread, seed: int) -> None:
    """Every share brings a kit: with one stick alone, a bit of rot in its kit costs nothing."""
    chance = random.Random(seed)
    carrier = spread.carrier("alone", *range(K))
    name, data = spread.kit
    carrier.damage(name, chance.randrange(len(data)))
    assert spread.gather(carrier, only=["journal/*"])


def test_a_damaged_newest_kit_does_not_bring_an_older_edition(world: World) -> None:
    world.geometry(2, 4)
    work = world.work({"a.md": 300}, carriers=["one"])
    world.publish(work)
    write_files(work.root, {"b.md": 200})
    world.publish(work)
    shutil.rmtree(world.root / "home/seen")  # a reader who never saw the newest
    carrier = world.carriers["one"]
    newest = carrier.kits[-1]
    carrier.damage(newest, len(carrier.items[newest]) // 2)
    gathered = world.gather(work)
    assert gathered.edition == 2
    assert tree(gathered.to) == tree(work.root)


def test_a_huge_kit_is_refused_before_it_is_read(spread: Spread) -> None:
    import struct

    honest, hostile = spread.carrier("honest", *range(K)), FaultyCarrier("memory:hostile")
    claim = struct.pack("<8scBHI", b"\x89OUTLAST", b"K", 1, 1, 2**32 - 1)
    hostile.items[items.kit_name(spread.name, 9, b"x")] = claim + bytes(1_000)
    assert spread.gather(hostile, honest) == spread.files
    assert hostile.bytes_read < 1_000


# --- another work, another time ----------------------------------------------------------


def test_another_work_is_not_taken_for_this_one(world: World) -> None:
    mine = world.work({"names.csv": 3_000}, carriers=["mine"])
    world.publish(mine)
    other = world.work({"names.csv": 4_000}, carriers=["other"], name="other")
    world.publish(other)
    with pytest.raises(NotGenuine, match="not the work you asked for"):
        world.gather(mine, [world.carriers["other"]])
    both = world.gather(mine, [world.carriers["other"], world.carriers["mine"]])
    assert tree(both.to) == tree(mine.root)
    # Under the names of the first, the second's items: kits and shares alike.
    forger = world.carrier("forger")
    names = sorted(world.carriers["mine"].items)
    for name, data in zip(names, world.carriers["other"].items.values(), strict=False):
        forger.items[name] = data
    with pytest.raises((NotGenuine, NotEnough)):
        world.gather(mine, [forger])
    assert tree(world.gather(mine, [forger, world.carriers["mine"]]).to) == tree(mine.root)


def test_older_editions_and_what_they_had(world: World) -> None:
    world.geometry(2, 6)
    work = world.work({"a.md": 3_000, "b.md": 2_000}, carriers=["one"])
    world.publish(work)
    first = tree(work.root)
    (work.root / "a.md").unlink()
    write_files(work.root, {"b.md": 2_500, "c.md": 100})
    world.publish(work)
    newest = world.gather(work)
    assert (newest.edition, newest.latest) == (2, 2)
    assert tree(newest.to) == tree(work.root)
    older = world.gather(work, edition=1)
    assert (older.edition, older.latest) == (1, 2)
    assert tree(older.to) == first
    with pytest.raises(NotEnough, match="no edition 3") as caught:
        world.gather(work, edition=3)
    assert "1 to 2" in caught.value.hint


def test_any_of_many_editions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blog has more editions than kits are read from one carrier."""
    from outlast.steps import survey

    monkeypatch.setattr(survey, "_KITS", 3)
    world.geometry(1, 4, 64)
    work = world.work({"a.md": 30}, carriers=["one"])
    states = []
    for at in range(8):
        write_files(work.root, {f"{at}.md": 20 + at})
        world.publish(work)
        states.append(tree(work.root))
    assert tree(world.gather(work).to) == states[-1]
    for number in (1, 4, 8):
        assert tree(world.gather(work, edition=number).to) == states[number - 1]
    carrier = world.carriers["one"]
    carrier.forget()
    outlast.spread(work)
    assert carrier.names_written == [], "and none is written again"


def test_the_newest_edition_on_any_carrier_counts(world: World) -> None:
    world.geometry(2, 6)
    work = world.work({"a.md": 3_000}, carriers=["old", "new"])
    world.publish(work)
    before = dict(world.carriers["old"].items)
    write_files(work.root, {"b.md": 100})
    world.publish(work)
    world.carriers["old"].items = before
    gathered = world.gather(work)
    assert gathered.edition == 2
    assert tree(gathered.to) == tree(work.root)
    # Who has seen the second is not given the first as the newest.
    with pytest.raises(RolledBack, match="before"):
        world.gather(work, [world.carriers["old"]])


def test_two_states_of_one_version_are_both_refused(world: World, tmp_path: Path) -> None:
    work = world.work({"a.md": 3_000}, carriers=["one"])
    world.publish(work)
    shutil.copytree(work.root, tmp_path / "copy")
    write_files(work.root, {"b.md": b"one end"})
    world.publish(work)
    shutil.rmtree(tmp_path / "home/seen")
    copy = Work(tmp_path / "copy")
    copy.settings.remove_carrier("one")
    write_files(copy.root, {"b.md": b"another end"})
    world.add(copy, "two")
    world.publish(copy)
    with pytest.raises(Forked):
        world.gather(work)


def test_a_work_without_an_edition_says_so(world: World, tmp_path: Path) -> None:
    work = world.work({"a.md": 10})
    (founding,) = (work.root / ".outlast/kits").iterdir()
    carrier = world.carrier("one")
    carrier.items[f"x/{founding.name}"] = founding.read_bytes()
    with pytest.raises(NotEnough, match="no edition yet"):
        world.gather(work)


def test_nothing_anywhere(world: World) -> None:
    work = world.work({"a.md": 10})
    with pytest.raises(NotEnough, match="no kit was found"):
        world.gather(work, [world.carrier("empty")])
    with pytest.raises(BadInput, match="no carrier"):
        outlast.gather(work.link, [], world.new_folder())
    with pytest.raises(BadInput, match="not a link"):
        outlast.gather("https://example.org", [world.carriers["empty"]], world.new_folder())


# --- found though moved ------------------------------------------------------------------


@pytest.mark.parametrize(
    "renamed",
    [
        lambda at, name: name.rpartition("/")[2],
        lambda at, name: f"some/where/else/{name}",
        lambda at, name: f"IMG_{at:04d}.JPG",
        lambda at, name: f"Copy of {at} ({at}).bin",
        lambda at, name: f"{at}\ud800\n.x",
    ],
    ids=["flattened", "deeper", "pictures", "copies", "odd"],
)
def test_renamed_items_are_found(spread: Spread, renamed: Callable[[int, str], str]) -> None:
    carrier = FaultyCarrier("memory:renamed")
    for at, (name, data) in enumerate([*list(spread.shares.values())[3:9], spread.kit]):
        carrier.items[renamed(at, name)] = data
    carrier.items["holiday.jpg"] = some_bytes(5_000)
    assert spread.gather(carrier) == spread.files


def test_copies_of_one_share_under_many_names_count_once(spread: Spread) -> None:
    carrier = spread.carrier("copies", 0, 1, 2)
    for row in range(3, N):
        carrier.items[spread.shares[row][0]] = spread.shares[row % 3][1]
    with pytest.raises(NotEnough):
        spread.gather(carrier)
    carrier.items["copy.bin"] = spread.shares[7][1]
    carrier.items |= dict([spread.shares[7]])
    assert spread.gather(carrier) == spread.files


# --- one file of many --------------------------------------------------------------------


def test_only_reads_just_the_segments_that_the_file_needs(world: World) -> None:
    world.geometry(4, 12)
    files = {f"{at:02d}.bin": 1_024 * 3 for at in range(20)}
    work = world.work(files, carriers=["one"])
    world.publish(work)
    carrier = world.carriers["one"]
    carrier.forget()
    gathered = world.gather(work, only=["07.bin", "/12.bin"])
    assert tree(gathered.to) == {
        name: (work.root / name).read_bytes() for name in ("07.bin", "12.bin")
    }
    assert gathered.files == 2
    assert carrier.segments_read() == {21, 22, 23, 36, 37, 38}
    heads = 4 * (72 + head_of(carrier, carrier.shares[0]).length)
    kits = sum(len(carrier.items[name]) + 16 for name in carrier.kits)
    assert carrier.bytes_read <= heads + kits + 6 * 4 * 256


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["film/"], {"film/the names.mp4", "film/the names.en.vtt", "film/stills/"}),
        (["*.csv"], {"register/names.csv", "register/名字.csv"}),
        (["journal/empty.md"], {"journal/empty.md"}),
        (["register/*", "!register/names.csv"], {"register/名字.csv"}),
        (["stills"], {"film/stills/"}),
    ],
)
def test_only(spread: Spread, patterns: list[str], expected: set[str]) -> None:
    gathered = spread.gather(spread.carrier("one", *range(N)), only=patterns)
    assert gathered == {name: spread.files[name] for name in expected}


def test_only_without_a_match_says_what_there_is(spread: Spread) -> None:
    with pytest.raises(BadInput, match=r"no file .* matches '\*\.jpg'") as caught:
        spread.gather(spread.carrier("one", *range(N)), only=["*.jpg"])
    for folder in ("film", "register", "journal"):
        assert folder in caught.value.hint


def test_twins_are_read_once(world: World) -> None:
    """The same bytes under several paths: a copy and a hard link, each a line in the index."""
    world.geometry(4, 12)
    work = world.work({"film.mp4": 40_000}, carriers=["one"])
    world.publish(work)
    (work.root / "copies").mkdir()
    shutil.copyfile(work.root / "film.mp4", work.root / "copies/film.mp4")
    (work.root / "linked.mp4").hardlink_to(work.root / "film.mp4")
    world.publish(work)
    carrier = world.carriers["one"]
    carrier.forget()
    gathered = world.gather(work)
    assert tree(gathered.to) == tree(work.root)
    assert len(tree(gathered.to)) == 3
    film = [size for name, at, size in carrier.reads if size == 256 * 4]
    assert sum(film) <= 40_000 + 4 * 1_024


# --- the destination ---------------------------------------------------------------------


def test_other_files_are_never_overwritten(world: World) -> None:
    work = world.work({"film/a.mp4": 3_000, "b.md": 10, "c.md": 20}, carriers=["one"])
    world.publish(work)
    to = world.new_folder()
    write_files(to, {"film/a.mp4": b"mine", "b.md": 10, "own.txt": b"mine too"})
    same = (to / "b.md").stat()
    with pytest.raises(BadInput, match=r"'film/a\.mp4'") as caught:
        world.gather(work, to=to)
    assert "--overwrite" in caught.value.hint
    assert (to / "film/a.mp4").read_bytes() == b"mine"
    gathered = world.gather(work, to=to, overwrite=True)
    assert gathered.already == 1
    assert tree(to) == {**tree(work.root), "own.txt": b"mine too"}
    assert (to / "b.md").stat() == same, "what is right is left alone"


def test_again_reads_nothing(world: World) -> None:
    world.geometry(2, 6)
    work = world.work({"film/a.mp4": 30_000, "e": b"", "f/": b""}, carriers=["one"])
    world.publish(work)
    to = world.new_folder()
    world.gather(work, to=to)
    world.carriers["one"].forget()
    again = world.gather(work, to=to)
    assert again.already == again.files == 3
    assert world.carriers["one"].segments_read() == set()


def test_a_folder_or_file_in_the_way_stays(world: World) -> None:
    work = world.work({"a": 3_000, "b/c": 10}, carriers=["one"])
    world.publish(work)
    for overwrite in (False, True):
        to = world.new_folder()
        write_files(to, {"a/mine.txt": b"mine"})
        with pytest.raises(BadInput):
            world.gather(work, to=to, overwrite=overwrite)
        assert (to / "a/mine.txt").read_bytes() == b"mine"
        to = world.new_folder()
        write_files(to, {"b": b"mine"})
        with pytest.raises(BadInput):
            world.gather(work, to=to, overwrite=overwrite)
        assert (to / "b").read_bytes() == b"mine"


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_link_in_the_destination_leads_out_of_it(
    world: World, tmp_path: Path, overwrite: bool
) -> None:
    work = world.work({"film/a.mp4": 3_000, "b.md": 100, "stills/": b""}, carriers=["one"])
    world.publish(work)
    outside = tmp_path / "outside"
    write_files(outside, {"a.mp4": b"mine", "b.md": b"mine"})
    before = tree(outside)
    for link, target in [
        ("film", outside),
        ("b.md", outside / "b.md"),
        ("b.md", outside / "new"),
        ("stills", outside),
    ]:
        to = world.new_folder()
        to.mkdir()
        (to / link).symlink_to(target)
        try:
            world.gather(work, to=to, overwrite=overwrite)
        except BadInput:
            assert (to / link).is_symlink()
        else:
            assert overwrite
            assert tree(to) == tree(work.root)
            assert not (to / link).is_symlink()
        assert tree(outside) == before


def test_no_link_among_unfinished_files_is_followed(
    world: World, tmp_path: Path, large: Work
) -> None:
    """A destination that others can write to."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"a person's file")
    for target in (precious, tmp_path / "new"):
        to = stopped_in_the_middle(world, large)
        for part in (to / ".outlast-gathering").iterdir():
            part.unlink()
            part.symlink_to(target)
        try:
            world.gather(large, to=to)
        except OutlastError:
            pass
        else:
            assert tree(to) == tree(large.root)
            assert not (to / "film.mp4").is_symlink()
        assert precious.read_bytes() == b"a person's file"
        assert not (tmp_path / "new").exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    to = world.new_folder()
    to.mkdir()
    (to / ".outlast-gathering").symlink_to(elsewhere)
    with pytest.raises(OutlastError):
        world.gather(large, to=to)
    assert list(elsewhere.iterdir()) == []


def stopped_in_the_middle(world: World, work: Work) -> Path:
    """A destination that a first gather left unfinished."""
    to = world.new_folder()
    for carrier in world.carriers.values():
        carrier.fail(on=("read",), after=16)
    with pytest.raises(NotEnough):
        world.gather(work, to=to)
    for carrier in world.carriers.values():
        carrier.heal()
        carrier.forget()
    parts = [each.stat().st_size for each in (to / ".outlast-gathering").iterdir()]
    assert 10_000 < max(parts) < 100_000
    return to


def test_a_gather_goes_on_where_it_stopped(world: World, large: Work) -> None:
    to = stopped_in_the_middle(world, large)
    assert not (to / "film.mp4").exists(), "a name is given when the last byte is proved"
    gathered = world.gather(large, to=to)
    assert tree(to) == tree(large.root)
    assert gathered.files == 2
    read = set().union(*(each.segments_read() for each in world.carriers.values()))
    assert 0 not in read
    assert not (to / ".outlast-gathering").exists()


@pytest.mark.parametrize("harm", ["flipped", "longer", "other bytes", "emptied", "a folder"])
def test_a_damaged_unfinished_file_does_no_harm(world: World, large: Work, harm: str) -> None:
    to = stopped_in_the_middle(world, large)
    for part in (to / ".outlast-gathering").iterdir():
        data = bytearray(part.read_bytes())
        match harm:
            case "flipped" if data:
                data[len(data) // 3] ^= 1
                part.write_bytes(data)
            case "longer":
                part.write_bytes(bytes(200_000))
            case "other bytes":
                part.write_bytes(some_bytes(len(data), "other"))
            case "emptied":
                part.write_bytes(b"")
            case "a folder":
                part.unlink()
                part.mkdir()
    try:
        world.gather(large, to=to)
    except BadInput:
        assert harm == "a folder"
    else:
        assert tree(to) == tree(large.root)


def test_a_part_of_another_edition_is_not_taken_for_this_one(world: World, large: Work) -> None:
    to = stopped_in_the_middle(world, large)
    write_files(large.root, {"film.mp4": some_bytes(100_000, "new")})
    world.publish(large)
    world.gather(large, to=to)
    assert tree(to) == tree(large.root)


def test_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch, large: Work) -> None:
    """Met before the first byte is asked for."""
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6, 1_000))
    for carrier in world.carriers.values():
        carrier.forget()
    with pytest.raises(StorageFull, match="the files need") as caught:
        world.gather(large)
    assert caught.value.hint
    assert not any(carrier.segments_read() for carrier in world.carriers.values())


def test_a_disk_that_fills_up_on_the_way(
    world: World, monkeypatch: pytest.MonkeyPatch, large: Work
) -> None:
    import errno
    import io

    real = io.FileIO
    written = 0

    class Filling(real):  # type: ignore[misc, valid-type]
        def write(self, data: memoryview) -> int:
            nonlocal written
            written += len(data)
            if written > 50_000:
                raise OSError(errno.ENOSPC, "no space left on device")
            return int(super().write(data) or 0)

    to = world.new_folder()
    with monkeypatch.context() as patch:
        patch.setattr(io, "FileIO", Filling)
        with pytest.raises(StorageFull):
            world.gather(large, to=to)
    assert set(tree(to)) <= {"names.csv"}
    world.gather(large, to=to)
    assert tree(to) == tree(large.root)


def test_a_destination_that_may_not_be_written(world: World, large: Work) -> None:
    to = world.new_folder()
    to.mkdir(mode=0o555)
    with permissions_hold(), pytest.raises(BadInput) as caught:
        world.gather(large, to=to)
    assert caught.value.hint
    to = world.new_folder()
    to.write_bytes(b"a file")
    with pytest.raises(BadInput):
        world.gather(large, to=to)


# --- what is told ------------------------------------------------------------------------


def test_progress_reaches_its_end(world: World, large: Work) -> None:
    told: list[Progress] = []
    world.gather(large, report=told.append)
    gathering = [each for each in told if each.stage == "gathering"]
    assert [each.done for each in gathering] == sorted(each.done for each in gathering)
    assert gathering[-1].done == gathering[-1].total == 103_000


def test_the_result_says_what_is_there(world: World, large: Work) -> None:
    gathered = world.gather(large)
    assert (gathered.link, gathered.edition, gathered.files) == (large.link, 1, 2)
    assert (gathered.size, gathered.title, gathered.solo) == (103_000, "The names", True)
    assert not any(each.trouble for each in gathered.carriers)
    assert all(each.reached and each.shares for each in gathered.carriers)


def test_what_is_refused_is_counted(spread: Spread, tmp_path: Path) -> None:
    carrier = spread.carrier("scratched", *range(N))
    name = spread.shares[0][0]
    for segment in (0, 5, 6, 20):
        carrier.damage(name, symbol_at(carrier, name, segment))
    gathered = outlast.gather(spread.link, [carrier], tmp_path / "to")
    (report,) = gathered.carriers
    assert [each.item for each in report.trouble] == [name]
    assert sum(each.times for each in report.trouble) >= 1


# --- bounds ------------------------------------------------------------------------------


def test_many_small_editions_take_few_threads(world: World) -> None:
    """Fifty editions on four carriers: threads don't grow with volumes."""
    world.geometry(1, 4, 64)
    work = world.work({"0.md": 10}, carriers=["a", "b", "c", "d"])
    for at in range(40):
        write_files(work.root, {f"{at}.md": 20 + at})
        world.seal(work)
    outlast.spread(work)
    before = threading.active_count()
    peak = 0

    def watch(_: Progress) -> None:
        nonlocal peak
        peak = max(peak, threading.active_count())

    gathered = world.gather(work, report=watch)
    assert tree(gathered.to) == tree(work.root)
    assert peak - before < 60
