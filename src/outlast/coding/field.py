"""GF(2^8), and interpolation over it: where every coefficient of the code comes from.

The field is the polynomials over GF(2) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d), one to a byte;
its generator α is x, which is the byte 2.

A codeword is a polynomial of degree below k, and its row i is that polynomial's value at a point of
its own: x_0 = 0 and x_i = α^(i-1). Any k rows fix the polynomial, so any row w is found from any
k rows H by Lagrange's formula,

    row w = sum over h in H of  row h * product over l in H, l != h, of (x_w - x_l) / (x_h - x_l),

and that one formula both encodes (H is the data, rows 0 to k - 1) and decodes. It gives Rizzo's
generator matrix V · V[0..k]⁻¹ with V[i][j] = x_i^j, coefficient by coefficient, without inverting
anything (L. Rizzo, "Effective erasure codes for reliable computer communication protocols", 1997;
J.-P. Berrut, L. N. Trefethen, "Barycentric Lagrange interpolation", 2004, for the weights).
"""

from functools import lru_cache

ELEMENTS = 256
"""The elements of the field: the most rows that a code can have."""

_ORDER = ELEMENTS - 1  # of the multiplicative group: exponents of α count modulo this


def _powers_and_logarithms() -> tuple[bytes, bytes]:
    powers, logarithms = bytearray(_ORDER), bytearray(ELEMENTS)
    element = 1
    for exponent in range(_ORDER):
        powers[exponent] = element
        logarithms[element] = exponent
        element <<= 1
        if element >= ELEMENTS:
            element ^= 0x11D
    return bytes(powers), bytes(logarithms)


# Zero has no logarithm. It is given 0, that of one, so that a product over all points takes no harm
# from the point's difference to itself.
_POWERS, _LOGARITHMS = _powers_and_logarithms()


def _point(row: int) -> int:
    return _POWERS[row - 1] if row else 0


@lru_cache(maxsize=256)
def _weights(have: tuple[int, ...]) -> tuple[int, ...]:
    """Return, for each row of `have`, the logarithm of 1 / product of (its point - the others)."""
    points = [_point(row) for row in have]
    return tuple(-sum(_LOGARITHMS[x ^ y] for y in points) % _ORDER for x in points)


@lru_cache(maxsize=512)
def interpolation(have: tuple[int, ...], want: tuple[int, ...]) -> bytes:
    """Return the matrix that makes the rows `want` from the rows `have`.

    have: k distinct rows, want: m rows, both in any order, each from 0 to 255. The matrix is m * k
    bytes, one line of k coefficients for each wanted row. Takes about k * (k + m) steps of Python;
    the last results are kept (at most some 20 kB each).
    """
    points = [_point(row) for row in have]
    weights = _weights(have)
    matrix = bytearray()
    for row in want:
        if row in have:
            matrix += bytes(row == other for other in have)
            continue
        x = _point(row)
        differences = [_LOGARITHMS[x ^ y] for y in points]
        product = sum(differences)
        matrix += bytes(
            _POWERS[(product - difference + weight) % _ORDER]
            for difference, weight in zip(differences, weights, strict=True)
        )
    return bytes(matrix)
