"""Intel's ISA-L through ctypes: a matrix over GF(2^8) times rows of bytes, as fast as it is known.

Its field is ours (0x11d), so it makes the same bytes from the same matrix.
"""

import ctypes
import ctypes.util
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from outlast.coding.field import interpolation

HOW_TO_GET = "pip install pyeclib, or apt-get install libisal2"

Address = int


class IsaL:
    """The library, wherever it was found."""

    def __init__(self) -> None:
        """Load it.

        Raises:
            OSError: there is none.
        """
        self.origin, path = _find()
        self._library: Any = ctypes.CDLL(path)
        for function in (self._library.ec_init_tables, self._library.ec_encode_data):
            function.restype = None

    def multiplier(self, have: Sequence[int], want: Sequence[int]) -> "Multiplier":
        """What makes the rows `want` of our code from its rows `have`."""
        return Multiplier(self._library, have, want)


class Multiplier:
    """One matrix, prepared once."""

    def __init__(self, library: Any, have: Sequence[int], want: Sequence[int]) -> None:
        self.inputs, self.outputs = len(have), len(want)
        self._encode = library.ec_encode_data
        self._tables = ctypes.create_string_buffer(32 * self.inputs * self.outputs)
        matrix = interpolation(tuple(have), tuple(want))
        library.ec_init_tables(self.inputs, self.outputs, matrix, self._tables)

    def __call__(self, length: int, inputs: Any, outputs: Any) -> None:
        """Write the outputs, `length` bytes each; both are `pointers`. Other threads run."""
        self._encode(length, self.inputs, self.outputs, self._tables, inputs, outputs)


def pointers(buffers: Sequence[memoryview]) -> Any:
    """The addresses of writable buffers, which must outlive them, as a C array."""
    return (ctypes.c_void_p * len(buffers))(*[address(each) for each in buffers])


def address(buffer: memoryview) -> Address:
    """Where a writable buffer lies."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _find() -> tuple[str, str]:
    """The copy in pyeclib's wheel, which is newer and knows GFNI, or the system's."""
    try:
        bundled = [
            Path(str(each.locate()))
            for each in metadata.files("pyeclib") or ()
            if "libisal" in each.name
        ]
    except metadata.PackageNotFoundError:
        bundled = []
    if bundled:
        return f"ISA-L of pyeclib {metadata.version('pyeclib')}", str(bundled[0])
    system = ctypes.util.find_library("isal")
    if system is None:
        raise OSError(f"no ISA-L here: {HOW_TO_GET}")
    return f"the system's {system}", system
