"""How a volume's bytes are laid out in segments, symbols and shares."""

from dataclasses import dataclass

from outlast.errors import Malformed

SYMBOL = 64 * 1024
"""Bytes of a symbol in every segment but a volume's last. With k=32 a segment is 2 MiB, where
encoding runs fastest: the segment and its parity stay in the second-level cache."""
ALIGN = 64
"""Symbols are whole cache lines."""
MAX_ROWS = 256
"""The elements of GF(2^8)."""
MAX_SYMBOL = 1024 * 1024
MAX_SEGMENT = 32 * 1024 * 1024
MAX_SEGMENTS = 1 << 20

# (up to this many bytes, k, n). Small volumes get few rows, so that a 3 kB post doesn't weigh
# 96 headers; n is never below 32, so that as many keepers can each hold a row of their own.
_LADDER = (
    (16 * 1024, 1, 32),
    (64 * 1024, 2, 32),
    (256 * 1024, 4, 32),
    (1024 * 1024, 8, 32),
    (4 * 1024 * 1024, 16, 48),
)
_LARGE = (32, 96)


def rows_for(size: int) -> tuple[int, int]:
    """The default (k, n) of a volume of about `size` bytes."""
    return next(((k, n) for limit, k, n in _LADDER if size <= limit), _LARGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The numbers that turn a volume into n shares of which any k suffice.

    A volume of `size` bytes is cut into segments of `k * symbol` bytes; the last one holds what
    is left and has shorter symbols. Row r of a segment is one symbol; share r is row r of every
    segment, in order.

    Raises:
        Malformed: a number outside the caps of `spec/share.md`.
    """

    k: int
    n: int
    symbol: int
    """Bytes of a symbol in all segments but the last."""
    size: int
    """Bytes of the volume's stream, its index included."""

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n <= MAX_ROWS:
            raise Malformed(f"k={self.k}, n={self.n} is no geometry: 1 <= k <= n <= {MAX_ROWS}")
        if self.symbol % ALIGN or not ALIGN <= self.symbol <= MAX_SYMBOL:
            raise Malformed(f"a symbol of {self.symbol} bytes is outside the caps")
        if self.k * self.symbol > MAX_SEGMENT:
            raise Malformed(f"a segment of {self.k * self.symbol} bytes is outside the caps")
        if not 1 <= self.size <= MAX_SEGMENTS * self.k * self.symbol:
            raise Malformed(f"a volume of {self.size} bytes is outside the caps")

    @property
    def segment(self) -> int:
        """Bytes of data in every segment but the last."""
        return self.k * self.symbol

    @property
    def segments(self) -> int:
        """How many segments there are, at least 1."""
        return -(-self.size // self.segment)

    @property
    def last_symbol(self) -> int:
        """Bytes of a symbol in the last segment: what is left over k rows, in whole cache lines."""
        left = self.size - (self.segments - 1) * self.segment
        return -(-left // (self.k * ALIGN)) * ALIGN

    @property
    def share(self) -> int:
        """Bytes of a share's symbols together."""
        return (self.segments - 1) * self.symbol + self.last_symbol

    def symbol_of(self, segment: int) -> int:
        """Bytes of a symbol in `segment`."""
        return self.last_symbol if segment == self.segments - 1 else self.symbol

    def length_of(self, segment: int) -> int:
        """Bytes of the volume's stream in `segment`, without padding."""
        return min(self.segment, self.size - segment * self.segment)
