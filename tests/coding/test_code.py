import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import zfec
from hypothesis import given, settings
from hypothesis import strategies as st

import outlast.coding
from outlast.coding import Code, engine, engines
from outlast.coding.engine import load

GEOMETRIES = [
    *[(1, 1), (1, 2), (1, 256), (2, 3), (3, 3), (3, 10), (7, 100), (16, 48), (20, 60), (31, 33)],
    *[(32, 96), (32, 256), (64, 192), (100, 101), (128, 256), (255, 256), (256, 256)],
]


def blocks(count: int, length: int, seed: int = 1) -> list[bytes]:
    chance = random.Random(seed)
    return [chance.randbytes(length) for _ in range(count)]


def empty(count: int, length: int) -> list[bytearray]:
    return [bytearray(length) for _ in range(count)]


@pytest.mark.parametrize(("k", "n"), GEOMETRIES)
def test_every_coefficient_is_zfecs(k: int, n: int) -> None:
    units = [bytes(i == j for i in range(k)) for j in range(k)]
    code = Code(k, n)
    ours = [code.coefficients(row) for row in range(n)]
    assert ours == zfec.Encoder(k, n).encode(units, range(n))


@pytest.mark.parametrize("name", engines())
@pytest.mark.parametrize(("k", "n"), GEOMETRIES)
def test_encodes_like_zfec_and_decodes_what_it_made(name: str, k: int, n: int) -> None:
    code, data = Code(k, n, engine=name), blocks(k, 130)
    rows = empty(n, 130)
    code.encode(data, range(n), rows)
    assert rows == zfec.Encoder(k, n).encode(data, range(n))

    have = random.Random(k).sample(range(n), k)
    again = empty(n, 130)
    code.decode(have, [rows[row] for row in have], range(n), again)
    assert again == rows


@pytest.mark.parametrize("name", engines())
def test_zfec_decodes_ours(name: str) -> None:
    data, parity = blocks(5, 999), empty(3, 999)
    Code(5, 12, engine=name).encode(data, (11, 5, 8), parity)
    blocks_and_rows = [bytes(parity[0]), data[1], bytes(parity[1]), bytes(parity[2]), data[4]]
    assert zfec.Decoder(5, 12).decode(blocks_and_rows, (11, 1, 5, 8, 4)) == data


@st.composite
def losses(draw: st.DrawFn) -> tuple[int, int, list[int], list[int]]:
    """A geometry, the rows that are left and the rows that are wanted."""
    n = draw(st.integers(1, 40))
    k = draw(st.integers(1, n))
    left = draw(st.permutations(range(n)))[:k]
    want = draw(st.lists(st.integers(0, n - 1), max_size=n))
    return k, n, left, want


@settings(deadline=None)
@given(losses(), st.integers(0, 200), st.sampled_from(engines()))
def test_any_k_rows_rebuild_any_rows(
    loss: tuple[int, int, list[int], list[int]], length: int, name: str
) -> None:
    k, n, have, want = loss
    code, rows = Code(k, n, engine=name), empty(n, length)
    code.encode(blocks(k, length), range(n), rows)
    got = empty(len(want), length)
    code.decode(have, [rows[row] for row in have], want, got)
    assert got == [rows[row] for row in want]


def test_one_row_is_replicated() -> None:
    copies = empty(3, 4)
    Code(1, 256).encode([b"name"], (0, 1, 255), copies)
    assert copies == [b"name"] * 3


def test_writes_into_slices_of_one_buffer() -> None:
    segment, parity = bytes(range(64)), memoryview(bytearray(48))
    slices = [parity[i : i + 16] for i in range(0, 48, 16)]
    data = [memoryview(segment)[i : i + 16] for i in range(0, 64, 16)]
    Code(4, 7).encode(data, (4, 5, 6), slices)
    again = memoryview(bytearray(64))
    have = (6, 0, 5, 4)
    symbols = [slices[2], data[0], slices[1], slices[0]]
    Code(4, 7).decode(have, symbols, range(4), [again[i : i + 16] for i in range(0, 64, 16)])
    assert again == segment


def test_threads_share_a_code() -> None:
    code = Code(8, 24)

    def work(seed: int) -> bool:
        data, rows = blocks(8, 20_000, seed), empty(24, 20_000)
        code.encode(data, range(24), rows)
        return bool(rows == zfec.Encoder(8, 24).encode(data, range(24)))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(16)))


@pytest.mark.parametrize(("k", "n"), [(0, 1), (-1, 3), (3, 2), (1, 257), (257, 257), (0, 0)])
def test_no_such_code(k: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"no code with k = {k}, n = {n}"):
        Code(k, n)


@pytest.mark.parametrize("name", engines())
def test_refuses_what_does_not_fit(name: str) -> None:
    code, data, one = Code(2, 4, engine=name), blocks(2, 8), empty(1, 8)
    with pytest.raises(ValueError, match="no row 4: rows are 0 to 3"):
        code.encode(data, (4,), one)
    with pytest.raises(ValueError, match="no row -1"):
        code.decode((0, -1), data, (1,), one)
    with pytest.raises(ValueError, match="no row 4"):
        code.coefficients(4)
    with pytest.raises(ValueError, match="2 rows, 3 symbols: k = 2 are needed"):
        code.encode([*data, data[0]], (2,), one)
    with pytest.raises(ValueError, match="1 rows, 1 symbols"):
        code.decode((3,), data[:1], (2,), one)
    with pytest.raises(ValueError, match="2 rows are wanted, in 1 buffers"):
        code.encode(data, (2, 3), one)
    with pytest.raises(ValueError, match="a row is there twice"):
        code.decode((3, 3), data, (0,), one)
    with pytest.raises(ValueError, match="differ in length"):
        code.encode(data, (2,), empty(1, 9))
    with pytest.raises(ValueError, match="differ in length"):
        code.decode((0, 3), [data[0], data[1][:7]], (0,), one)
    assert one == empty(1, 8)


def test_no_such_engine() -> None:
    with pytest.raises(ValueError, match=r"no engine 'abacus' here: there are .*zfec"):
        Code(1, 2, engine="abacus")


def test_zfec_takes_over_where_the_kernel_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(outlast.coding, "_kernel", raising=False)
    monkeypatch.setitem(sys.modules, "outlast.coding._kernel", None)
    assert list(load()) == ["zfec"]


def test_the_best_engine_is_in_use() -> None:
    assert engine() == engines()[0]
    assert engines()[-1] == "zfec"
