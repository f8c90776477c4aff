"""Seal: a folder's state becomes an edition, at the cost of what is new in it."""

import getpass
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import outlast
from outlast.errors import (
    BadInput,
    Changed,
    OutlastError,
    StorageFull,
    UnsafePath,
    WrongPassphrase,
)
from outlast.format import kit
from outlast.steps import seal as seal_module
from outlast.steps.progress import Progress
from outlast.steps.work import Work
from world import World, permissions_hold, some_bytes, tree, while_reading, write_files

FILES: dict[str, bytes | int] = {
    "film.mp4": 40_000,
    "stills/one.jpg": 20_000,
    "names.csv": 2_000,
    "e.md": b"",
    "empty/": b"",
}


@pytest.fixture
def work(world: World) -> Work:
    world.geometry(4, 12)
    return world.work(FILES, carriers=["one"])


def kits(work: Work) -> list[str]:
    return sorted(path.name for path in (work.root / ".outlast/kits").iterdir())


def all_comes_back(world: World, work: Work) -> None:
    outlast.spread(work)
    assert tree(world.gather(work).to) == tree(work.root)


# --- an edition --------------------------------------------------------------------------


def test_the_first_edition(world: World, work: Work) -> None:
    before = tree(work.root)
    sealed = world.seal(work)
    assert (sealed.edition, sealed.new, sealed.link) == (1, True, work.link)
    assert (sealed.files, sealed.size, sealed.added, sealed.removed) == (5, 62_000, 4, 0)
    assert sealed.coded >= 62_000
    assert tree(work.root) == before
    all_comes_back(world, work)


def test_sealing_costs_no_disk(world: World, work: Work) -> None:
    write_files(work.root, {"film.mp4": 2_000_000})
    world.geometry(32, 96, 64 * 1024)
    world.seal(work)
    state = work.root / ".outlast"
    assert sum(path.stat().st_size for path in state.rglob("*") if path.is_file()) < 60_000


def test_nothing_new_makes_no_edition_and_reads_no_file(world: World, work: Work) -> None:
    world.later()
    world.seal(work)
    before = kits(work)
    opened = world.opened(work)
    again = world.seal(work)
    assert (again.edition, again.new, again.added, again.coded) == (1, False, 0, 0)
    assert opened == []
    assert kits(work) == before
    # Rehashing reads all, and finds the same.
    assert not world.seal(work, rehash=True).new
    assert {"film.mp4", "stills/one.jpg", "names.csv"} <= set(opened)


def test_only_what_is_new_is_read(world: World, work: Work) -> None:
    world.later()
    world.seal(work)
    write_files(work.root, {"post.md": 300})
    opened = world.opened(work)
    sealed = world.seal(work)
    assert opened == ["post.md"]
    assert (sealed.edition, sealed.added) == (2, 1)
    assert sealed.coded < 1_000
    all_comes_back(world, work)


def test_a_touched_file_is_read_and_nothing_more(world: World, work: Work) -> None:
    world.later()
    world.seal(work)
    os.utime(work.root / "film.mp4")
    os.utime(work.root / "names.csv", (1e9, 1e9))
    opened = world.opened(work)
    assert not world.seal(work).new
    assert sorted(opened) == ["film.mp4", "names.csv"]
    opened.clear()
    assert not world.seal(work).new
    assert opened == []


@pytest.mark.parametrize("keep_mtime", [True, False])
@pytest.mark.parametrize("how", ["in place", "replaced"])
def test_an_edit_of_the_same_size_is_noticed_at_once(
    world: World, work: Work, how: str, keep_mtime: bool
) -> None:
    world.seal(work)
    film = work.root / "film.mp4"
    mtime = film.stat().st_mtime_ns
    new = some_bytes(40_000, "edited")
    if how == "in place":
        with film.open("r+b") as file:
            file.write(new)
    else:
        film.with_suffix(".new").write_bytes(new)
        film.with_suffix(".new").replace(film)
    if keep_mtime:
        os.utime(film, ns=(mtime, mtime))
    assert world.seal(work).new
    all_comes_back(world, work)


