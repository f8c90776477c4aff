"""What does the arithmetic: the kernel in C where it was built, zfec where it wasn't.

All engines compute the same rows. The kernel brings one for each instruction set that this machine
has; see `_kernel.c`. zfec is slower and allocates what it returns.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from outlast.coding.field import ELEMENTS, interpolation

Buffer = bytes | bytearray | memoryview
WritableBuffer = bytearray | memoryview


class Engine(Protocol):
    """Makes rows of a code from other rows of it."""

    @property
    def name(self) -> str:
        """How people know it."""

    def derive(
        self,
        have: tuple[int, ...],
        symbols: Sequence[Buffer],
        want: tuple[int, ...],
        out: Sequence[WritableBuffer],
    ) -> None:
        """Write the rows `want` to `out`, from k distinct rows `have` and their symbols.

        All buffers have one length, and none of `out` overlaps another. The caller has checked the
        rows and the lengths. Other threads run meanwhile.
        """


class _Kernel:
    def __init__(self, multiply: Callable[..., None], instructions: str) -> None:
        self.name = f"kernel ({instructions})"
        self._multiply = multiply
        self._instructions = instructions

    def derive(
        self,
        have: tuple[int, ...],
        symbols: Sequence[Buffer],
        want: tuple[int, ...],
        out: Sequence[WritableBuffer],
    ) -> None:
        self._multiply(interpolation(have, want), symbols, out, engine=self._instructions)


class _Zfec:
    name = "zfec"

    def derive(
        self,
        have: tuple[int, ...],
        symbols: Sequence[Buffer],
        want: tuple[int, ...],
        out: Sequence[WritableBuffer],
    ) -> None:
        encoder, decoder = _coders(len(have))
        data = symbols if have == tuple(range(len(have))) else decoder.decode(symbols, have)
        for target, row in zip(out, encoder.encode(data, want), strict=True):
            target[:] = row


@lru_cache(maxsize=16)
def _coders(k: int) -> tuple[Any, Any]:
    import zfec  # here, because it takes longer than the rest of the package and is seldom needed

    # A row's coefficients don't depend on how many rows there are, so all codes of one k share.
    return zfec.Encoder(k, ELEMENTS), zfec.Decoder(k, ELEMENTS)


def load() -> dict[str, Engine]:
    """Return all engines that work here by their names, best first."""
    found: list[Engine] = []
    try:
        from outlast.coding import _kernel
    except ImportError:  # the extension is optional: no compiler where the package was built
        pass
    else:
        found += [_Kernel(_kernel.multiply, name) for name in _kernel.engines()]
    found.append(_Zfec())
    return {each.name: each for each in found}


_ENGINES = load()


def engines() -> tuple[str, ...]:
    """Return the names of all engines that work here, best first. The last one is `zfec`."""
    return tuple(_ENGINES)


def engine() -> str:
    """Return the name of the engine in use, such as `kernel (gfni-avx512)` or `zfec`."""
    return engines()[0]


def find(name: str | None = None) -> Engine:
    """Return the engine of this name, or the best. Raises ValueError when there is none."""
    try:
        return _ENGINES[name or engine()]
    except KeyError:
        raise ValueError(f"no engine {name!r} here: there are {', '.join(engines())}") from None
