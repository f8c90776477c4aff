import random
from collections.abc import Sequence
from typing import Any

import pytest

from outlast.coding.field import ELEMENTS

kernel = pytest.importorskip("outlast.coding._kernel", reason="the extension isn't built")

ENGINES: tuple[str, ...] = kernel.engines()


def products(a: int) -> bytes:
    """The products of `a` with every element, by addition of shifts."""
    table = [0] * ELEMENTS
    for bit in range(8):
        for low in range(1 << bit):
            table[1 << bit | low] = a ^ table[low]
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
    return bytes(table)


PRODUCTS = [products(a) for a in range(ELEMENTS)]


def reference(matrix: bytes, inputs: Sequence[bytes]) -> list[bytes]:
    k, length = len(inputs), len(inputs[0])
    outputs = []
    for start in range(0, len(matrix), k):
        total = 0
        for coefficient, row in zip(matrix[start : start + k], inputs, strict=True):
            total ^= int.from_bytes(row.translate(PRODUCTS[coefficient]))
        outputs.append(total.to_bytes(length))
    return outputs


def agree(engine: str, k: int, m: int, length: int, shift: int = 0) -> None:
    """Compare with the reference, with unaligned rows, and look at the bytes around each output."""
    chance = random.Random(f"{k} {m} {length} {shift}")
    matrix = chance.randbytes(k * m)
    inputs = [chance.randbytes(length) for _ in range(k)]
    placed = [memoryview(bytes(shift) + row)[shift:] for row in inputs]
    whole = [bytearray(b"\xa5" * (length + 160)) for _ in range(m)]
    outputs = [memoryview(row)[16 + shift :][:length] for row in whole]
    kernel.multiply(matrix, placed, outputs, engine=engine)
    for got, row in zip(whole, reference(matrix, inputs), strict=True):
        assert got[16 + shift :][:length] == row
        assert got[: 16 + shift].strip(b"\xa5") == got[16 + shift + length :].strip(b"\xa5") == b""


@pytest.mark.parametrize("engine", ENGINES)
def test_every_product(engine: str) -> None:
    """All coefficients times all elements."""
    everything = bytes(range(ELEMENTS))
    outputs = [bytearray(ELEMENTS) for _ in range(ELEMENTS)]
    kernel.multiply(everything, [everything], outputs, engine=engine)
    assert outputs == PRODUCTS


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "length",
    [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 640, 1000, 4097],
)
def test_lengths(engine: str, length: int) -> None:
    agree(engine, 3, 10, length)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shift", [1, 7, 8, 31, 63])
def test_unaligned(engine: str, shift: int) -> None:
    agree(engine, 4, 9, 1234, shift)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("k", [1, 2, 3, 8, 31, 32, 33])
@pytest.mark.parametrize("m", [*range(1, 10), 16, 17, 23])
def test_shapes(engine: str, k: int, m: int) -> None:
    agree(engine, k, m, 300)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("k", "m", "length"), [(1, 3, 9001), (32, 64, 5000), (256, 256, 77)])
def test_several_blocks_and_the_largest_matrix(engine: str, k: int, m: int, length: int) -> None:
    agree(engine, k, m, length)


def test_the_best_engine_is_the_default() -> None:
    assert ENGINES[-1] == "plain"
    output = bytearray(3)
    kernel.multiply(b"\x02", [b"\x01\x80\x00"], [output])
    assert output == b"\x02\x1d\x00"


def test_takes_any_buffers_and_sequences() -> None:
    outputs = (memoryview(bytearray(2)), bytearray(2))
    kernel.multiply(bytearray(b"\1\0\1\1"), (bytearray(b"ab"), memoryview(b"  ")), outputs)
    assert [bytes(output) for output in outputs] == [b"ab", b"AB"]


TWO = [b"ab", b"cd"]
SHARED = memoryview(bytearray(16))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((b"123", TWO, [bytearray(2)]), ValueError, "matrix: 3 bytes, must be 2 "),
        ((b"", [], [bytearray(2)]), ValueError, "inputs: 0 buffers"),
        ((b"", TWO, []), ValueError, "outputs: 0 buffers"),
        ((bytes(257), [b""] * 257, [bytearray()]), ValueError, "inputs: 257 buffers"),
        ((bytes(257), [b""], [bytearray()] * 257), ValueError, "outputs: 257 buffers"),
        ((b"12", [b"ab", b"c"], [bytearray(2)]), ValueError, "input 1: 1 bytes, must be 2"),
        ((b"12", TWO, [bytearray(3)]), ValueError, "output 0: 3 bytes, must be 2"),
        ((b"1", [SHARED[:4]], [SHARED[3:7]]), ValueError, "output 0 overlaps input 0"),
        ((b"12", [b"abcd"], [SHARED[:4]] * 2), ValueError, "output 1 overlaps output 0"),
        ((b"12", [b"abcd"], [SHARED[4:8], SHARED[1:5]]), ValueError, "output 1 overlaps output 0"),
        ((b"12", TWO, [b"ef"]), BufferError, "not writable"),
        ((b"12", TWO, [memoryview(bytearray(4))[::2]]), BufferError, "contiguous"),
        ((b"12", ["ab", "cd"], [bytearray(2)]), TypeError, "bytes-like"),
        ((b"12", 3, [bytearray(2)]), TypeError, "iterable"),
    ],
)
def test_refuses(arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        kernel.multiply(*arguments)


def test_neighbours_do_not_overlap() -> None:
    memory = memoryview(bytearray(b"ab--"))
    kernel.multiply(b"\1", [memory[:2]], [memory[2:]])
    assert memory.tobytes() == b"abab"


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no engine abacus on this machine"):
        kernel.multiply(b"1", [b"a"], [bytearray(1)], engine="abacus")


def test_lets_go_of_the_buffers_when_it_refuses() -> None:
    row, output = bytearray(2), bytearray(3)
    with pytest.raises(ValueError, match="must be 2"):
        kernel.multiply(b"1", [row], [output])
    row.append(0)  # raises BufferError while the buffer is held
    output.append(0)