def test_a_moved_film_costs_a_line(world: World, work: Work) -> None:
    world.publish(work)
    carrier = world.carriers["one"]
    shares = set(carrier.shares)
    (work.root / "final").mkdir()
    (work.root / "film.mp4").rename(work.root / "final/the film.mp4")
    sealed = world.seal(work)
    assert (sealed.new, sealed.added, sealed.removed) == (True, 0, 1)
    assert sealed.coded < 1_000
    outlast.spread(work)
    new = [name for name in carrier.shares if name not in shares]
    assert sum(len(carrier.items[name]) for name in new) < 12 * 6_000
    assert tree(world.gather(work).to) == tree(work.root)


def test_two_films_that_change_places(world: World, work: Work) -> None:
    write_files(work.root, {"b.mp4": some_bytes(40_000, "b")})
    world.later()
    world.publish(work)
    (work.root / "film.mp4").rename(work.root / "x")
    (work.root / "b.mp4").rename(work.root / "film.mp4")
    (work.root / "x").rename(work.root / "b.mp4")
    sealed = world.seal(work)
    assert (sealed.new, sealed.added) == (True, 0)
    all_comes_back(world, work)


def test_frames_unpacked_anew_are_not_taken_for_one_another(world: World, work: Work) -> None:
    """Archives give all files one time; frames have one size; inodes are used again."""
    frames = [work.root / f"frames/{at:02d}.dpx" for at in range(10)]

    def unpack(order: Sequence[int]) -> None:
        shutil.rmtree(work.root / "frames", ignore_errors=True)
        (work.root / "frames").mkdir()
        for at in order:
            frames[at].write_bytes(some_bytes(20_000, at))
            os.utime(frames[at], (1e9, 1e9))

    unpack(range(10))
    world.later()
    world.publish(work)
    unpack(range(9, -1, -1))
    world.seal(work)
    all_comes_back(world, work)


def test_copies_and_hard_links_cost_a_line(world: World, work: Work) -> None:
    world.publish(work)
    shutil.copyfile(work.root / "film.mp4", work.root / "copy.mp4")
    (work.root / "linked.mp4").hardlink_to(work.root / "film.mp4")
    sealed = world.seal(work)
    assert (sealed.new, sealed.added, sealed.coded < 1_000) == (True, 0, True)
    all_comes_back(world, work)
    (work.root / "film.mp4").unlink()
    assert world.seal(work).coded < 1_000
    all_comes_back(world, work)


def test_hard_links_from_the_beginning(world: World, work: Work) -> None:
    (work.root / "linked.mp4").hardlink_to(work.root / "film.mp4")
    write_files(work.root, {"twin.csv": 2_000})
    shutil.copyfile(work.root / "names.csv", work.root / "twin.csv")
    world.publish(work)
    assert tree(world.gather(work).to) == tree(work.root)


def test_removed_and_brought_back(world: World, work: Work) -> None:
    world.publish(work)
    film = (work.root / "film.mp4").read_bytes()
    (work.root / "film.mp4").unlink()
    (work.root / "empty").rmdir()
    sealed = world.seal(work)
    assert (sealed.new, sealed.removed, sealed.added, sealed.coded) == (True, 2, 0, 0)
    all_comes_back(world, work)
    (work.root / "film.mp4").write_bytes(film)
    world.seal(work)
    all_comes_back(world, work)


def test_files_and_folders_take_each_others_place(world: World, work: Work) -> None:
    write_files(work.root, {"a": 100, "b/c": 100, "d/": b"", "f": b""})
    world.publish(work)
    for path in ("a", "f"):
        (work.root / path).unlink()
    shutil.rmtree(work.root / "b")
    (work.root / "d").rmdir()
    write_files(work.root, {"a/x": 50, "b": 60, "d": 70, "f/": b""})
    world.publish(work)
    assert tree(world.gather(work).to) == tree(work.root)


