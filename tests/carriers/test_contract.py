"""What every kind of carrier promises. A new kind needs one line in `KINDS`."""

import errno
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from outlast.carriers.base import CHUNK, Carrier, Glimpse, Held, Sink
from outlast.carriers.folder import FolderCarrier
from outlast.carriers.memory import MemoryCarrier
from outlast.errors import (
    BadInput,
    CarrierError,
    Full,
    Malformed,
    Missing,
    OutlastError,
    Refused,
    Truncated,
    Unreachable,
)
from world import some_bytes


def folder(tmp_path: Path) -> Carrier:
    (tmp_path / "stick").mkdir()
    return FolderCarrier(str(tmp_path / "stick"), keeper="anna")


def memory(tmp_path: Path) -> Carrier:
    return MemoryCarrier("memory:one", keeper="anna")


KINDS = {"folder": folder, "memory": memory}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carrier]:
    made: Carrier = request.param(tmp_path)
    yield made
    made.close()


def write_and_raise(carrier: Carrier, error: BaseException) -> None:
    """Begin an item, and be stopped."""
    with carrier.create("w/item") as sink:
        sink.write(memoryview(b"half of"))
        raise error


def whole(carrier: Carrier, name: str) -> bytes:
    return b"".join(carrier.get(name))


def listing(carrier: Carrier) -> dict[str, int]:
    held = list(carrier.list())
    assert len({each.name for each in held}) == len(held)
    return {each.name: each.size for each in held}


# --- writing and reading -----------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 64, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 77])
def test_what_is_put_comes_back(carrier: Carrier, size: int) -> None:
    data = some_bytes(size)
    carrier.put("work/item.share", data)
    assert whole(carrier, "work/item.share") == data
    assert listing(carrier) == {"work/item.share": size}


def test_names_keep_apart(carrier: Carrier) -> None:
    names = ["a", "b", "w/a", "w/b", "w/x/y/z", "A-b_c.9", "w/" + "n" * 128]
    for name in names:
        carrier.put(name, name.encode())
    assert listing(carrier) == {name: len(name) for name in names}
    for name in names:
        assert whole(carrier, name) == name.encode()


def test_a_sink_takes_any_pieces(carrier: Carrier) -> None:
    data = some_bytes(300_000)
    cuts = [0, 0, 1, 63, 64, 65_536, 65_537, 65_537, 200_000, len(data)]
    with carrier.create("w/item") as sink:
        for low, high in pairwise(cuts):
            sink.write(memoryview(data)[low:high])
        assert listing(carrier) == {}, "an item appears at its commit"
        sink.commit()
    assert whole(carrier, "w/item") == data


def test_ranges(carrier: Carrier) -> None:
    data = some_bytes(10_000)
    carrier.put("w/item", data)
    for start, length in [(0, 0), (0, 1), (0, 10_000), (9_999, 1), (10_000, 0), (4_321, 1_234)]:
        assert b"".join(carrier.get("w/item", start, length)) == data[start : start + length]
        buffer = bytearray(length)
        carrier.readinto("w/item", start, memoryview(buffer))
        assert buffer == data[start : start + length]
    for start in (0, 1, 9_999, 10_000, 10_001, 99_999):
        assert b"".join(carrier.get("w/item", start)) == data[start:]


@pytest.mark.parametrize(("start", "length"), [(0, 101), (50, 51), (100, 1), (5_000, 1)])
def test_a_read_beyond_the_end_is_truncated(carrier: Carrier, start: int, length: int) -> None:
    carrier.put("w/item", bytes(100))
    with pytest.raises(Truncated, match=r"w/item .* ends at byte"):
        carrier.readinto("w/item", start, memoryview(bytearray(length)))
    with pytest.raises(Truncated, match=r"w/item .* ends at byte"):
        list(carrier.get("w/item", start, length))


def test_a_truncated_read_gives_what_there_is(carrier: Carrier) -> None:
    data = some_bytes(CHUNK + 100)
    carrier.put("w/item", data)
    got: list[bytes] = []
    with pytest.raises(Truncated):
        got.extend(carrier.get("w/item", 0, CHUNK + 200))
    assert b"".join(got) == data


