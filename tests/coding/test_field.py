from itertools import product

import pytest

from outlast.coding.field import ELEMENTS, interpolation


def multiply(a: int, b: int) -> int:
    """Long multiplication, with nothing of the module under test in it."""
    result = 0
    for bit in range(8):
        if b >> bit & 1:
            result ^= a << bit
    for bit in range(14, 7, -1):
        if result >> bit & 1:
            result ^= 0x11D << (bit - 8)
    return result


PRODUCTS = [bytes(multiply(a, b) for b in range(ELEMENTS)) for a in range(ELEMENTS)]
INVERSES = [0] + [PRODUCTS[a].index(1) for a in range(1, ELEMENTS)]

Matrix = list[list[int]]


def times(a: Matrix, b: Matrix) -> Matrix:
    result = [[0] * len(b[0]) for _ in a]
    for (i, row), (j, line) in product(enumerate(a), enumerate(b)):
        result[i] = [x ^ PRODUCTS[row[j]][y] for x, y in zip(result[i], line, strict=True)]
    return result


def identity(size: int) -> Matrix:
    return [[int(i == j) for j in range(size)] for i in range(size)]


def inverse(matrix: Matrix) -> Matrix:
    """Gauss–Jordan elimination, as in the textbook."""
    size = len(matrix)
    rows = [row + unit for row, unit in zip(matrix, identity(size), strict=True)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = PRODUCTS[INVERSES[rows[column][column]]]
        rows[column] = [scale[x] for x in rows[column]]
        for i in range(size):
            if i != column and (factor := rows[i][column]):
                rows[i] = [
                    x ^ PRODUCTS[factor][y] for x, y in zip(rows[i], rows[column], strict=True)
                ]
    return [row[size:] for row in rows]


def lines(matrix: bytes, k: int) -> Matrix:
    return [list(matrix[i : i + k]) for i in range(0, len(matrix), k)]


def test_products_of_the_reference() -> None:
    assert multiply(0x80, 2) == 0x1D
    assert all(sorted(PRODUCTS[a]) == list(range(ELEMENTS)) for a in range(1, ELEMENTS))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 16, 32])
def test_is_rizzos_generator_matrix(k: int) -> None:
    n = min(3 * k + 2, ELEMENTS)
    points, power = [0], 1
    while len(points) < n:
        points.append(power)
        power = PRODUCTS[2][power]
    vandermonde: Matrix = []
    for point in points:
        row = [1]
        while len(row) < k:
            row.append(PRODUCTS[point][row[-1]])
        vandermonde.append(row)
    generator = times(vandermonde, inverse(vandermonde[:k]))
    assert lines(interpolation(tuple(range(k)), tuple(range(n))), k) == generator


@pytest.mark.parametrize(
    ("have", "want"),
    [
        ((0,), (255,)),
        ((1, 0), (0, 1)),
        ((7, 0, 255, 31), (2, 7, 1, 99)),
        (tuple(range(100, 68, -1)), tuple(range(32))),
    ],
)
def test_there_and_back_is_the_identity(have: tuple[int, ...], want: tuple[int, ...]) -> None:
    k = len(have)
    there, back = interpolation(have, want), interpolation(want, have)
    assert times(lines(back, k), lines(there, k)) == identity(k)


def test_rows_at_hand_are_unit_vectors() -> None:
    assert interpolation((9, 4, 200), (4, 9)) == bytes([0, 1, 0, 1, 0, 0])


def test_nothing_wanted() -> None:
    assert interpolation((3, 1), ()) == b""