def test_an_empty_folder_alone_and_nothing_at_all(world: World) -> None:
    work = world.work({}, carriers=["one"])
    with pytest.raises(BadInput, match="nothing to seal"):
        world.seal(work)
    (work.root / "later").mkdir()
    world.publish(work)
    assert tree(world.gather(work).to) == {"later/": b""}


def test_a_new_title_is_a_new_edition_without_a_volume(world: World, work: Work) -> None:
    world.seal(work)
    config = work.root / "outlast.toml"
    config.write_text(config.read_text().replace("The names", "The names, second cut"))
    sealed = world.seal(Work(work.root))
    assert (sealed.edition, sealed.new, sealed.coded) == (2, True, 0)
    outlast.spread(work)
    assert world.gather(work).title == "The names, second cut"


def test_private_files_are_never_sealed(world: World, work: Work) -> None:
    write_files(work.root, {"private/sources.txt": b"who told us", ".outlastignore": b"*.tmp\n"})
    write_files(work.root, {"scratch.tmp": b"unfinished", ".DS_Store": b"litter"})
    world.publish(work)
    carrier = world.carriers["one"]
    gathered = tree(world.gather(work).to)
    assert set(gathered) == {
        name for name in tree(work.root) if name[0] != "." and "tmp" not in name
    }
    for data in carrier.items.values():
        for secret in (b"who told us", b"sources.txt", b"unfinished", b"carrier", b"keeper"):
            assert secret not in data


def test_what_is_published_names_no_person_and_no_time(world: World, work: Work) -> None:
    world.publish(work)
    person = [getpass.getuser(), socket.gethostname(), str(Path.home()), str(world.root)]
    person = [name for name in person if len(name) > 3 and name != "root"]
    for data in world.carriers["one"].items.values():
        parts = kit.parse(data) if data[8:9] == b"K" else {}
        for body in parts.values():
            for name in person:
                assert name.encode() not in body
            assert b"T00:00:00Z" in body or b'"expires"' not in body
    (manifest,) = (
        body for name, body in parts_of_newest(work).items() if name.startswith("edition")
    )
    import json

    assert len(json.loads(manifest)["month"]) == 7


def parts_of_newest(work: Work) -> dict[str, bytes]:
    newest = max((work.root / ".outlast/kits").iterdir(), key=lambda path: path.name)
    return kit.parse(newest.read_bytes())


# --- volumes that go ---------------------------------------------------------------------


def test_a_file_edited_before_it_was_spread(world: World, work: Work) -> None:
    """The first edition can't be minted any more; the second doesn't need its volume."""
    world.seal(work)
    write_files(work.root, {"names.csv": 2_500})
    sealed = world.seal(work)
    assert (sealed.edition, sealed.volumes) == (2, 1)
    all_comes_back(world, work)


def test_a_file_edited_after_it_was_spread_keeps_the_volume(world: World, work: Work) -> None:
    world.publish(work)
    first = tree(work.root)
    write_files(work.root, {"names.csv": 2_500})
    sealed = world.seal(work)
    assert (sealed.edition, sealed.volumes) == (2, 2)
    assert sealed.coded < 4_000
    all_comes_back(world, work)
    assert tree(world.gather(work, edition=1).to) == first


def test_moved_and_then_edited_before_it_was_spread(world: World, work: Work) -> None:
    world.seal(work)
    (work.root / "film.mp4").rename(work.root / "moved.mp4")
    world.seal(work)
    write_files(work.root, {"names.csv": 2_500})
    world.seal(work)
    (work.root / "moved.mp4").unlink()
    world.seal(work)
    all_comes_back(world, work)


def test_repack_merges_small_volumes(world: World, work: Work) -> None:
    editions = []
    for at in range(6):
        write_files(work.root, {f"post-{at}.md": 200 + at})
        world.publish(work)
        editions.append(tree(work.root))
    sealed = world.seal(work, repack=True)
    assert (sealed.edition, sealed.new, sealed.volumes) == (7, True, 1)
    all_comes_back(world, work)
    assert not world.seal(work, repack=True).new
    for number, state in enumerate(editions, 1):
        assert tree(world.gather(work, edition=number).to) == state