@pytest.mark.parametrize("later", [b"", b"short", b"another text", bytes(100_000)])
def test_a_replaced_item_is_the_new_one(carrier: Carrier, later: bytes) -> None:
    carrier.put("w/item", b"the first text")
    assert whole(carrier, "w/item") == b"the first text"
    carrier.put("w/item", later)
    assert whole(carrier, "w/item") == later
    assert listing(carrier) == {"w/item": len(later)}
    assert carrier.look("w/item").size == len(later)


def test_an_item_written_again_after_a_drop_is_the_new_one(carrier: Carrier) -> None:
    carrier.put("w/item", b"the first text")
    assert whole(carrier, "w/item") == b"the first text"
    carrier.drop("w/item")
    carrier.put("w/item", b"the second")
    assert whole(carrier, "w/item") == b"the second"


# --- all or nothing ----------------------------------------------------------------------


@pytest.mark.parametrize("written", [0, 1, 100_000])
def test_abort_leaves_nothing(carrier: Carrier, written: int) -> None:
    sink = carrier.create("w/item")
    sink.write(memoryview(bytes(written)))
    sink.abort()
    assert listing(carrier) == {}
    assert carrier.look("w/item").present is False
    sink.abort()  # once more does no harm


def test_a_sink_left_without_commit_leaves_nothing(carrier: Carrier) -> None:
    with carrier.create("w/item") as sink:
        sink.write(memoryview(b"half of"))
    assert listing(carrier) == {}
    with pytest.raises(ZeroDivisionError):
        write_and_raise(carrier, ZeroDivisionError())
    assert listing(carrier) == {}


def test_abort_keeps_what_was_there(carrier: Carrier) -> None:
    carrier.put("w/item", b"the first text")
    with carrier.create("w/item") as sink:
        sink.write(memoryview(b"half of the sec"))
    assert listing(carrier) == {"w/item": 14}
    assert whole(carrier, "w/item") == b"the first text"


def test_abort_after_commit_takes_nothing_back(carrier: Carrier) -> None:
    with carrier.create("w/item") as sink:
        sink.write(memoryview(b"text"))
        sink.commit()
        sink.abort()
    assert whole(carrier, "w/item") == b"text"


def test_two_sinks_of_one_name_each_commit_whole(carrier: Carrier) -> None:
    with carrier.create("w/item") as first, carrier.create("w/item") as second:
        first.write(memoryview(b"1111"))
        second.write(memoryview(b"22"))
        first.write(memoryview(b"1111"))
        second.write(memoryview(b"22"))
        first.commit()
        assert whole(carrier, "w/item") == b"11111111"
        second.commit()
    assert whole(carrier, "w/item") == b"2222"
    assert listing(carrier) == {"w/item": 4}


def test_an_item_too_large_for_the_carrier_leaves_nothing(carrier: Carrier) -> None:
    carrier.traits = replace(carrier.traits, largest=1000)
    carrier.put("w/fits", bytes(1000))
    with pytest.raises(Full, match="1000"):
        carrier.put("w/item", bytes(1001))
    with carrier.create("w/item") as sink:
        sink.write(memoryview(bytes(600)))
        with pytest.raises(Full):
            sink.write(memoryview(bytes(401)))
    assert listing(carrier) == {"w/fits": 1000}


# --- names -------------------------------------------------------------------------------

HOSTILE = [
    *["", ".", "..", "/", "/etc/passwd", "../x", "a/../b", "a/..", "a//b", "a/", "./a", "a/./b"],
    *["a\\b", "C:a", "a b", "-x", ".hidden", "a/.hidden", "~", "x\0", "x\n", "\x1b[2J", "a\u202eb"],
    *["名字", "x" * 129, "a/b/c/d/e", "a..b", "\udcff", "*", "a?b", "a:b"],
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_that_not_every_carrier_can_hold_are_refused(carrier: Carrier, name: str) -> None:
    for attempt in (
        lambda: carrier.create(name),
        lambda: carrier.put(name, b"x"),
        lambda: carrier.drop(name),
    ):
        with pytest.raises(BadInput):
            attempt()
    assert listing(carrier) == {}


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "..", "a/.."])
def test_nothing_outside_the_carrier_is_read(carrier: Carrier, name: str) -> None:
    for attempt in (
        lambda: carrier.readinto(name, 0, memoryview(bytearray(1))),
        lambda: list(carrier.get(name)),
        lambda: carrier.look(name),
    ):
        with pytest.raises(BadInput):
            attempt()


