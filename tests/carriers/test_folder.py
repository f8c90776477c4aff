"""What a folder, a stick, a disk adds to the contract."""

import contextlib
import errno
import io
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast.carriers import normal_address, open_carrier
from outlast.carriers.folder import FolderCarrier
from outlast.errors import BadInput, CarrierError, Full, Missing, Refused, Unreachable
from world import permissions_hold, some_bytes


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.fixture
def carrier(stick: Path) -> Iterator[FolderCarrier]:
    made = FolderCarrier(str(stick), keeper="anna")
    yield made
    made.close()


def files(folder: Path) -> list[str]:
    """All that lies below a folder, pending files too."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def names(carrier: FolderCarrier) -> list[str]:
    return sorted(held.name for held in carrier.list())


def everything(carrier: FolderCarrier, name: str) -> dict[str, Callable[[], object]]:
    return {
        "create": lambda: carrier.create(name).abort(),
        "put": lambda: carrier.put(name, b"x"),
        "readinto": lambda: carrier.readinto(name, 0, memoryview(bytearray(1))),
        "get": lambda: list(carrier.get(name)),
        "list": lambda: list(carrier.list()),
        "drop": lambda: carrier.drop(name),
    }


# --- whole or not at all -----------------------------------------------------------------


def test_a_file_being_written_is_not_listed(carrier: FolderCarrier, stick: Path) -> None:
    with carrier.create("w/item.share") as sink:
        sink.write(memoryview(bytes(1000)))
        assert len(files(stick)) == 1, "it is written beside its name"
        assert names(carrier) == []
        assert carrier.look("w/item.share").present is False
        with pytest.raises(Missing):
            list(carrier.get("w/item.share"))
        sink.commit()
    assert files(stick) == ["w/item.share"]


KILLED = """
import os, signal, sys
from outlast.carriers.folder import FolderCarrier
where, moment = sys.argv[1:]
def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
if moment == "replace":
    os.replace = os.rename = kill
if moment == "fsync":
    os.fsync = kill
carrier = FolderCarrier(where, keeper="anna")
with carrier.create("w/item.share") as sink:
    for _ in range(10):
        sink.write(memoryview(bytes(10_000)))
    if moment == "write":
        kill()
    sink.commit()
print("not killed")
"""


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_kill_leaves_no_item_under_its_name(
    carrier: FolderCarrier, stick: Path, moment: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(stick), moment], capture_output=True, check=False
    )
    assert run.returncode == -signal.SIGKILL, run
    assert names(carrier) == []
    assert not (stick / "w/item.share").exists()
    carrier.put("w/item.share", b"the next try")
    assert b"".join(carrier.get("w/item.share")) == b"the next try"
    assert names(carrier) == ["w/item.share"]


def test_bytes_are_on_the_medium_before_the_name_is(
    carrier: FolderCarrier, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Logged(io.FileIO):
        def write(self, data: Any) -> int:
            done.append("write")
            return super().write(data) or 0

    real_fsync, real_replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        done.append("flush folder" if os.path.isdir(f"/dev/fd/{handle}/.") else "flush")  # noqa: PTH112
        real_fsync(handle)

    def replace(*paths: Any, **options: Any) -> None:
        done.append("rename")
        real_replace(*paths, **options)

    monkeypatch.setattr(io, "FileIO", Logged)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "rename", replace)
    carrier.put("w/item", b"text")
    assert done[:3] == ["write", "flush", "rename"]
    assert done[3:], "the folder is flushed too, or a pulled stick loses the name"


# --- links, and what is no file ----------------------------------------------------------


def test_links_are_not_followed(carrier: FolderCarrier, stick: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"a person's file")
    (stick / "link").symlink_to(outside / "secret")
    (stick / "folder").symlink_to(outside)
    (stick / "w").mkdir()
    (stick / "w/loop").symlink_to(stick / "w")
    (stick / "w/dangling").symlink_to(outside / "nothing")
    assert names(carrier) == []
    for name in ("link", "folder/secret", "w/loop/item", "w/dangling"):
        with pytest.raises(CarrierError):
            carrier.readinto(name, 0, memoryview(bytearray(1)))
        assert carrier.look(name).present is not True, name
    for name in ("folder/item", "w/loop/item"):
        with pytest.raises(CarrierError):
            carrier.put(name, b"shares")
    with pytest.raises(CarrierError):
        carrier.drop("folder/secret")
    assert files(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == b"a person's file"


def test_no_link_under_any_name_leads_a_write_elsewhere(
    carrier: FolderCarrier, stick: Path, tmp_path: Path
) -> None:
    """A stick comes back from a stranger, who knows what the next spread will write."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"a person's file")
    with carrier.create("w/item") as sink:
        pending = [name for name in files(stick) if name != "w/item"]
        sink.commit()
    carrier.drop("w/item")
    for name in [*pending, "w/item", "w/.outlast-pending-item"]:
        (stick / name).unlink(missing_ok=True)
        (stick / name).symlink_to(precious)
    with contextlib.suppress(CarrierError):
        carrier.put("w/item", b"shares")
    (stick / "w/item").unlink(missing_ok=True)
    carrier.put("w/item", b"shares")
    assert precious.read_bytes() == b"a person's file"
    assert (stick / "w/item").read_bytes() == b"shares"