def test_many_small_volumes_are_said(
    world: World, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal_module, "_MANY_SMALL", 3)
    for at in range(3):
        write_files(work.root, {f"post-{at}.md": 200 + at})
        world.publish(work)
        sealed = world.seal(work)
        assert sealed.small_volumes == (3 if at == 2 else 0)


@pytest.mark.parametrize("rows", [0, -1, 257, 10_000])
def test_rows_outside_the_caps(world: World, work: Work, rows: int) -> None:
    with pytest.raises(BadInput, match="rows"):
        world.seal(work, rows=rows)


def test_rows_for_a_crowd(world: World, work: Work) -> None:
    world.seal(work, rows=256)
    head = work.head()
    (volume,) = head.manifest(1)[0].volumes
    assert (volume.geometry.k, volume.geometry.n) == (4, 256)
    all_comes_back(world, work)


# --- any history -------------------------------------------------------------------------

_NAMES = ["a", "b", "c/x", "c/y", "d/e/f", "g"]
_EDITS = st.tuples(
    st.sampled_from(["write", "large", "empty", "delete", "move", "copy", "folder", "touch"]),
    st.sampled_from(_NAMES),
    st.sampled_from(_NAMES),
)


def edit(root: Path, what: str, name: str, other: str, seed: int) -> None:
    """One thing that people do to their folder, as far as it can be done."""
    path, second = root / name, root / other
    in_the_way = [
        p for p in (path, *path.parents) if p != root and root in p.parents and p.is_file()
    ]
    match what:
        case "delete":
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        case "touch" if path.is_file():
            os.utime(path, (seed, seed))
        case "move" | "copy" if path.is_file() and not second.exists():
            if not any(parent.is_file() for parent in second.parents):
                second.parent.mkdir(parents=True, exist_ok=True)
                (shutil.move if what == "move" else shutil.copy2)(path, second)
        case "folder" if not path.exists() and not in_the_way:
            path.mkdir(parents=True)
        case "write" | "large" | "empty" if not path.is_dir():
            if not [each for each in in_the_way if each != path]:
                size = {"write": 100 + seed % 50, "large": 20_000, "empty": 0}[what]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(some_bytes(size, seed))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rounds=st.lists(
        st.tuples(st.lists(_EDITS, min_size=1, max_size=5), st.booleans(), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_any_history_comes_back_edition_by_edition(
    world: World, rounds: list[tuple[list[tuple[str, str, str]], bool, bool]]
) -> None:
    """Edits of every kind, some editions never spread, some repacked."""
    world.geometry(2, 4)
    name = f"work-{world.new_folder().name}"
    work = world.work({"keep.md": 50}, name=name)
    carrier = world.add(work, name)
    spread: dict[int, dict[str, bytes]] = {}
    for number, (edits, is_spread, repack) in enumerate(rounds):
        for at, (what, one, other) in enumerate(edits):
            edit(work.root, what, one, other, 1_000 * number + at)
        state = tree(work.root)
        sealed = world.seal(work, repack=repack)
        assert not world.seal(work).new
        if is_spread:
            outlast.spread(work)
            spread[sealed.edition] = state
    outlast.spread(work)
    assert tree(world.gather(work, [carrier]).to) == tree(work.root)
    for number, state in spread.items():
        assert tree(world.gather(work, [carrier], edition=number).to) == state


# --- a folder that changes meanwhile -----------------------------------------------------


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 1_500)


def rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(30_000)
        file.write(b"another")


def remove(path: Path) -> None:
    path.unlink()
    path.write_bytes(some_bytes(40_000, "another"))


@pytest.mark.parametrize("change", [grow, shrink, rewrite])
@pytest.mark.parametrize("known", [False, True])
def test_a_file_that_changes_while_it_is_read(
    world: World,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    known: bool,
) -> None:
    film = work.root / "film.mp4"
    if known:
        world.publish(work)
        os.utime(film)
    before = kits(work)
    with monkeypatch.context() as patch:
        while_reading(patch, film, lambda: change(film), after=2)
        with pytest.raises(Changed, match=r"'film\.mp4' changed") as caught:
            world.seal(work)
    assert caught.value.hint
    assert kits(work) == before, "no edition of a state that never was"
    world.seal(work)
    all_comes_back(world, work)


@pytest.mark.parametrize("change", [grow, remove, Path.unlink])
def test_a_file_that_changes_after_the_scan(
    world: World,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
) -> None:
    film = work.root / "film.mp4"
    scan = seal_module.scan

    def slow_scan(root: Path) -> object:
        found = scan(root)
        change(film)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(seal_module, "scan", slow_scan)
        with pytest.raises(Changed, match=r"'film\.mp4'"):
            world.seal(work)
    assert len(kits(work)) == 1
    world.seal(work)
    all_comes_back(world, work)


def test_a_file_that_may_not_be_read_is_named(world: World, work: Work) -> None:
    (work.root / "names.csv").chmod(0)
    with permissions_hold(), pytest.raises(BadInput, match=r"names\.csv.*can't be read") as caught:
        world.seal(work)
    assert caught.value.hint
    assert len(kits(work)) == 1


def test_a_path_that_can_not_be_sealed(world: World, work: Work) -> None:
    write_files(work.root, {"Names.csv": 10})
    with pytest.raises(UnsafePath, match=r"[Nn]ames\.csv"):
        world.seal(work)
    (work.root / "Names.csv").unlink()
    (work.root / "link").symlink_to("film.mp4")
    with pytest.raises(BadInput, match="'link' is a symbolic link"):
        world.seal(work)
    assert len(kits(work)) == 1


def test_a_full_disk_makes_no_edition(
    world: World, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    world.publish(work)
    write_files(work.root, {"names.csv": 2_400})
    before = kits(work)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    for name in ("fsync", "pwrite"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(StorageFull) as caught:
                world.seal(work)
            assert caught.value.hint
    assert kits(work) == before
    assert world.seal(work).edition == 2
    all_comes_back(world, work)


# --- history, keys, caches ---------------------------------------------------------------


def test_a_lost_history_refuses_to_sign(world: World, work: Work, tmp_path: Path) -> None:
    world.publish(work)
    write_files(work.root, {"post.md": 100})
    world.publish(work)
    folder = work.root / ".outlast/kits"
    shutil.copytree(folder, tmp_path / "kits")
    newest = max(folder.iterdir(), key=lambda path: path.name)
    data = newest.read_bytes()

    def harms() -> list[Callable[[], object]]:
        return [
            newest.unlink,
            lambda: newest.write_bytes(data[:-100]),
            lambda: newest.write_bytes(b""),
            lambda: shutil.rmtree(folder),
            lambda: [path.unlink() for path in folder.iterdir()],
        ]

    for harm in harms():
        harm()
        with pytest.raises(BadInput, match="history") as caught:
            world.seal(work)
        assert ".outlast/kits" in caught.value.hint
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "kits", folder)
    # The kits of a carrier bring it back, as the hint says.
    shutil.rmtree(folder)
    folder.mkdir()
    for name, body in world.carriers["one"].items.items():
        if name.endswith(".kit"):
            (folder / name.rpartition("/")[2]).write_bytes(body)
    write_files(work.root, {"more.md": 100})
    assert world.seal(work).edition == 3
    all_comes_back(world, work)


def test_a_lost_index_says_where_to_get_it(world: World, work: Work) -> None:
    world.publish(work)
    for path in (work.root / ".outlast/indexes").iterdir():
        path.unlink()
    write_files(work.root, {"post.md": 100})
    with pytest.raises(BadInput, match="missing or damaged") as caught:
        world.seal(work)
    assert caught.value.hint


def known_db(harm: str, path: Path) -> None:
    match harm:
        case "lost":
            path.unlink()
        case "junk":
            path.write_bytes(b"junk" * 1_000)
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:5_000])
        case "a folder":
            path.unlink()
            path.mkdir()
        case _:
            path.unlink()
            with sqlite3.connect(path) as db:
                db.execute(harm)
            db.close()