# --- looking, dropping, missing ----------------------------------------------------------


def test_look_and_drop(carrier: Carrier) -> None:
    assert carrier.look("w/item") == Glimpse(name="w/item", present=False)
    carrier.put("w/item", b"text")
    carrier.put("w/other", b"other")
    seen = carrier.look("w/item")
    assert (seen.name, seen.present, seen.size) == ("w/item", True, 4)
    assert whole(carrier, "w/item") == b"text"
    carrier.drop("w/item")
    assert carrier.look("w/item").present is False
    assert listing(carrier) == {"w/other": 5}
    with pytest.raises(Missing):
        list(carrier.get("w/item"))


def test_what_is_not_there_is_missing(carrier: Carrier) -> None:
    carrier.put("w/item", b"text")
    for name in ("w/other", "other/item", "w/item/below"):
        for attempt in (
            lambda name=name: carrier.readinto(name, 0, memoryview(bytearray(1))),
            lambda name=name: list(carrier.get(name)),
            lambda name=name: carrier.drop(name),
        ):
            with pytest.raises(Missing, match=name):
                attempt()
        assert carrier.look(name).present is False


def test_an_empty_carrier_lists_nothing(carrier: Carrier) -> None:
    assert list(carrier.list()) == []


def test_traits(carrier: Carrier) -> None:
    assert carrier.traits.keeper == "anna"
    assert carrier.address
    assert carrier.traits.lanes >= 1


# --- several threads ---------------------------------------------------------------------


def test_several_threads_read_at_once(carrier: Carrier) -> None:
    data = {f"w/item-{at}": some_bytes(200_000, at) for at in range(3)}
    for name, body in data.items():
        carrier.put(name, body)

    def read(seed: int) -> int:
        chance = random.Random(seed)
        for _ in range(60):
            name = chance.choice(list(data))
            start = chance.randrange(200_000)
            buffer = bytearray(chance.randrange(min(70_000, 200_001 - start)))
            carrier.readinto(name, start, memoryview(buffer))
            assert buffer == data[name][start : start + len(buffer)]
        return seed

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(read, range(8))) == list(range(8))


def test_several_threads_write_at_once(carrier: Carrier) -> None:
    together = threading.Barrier(6)

    def write(at: int) -> None:
        with carrier.create(f"w/item-{at}") as sink:
            together.wait(30)
            for _ in range(20):
                sink.write(memoryview(bytes([at]) * 1000))
            sink.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    for at in range(6):
        assert whole(carrier, f"w/item-{at}") == bytes([at]) * 20_000


def test_a_reader_meets_the_old_item_or_the_new_one_whole(carrier: Carrier) -> None:
    """Items are replaced while others read: never a mixture."""
    carrier.put("w/item", bytes([0]) * 50_000)
    ended = threading.Event()

    def replace_it() -> None:
        for at in range(1, 30):
            carrier.put("w/item", bytes([at]) * 50_000)
        ended.set()

    with ThreadPoolExecutor(3) as pool:
        writing = pool.submit(replace_it)
        while not ended.is_set():
            buffer = bytearray(50_000)
            carrier.readinto("w/item", 0, memoryview(buffer))
            assert len(set(buffer)) == 1
        writing.result()
    assert whole(carrier, "w/item") == bytes([29]) * 50_000


# --- foreign exceptions ------------------------------------------------------------------

MAPPED = {
    "ENOENT": Missing,
    "ENOTDIR": Missing,
    "ENOSPC": Full,
    "EDQUOT": Full,
    "EFBIG": Full,
    "EACCES": Refused,
    "EPERM": Refused,
    "EROFS": Refused,
}


