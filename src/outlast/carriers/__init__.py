"""Places and media that hold shares: one interface, one file per kind."""

import os
import re
from pathlib import Path

from outlast.carriers.base import Carrier
from outlast.carriers.folder import FolderCarrier
from outlast.errors import BadInput

__all__ = ["KINDS", "Carrier", "normal_address", "open_carrier"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):")  # two letters or more: C: is a drive
KINDS = ("a folder's path",)


def normal_address(address: str) -> str:
    """The form in which an address is kept: a folder's path is made absolute,
    and one of several ways to write it: two names for one place would count as two carriers.

    Raises:
        BadInput: a scheme that no kind of carrier has.
    """
    scheme = _SCHEME.match(address)
    if scheme and not Path(address).exists():
        raise BadInput(
            f"{scheme[1]!r} is no kind of carrier that outlast knows",
            f"an address is {' or '.join(KINDS)}",
        )
    if not address:
        raise BadInput("an empty address", f"an address is {' or '.join(KINDS)}")
    return os.path.realpath(Path(address).expanduser())


def open_carrier(address: str, *, keeper: str | None = None) -> Carrier:
    """The carrier at `address`; its keeper, if not named, is the address itself.

    Raises:
        BadInput: a scheme that no kind of carrier has.
    """
    place = normal_address(address)
    return FolderCarrier(place, keeper=keeper or place)