DAMAGED_CACHES = [
    *["lost", "junk", "empty", "cut", "a folder"],
    "CREATE TABLE known (path, size)",
    "CREATE TABLE other (path)",
    "CREATE VIEW known AS SELECT 1 AS path",
]


@pytest.mark.parametrize("harm", DAMAGED_CACHES)
def test_a_damaged_cache_costs_reading_and_nothing_else(
    world: World, work: Work, harm: str
) -> None:
    world.later()
    world.seal(work)
    known_db(harm, work.root / ".outlast/known.db")
    assert not world.seal(work).new
    write_files(work.root, {"post.md": 100})
    assert world.seal(work).edition == 2
    all_comes_back(world, work)


@pytest.mark.parametrize("column", ["size", "mtime", "inode", "hash", "sure", "path"])
@pytest.mark.parametrize("value", [None, "text", 1.5, b"\xff"])
def test_odd_values_in_the_cache_do_no_harm(
    world: World, work: Work, column: str, value: object
) -> None:
    world.later()
    world.seal(work)
    with sqlite3.connect(work.root / ".outlast/known.db") as db:
        db.execute(f"UPDATE known SET {column} = ? WHERE path = 'film.mp4'", (value,))
    db.close()
    assert not world.seal(work).new
    all_comes_back(world, work)