def foreign() -> dict[str, tuple[Exception, type[CarrierError]]]:
    """What a kind of carrier may raise, and what must come of it."""
    cases: dict[str, tuple[Exception, type[CarrierError]]] = {}
    for number, name in errno.errorcode.items():
        cases[name] = (OSError(number, name.lower()), MAPPED.get(name, Unreachable))
    cases["no errno"] = (OSError("something"), Unreachable)
    cases["timeout"] = (TimeoutError(), Unreachable)
    for each in (ValueError("x"), KeyError("x"), RuntimeError(), MemoryError(), EOFError()):
        cases[type(each).__name__] = (each, Unreachable)
    for kind in (Full, Refused, Truncated, Missing, Unreachable):
        cases[f"own {kind.__name__}"] = (kind("our own"), kind)
    return cases


class Failing(MemoryCarrier):
    """Raises one exception wherever it is asked."""

    def __init__(self, error: Exception) -> None:
        super().__init__("memory:failing")
        self.error = error
        self.sinks_fail = ""

    def _create(self, name: str) -> Sink:
        if not self.sinks_fail:
            raise self.error
        return _FailingSink(self, super()._create(name))

    def _readinto(self, name: str, start: int, buffer: memoryview) -> int:
        raise self.error

    def _list(self) -> Iterator[Held]:
        yield Held("w/first", 1)
        raise self.error

    def _look(self, name: str) -> Glimpse:
        raise self.error

    def _drop(self, name: str) -> None:
        raise self.error


class _FailingSink(Sink):
    def __init__(self, carrier: Failing, inner: Sink) -> None:
        self._carrier = carrier
        self._inner = inner

    def write(self, data: memoryview) -> None:
        self._fail_at("write")
        self._inner.write(data)

    def commit(self) -> None:
        self._fail_at("commit")
        self._inner.commit()

    def abort(self) -> None:
        self._inner.abort()
        self._fail_at("abort")

    def _fail_at(self, what: str) -> None:
        if self._carrier.sinks_fail == what:
            raise self._carrier.error


@pytest.mark.parametrize(("error", "ours"), foreign().values(), ids=foreign())
def test_nothing_foreign_escapes(error: Exception, ours: type[CarrierError]) -> None:
    failing = Failing(error)
    attempts: list[Callable[[], object]] = [
        lambda: failing.create("w/item"),
        lambda: failing.put("w/item", b"x"),
        lambda: failing.readinto("w/item", 0, memoryview(bytearray(1))),
        lambda: list(failing.get("w/item")),
        lambda: list(failing.get("w/item", 5, 5)),
        lambda: list(failing.list()),
        lambda: failing.drop("w/item"),
    ]
    for attempt in attempts:
        with pytest.raises(CarrierError) as caught:
            attempt()
        assert type(caught.value) is ours
        assert caught.value is error or caught.value.__cause__ is error
        assert caught.value.message
    seen = failing.look("w/item")
    assert seen.present is (False if ours is Missing else None)
    for at in ("write", "commit"):
        failing.sinks_fail = at
        with pytest.raises(CarrierError) as caught:
            failing.put("w/item", b"x")
        assert type(caught.value) is ours
        assert failing.items == {}


def test_a_sink_that_fails_to_abort_hides_nothing() -> None:
    failing = Failing(RuntimeError("while giving up"))
    failing.sinks_fail = "abort"
    with pytest.raises(ZeroDivisionError):
        write_and_raise(failing, ZeroDivisionError())
    with failing.create("w/item") as sink:
        sink.write(memoryview(b"half"))
    assert failing.items == {}


def test_errors_of_other_layers_pass_as_they_are() -> None:
    failing = Failing(Malformed("not what it should be"))
    with pytest.raises(Malformed):
        list(failing.get("w/item"))


def test_an_interrupt_passes_and_leaves_nothing(carrier: Carrier) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_raise(carrier, KeyboardInterrupt())
    assert listing(carrier) == {}


def test_every_carrier_error_is_ours() -> None:
    """The tree in errors.py: what a carrier raises can be told apart from what a person did."""
    kinds = {Full, Missing, Refused, Truncated, Unreachable}
    assert kinds <= set(CarrierError.__subclasses__())
    assert all(issubclass(kind, OutlastError) and not issubclass(kind, BadInput) for kind in kinds)
