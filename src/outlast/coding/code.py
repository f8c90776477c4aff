"""The erasure code: any k of n rows rebuild the data, and every other row with it."""

from collections.abc import Sequence

from outlast.coding.engine import Buffer, WritableBuffer, find
from outlast.coding.field import ELEMENTS, interpolation


class Code:
    """Systematic Reed–Solomon over GF(2^8): any k of n rows rebuild the data.

    Rows 0 to k - 1 are the data itself, the others parity. The rows are those of Rizzo's code and
    of zfec, byte for byte; `field` has the formula. An instance is cheap, holds no data and may be
    shared between threads. `engine` names one of `engines()`, for tests and comparisons; all of
    them give the same bytes.
    """

    __slots__ = ("_data_rows", "_engine", "k", "n")

    def __init__(self, k: int, n: int, *, engine: str | None = None) -> None:
        """Raise ValueError unless 1 <= k <= n <= 256, or when there is no such engine."""
        if not 1 <= k <= n <= ELEMENTS:
            raise ValueError(f"no code with k = {k}, n = {n}: 1 <= k <= n <= {ELEMENTS} must hold")
        self.k = k
        self.n = n
        self._data_rows = tuple(range(k))
        self._engine = find(engine)

    def __repr__(self) -> str:
        return f"Code({self.k}, {self.n})"

    def coefficients(self, row: int) -> bytes:
        """Return the k bytes by which the k data symbols are multiplied and added to make `row`.

        Those of a data row are a unit vector. Raises ValueError unless 0 <= row < n.
        """
        self._check_rows((row,))
        return interpolation(self._data_rows, (row,))

    def encode(
        self, data: Sequence[Buffer], rows: Sequence[int], out: Sequence[WritableBuffer]
    ) -> None:
        """Write row rows[i] to out[i], made from the k data symbols.

        A data row may be asked for as well: it is copied. All buffers have one length, any, and no
        buffer of `out` overlaps another. Raises ValueError when a count, a length or a row doesn't
        fit.
        """
        self._derive(self._data_rows, data, rows, out)

    def decode(
        self,
        have: Sequence[int],
        symbols: Sequence[Buffer],
        want: Sequence[int],
        out: Sequence[WritableBuffer],
    ) -> None:
        """Write row want[i] to out[i], made from any k rows `have` and their symbols.

        `have` and `want` are in any order, and both may hold data and parity rows; a row that is
        in both is copied. The symbols aren't checked: a wrong byte in one spoils that byte in all
        rows that are made from it. All buffers have one length, any, and no buffer of `out`
        overlaps another. Raises ValueError when a count, a length or a row doesn't fit, or when a
        row of `have` is there twice.
        """
        rows = tuple(have)
        self._check_rows(rows)
        if len(set(rows)) != len(rows):
            raise ValueError("a row is there twice: k different rows are needed")
        self._derive(rows, symbols, want, out)

    def _derive(
        self,
        have: tuple[int, ...],
        symbols: Sequence[Buffer],
        want: Sequence[int],
        out: Sequence[WritableBuffer],
    ) -> None:
        self._check_rows(want)
        if not len(have) == len(symbols) == self.k:
            raise ValueError(f"{len(have)} rows, {len(symbols)} symbols: k = {self.k} are needed")
        if len(want) != len(out):
            raise ValueError(f"{len(want)} rows are wanted, in {len(out)} buffers")
        if len({len(buffer) for buffer in (*symbols, *out)}) > 1:
            raise ValueError("the buffers differ in length")

        made: list[int] = []
        targets: list[WritableBuffer] = []
        for row, target in zip(want, out, strict=True):
            if row in have:
                target[:] = symbols[have.index(row)]
            else:
                made.append(row)
                targets.append(target)
        if made:
            self._engine.derive(have, symbols, tuple(made), targets)

    def _check_rows(self, rows: Sequence[int]) -> None:
        for row in rows:
            if not 0 <= row < self.n:
                raise ValueError(f"no row {row}: rows are 0 to {self.n - 1}")