def test_a_cache_that_can_not_be_written_stops_nothing(world: World, work: Work) -> None:
    world.seal(work)
    (work.root / ".outlast/known.db").chmod(0o400)
    write_files(work.root, {"post.md": 100})
    with permissions_hold():
        assert world.seal(work).edition == 2
    all_comes_back(world, work)


def test_passphrases(world: World, tmp_path: Path) -> None:
    root = tmp_path / "guarded"
    write_files(root, {"a.md": 100})
    work = Work.create(root, title="T", languages=("en",), passphrase="right")
    with pytest.raises(WrongPassphrase) as caught:
        outlast.seal(work, lambda: "wrong")
    assert caught.value.hint
    assert outlast.seal(work, lambda: "right").edition == 1
    folder = next((tmp_path / "home/keys").iterdir())
    shutil.move(folder / "author.age", tmp_path)
    with pytest.raises(BadInput, match="author key"):
        outlast.seal(work, lambda: "right")


def test_keys_are_for_their_owner_only(world: World, work: Work) -> None:
    private = [path for path in (world.root / "home").rglob("*") if path.suffix in (".age", ".key")]
    assert len(private) == 2
    for path in private:
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
    found = [path for path in work.root.rglob("*") if path.suffix in (".age", ".key")]
    assert found == []


def test_a_work_is_made_once(world: World, work: Work) -> None:
    before = (work.root / "outlast.toml").read_bytes()
    with pytest.raises(BadInput, match="already"):
        Work.create(work.root, title="Again", languages=("en",), passphrase=None)
    assert (work.root / "outlast.toml").read_bytes() == before


def test_progress(world: World, work: Work) -> None:
    told: list[Progress] = []
    outlast.seal(work, lambda: "", report=told.append)
    sealing = [each for each in told if each.stage == "sealing"]
    assert sealing[-1].done == sealing[-1].total == 62_000
    assert [each.done for each in sealing] == sorted(each.done for each in sealing)


def test_any_error_is_one_of_ours(
    world: World, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in the middle of reading."""
    film = work.root / "film.mp4"

    def fail() -> None:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        while_reading(patch, film, fail, after=3)
        with pytest.raises(OutlastError, match=r"film\.mp4.*can't be read"):
            world.seal(work)
    assert len(kits(work)) == 1