def test_only_files_are_listed(carrier: FolderCarrier, stick: Path) -> None:
    os.mkfifo(stick / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(stick)  # a socket's path may have 100 bytes
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    (stick / "empty").mkdir()
    carrier.put("w/item", b"x")
    assert names(carrier) == ["w/item"]


def test_foreign_names_are_listed_and_read(carrier: FolderCarrier, stick: Path) -> None:
    """What a file manager made of an item: renamed, moved, in a folder with a strange name."""
    strange = ["Copy of item (2).share", "名字/item.share", "a\nb/c", "deep/" * 20 + "item"]
    strange.append(os.fsdecode(b"not utf-8 \xff\xfe/item"))
    for name in strange:
        (stick / name).parent.mkdir(parents=True, exist_ok=True)
        (stick / name).write_bytes(b"text")
    assert names(carrier) == sorted(strange)
    for name in strange:
        assert b"".join(carrier.get(name)) == b"text"


# --- a stick that isn't there ------------------------------------------------------------


@pytest.mark.parametrize("what", ["create", "put", "readinto", "get", "list", "drop"])
@pytest.mark.parametrize("instead", ["nothing", "a file"])
def test_an_unplugged_stick_is_unreachable_and_is_not_made(
    tmp_path: Path, what: str, instead: str
) -> None:
    place = tmp_path / "media" / "anna"
    if instead == "a file":
        place.parent.mkdir()
        place.write_bytes(b"")
    carrier = FolderCarrier(str(place), keeper="anna")
    with pytest.raises(Unreachable):
        everything(carrier, "w/item")[what]()
    assert carrier.look("w/item").present is None
    assert place.parent.exists() == (instead == "a file")


def test_a_stick_pulled_in_the_middle_is_unreachable(carrier: FolderCarrier, stick: Path) -> None:
    carrier.put("w/item", b"text")
    carrier.put("w/other", b"text")
    assert b"".join(carrier.get("w/item")) == b"text"
    shutil.rmtree(stick)
    with pytest.raises(Unreachable):
        list(carrier.get("w/other"))
    with pytest.raises(Unreachable):
        list(carrier.list())


# --- full, read-only, unreadable ---------------------------------------------------------


@pytest.fixture
def tiny_disk(stick: Path) -> Iterator[Path]:
    """A disk of 64 kB, where we may mount one."""
    mount = shutil.which("mount")
    mounted = mount and os.geteuid() == 0 and sys.platform.startswith("linux")
    if (
        not mounted
        or subprocess.run(
            [str(mount), "-t", "tmpfs", "-o", "size=64k", "none", str(stick)],
            capture_output=True,
            check=False,
        ).returncode
    ):
        pytest.skip("a small disk can't be mounted here")
    yield stick
    subprocess.run(["umount", "-l", str(stick)], check=True)


def test_a_full_disk_takes_nothing_and_keeps_what_it_had(
    tiny_disk: Path, carrier: FolderCarrier
) -> None:
    small = some_bytes(10_000)
    carrier.put("w/small", small)
    with pytest.raises(Full, match="w/large") as caught:
        carrier.put("w/large", bytes(100_000))
    assert caught.value.hint
    assert files(tiny_disk) == ["w/small"]
    assert b"".join(carrier.get("w/small")) == small
    with pytest.raises(Full):
        carrier.put("w/small", bytes(100_000))
    assert b"".join(carrier.get("w/small")) == small
    carrier.put("w/second", bytes(10_000))


def test_a_disk_that_takes_no_larger_files_is_full(carrier: FolderCarrier, stick: Path) -> None:
    """A FAT stick takes files up to 4 GiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(Full):
            carrier.put("w/large", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(stick) == []


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_failure_at_the_last_moment_leaves_nothing(
    carrier: FolderCarrier, stick: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Network file systems say only at the end that there was no room."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, at, fail)
        if at == "replace":
            patch.setattr(os, "rename", fail)
        with pytest.raises(Full):
            carrier.put("w/item", b"text")
    assert files(stick) == []


def test_a_read_only_folder_refuses(carrier: FolderCarrier, stick: Path) -> None:
    carrier.put("w/item", b"text")
    for folder in (stick / "w", stick):
        folder.chmod(0o555)
    try:
        with permissions_hold():
            for name in ("w/item", "w/new", "other/new"):
                with pytest.raises(Refused) as caught:
                    carrier.put(name, b"x")
                assert caught.value.hint
            with pytest.raises(Refused):
                carrier.drop("w/item")
            assert b"".join(carrier.get("w/item")) == b"text"
            assert names(carrier) == ["w/item"]
    finally:
        for folder in (stick, stick / "w"):
            folder.chmod(0o755)


def test_a_file_that_may_not_be_read_is_refused(carrier: FolderCarrier, stick: Path) -> None:
    carrier.put("w/item", b"text")
    (stick / "w/item").chmod(0)
    with permissions_hold(), pytest.raises(Refused):
        list(carrier.get("w/item"))


def test_a_folder_that_may_not_be_read_hides_only_itself(
    carrier: FolderCarrier, stick: Path
) -> None:
    """Every ext4 stick has a `lost+found` that only root may read."""
    carrier.put("w/item", b"text")
    (stick / "lost+found").mkdir(mode=0)
    with permissions_hold():
        assert names(carrier) == ["w/item"]


def test_a_root_that_may_not_be_read_is_refused(carrier: FolderCarrier, stick: Path) -> None:
    carrier.put("w/item", b"text")
    stick.chmod(0)
    try:
        with permissions_hold(), pytest.raises(Refused):
            list(carrier.list())
    finally:
        stick.chmod(0o755)


def test_what_goes_away_during_a_listing_is_left_out(carrier: FolderCarrier, stick: Path) -> None:
    for at in range(20):
        carrier.put(f"w{at}/item", b"text")
    listed = carrier.list()
    first = next(listed)
    for at in range(20):
        if f"w{at}/item" != first.name:
            shutil.rmtree(stick / f"w{at}")
    assert list(listed) == []


# --- open files --------------------------------------------------------------------------


def test_many_items_take_few_open_files(carrier: FolderCarrier) -> None:
    """macOS lets a program have 256 open files."""
    for at in range(300):
        (Path(carrier.address) / f"item-{at}").write_bytes(b"text")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 40, before[1]))  # noqa: PTH208
    try:
        for at in range(300):
            assert b"".join(carrier.get(f"item-{at}")) == b"text"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_close_lets_go_of_all_files(carrier: FolderCarrier) -> None:
    def ours() -> int:
        links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return sum(str(each.readlink()).startswith(carrier.address) for each in links)

    if not Path("/proc/self/fd").exists():
        pytest.skip("open files can't be listed here")
    for at in range(10):
        carrier.put(f"w/item-{at}", b"text")
        assert b"".join(carrier.get(f"w/item-{at}")) == b"text"
    readers = [threading.Thread(target=lambda: list(carrier.get("w/item-1"))) for _ in range(8)]
    for each in readers:
        each.start()
    for each in readers:
        each.join()
    carrier.close()
    assert ours() == 0


# --- addresses ---------------------------------------------------------------------------


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert normal_address("stick") == str(tmp_path / "stick")
    assert normal_address("~/stick") == str(tmp_path / "home/stick")
    assert normal_address("/media/anna") == "/media/anna"
    (tmp_path / "odd:name").mkdir()
    assert normal_address("odd:name") == str(tmp_path / "odd:name")
    with contextlib.closing(open_carrier("stick")) as opened:
        assert (opened.address, opened.traits.keeper) == (str(tmp_path / "stick"),) * 2
    for unknown in ("s3://bucket/x", "ftp://host", "webdav:x", ""):
        with pytest.raises(BadInput):
            open_carrier(unknown)
