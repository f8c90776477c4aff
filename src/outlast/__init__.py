"""outlast keeps a work alive: sealed, spread, and gathered from whatever is left.

    import outlast

    work = outlast.Work.create(folder, title="The names", languages=("en", "zh"), passphrase="…")
    outlast.seal(work, ask=lambda: "…")
    work.settings.add_carrier("anna", "/media/stick", keeper="Anna")
    outlast.spread(work, survive=1)
    with outlast.open_carrier("/media/stick") as stick:
        outlast.gather(work.link, [stick], folder_2)

Every name here has a docstring; `docs/the-walk.md` says how they belong together.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlast.carriers import open_carrier
    from outlast.carriers.base import Carrier, Glimpse, Held, Sink, Traits
    from outlast.carriers.memory import MemoryCarrier
    from outlast.errors import (
        BadInput,
        CarrierError,
        Changed,
        Forked,
        Full,
        Malformed,
        Missing,
        NotEnough,
        NotGenuine,
        OutlastError,
        Refused,
        RolledBack,
        StorageFull,
        Truncated,
        Unreachable,
        UnsafePath,
        WrongPassphrase,
    )
    from outlast.format.link import format_link, parse_link
    from outlast.format.paths import SafePath
    from outlast.steps.check import Checked, check
    from outlast.steps.gather import Gathered, gather
    from outlast.steps.play import Player, open_player
    from outlast.steps.progress import Progress
    from outlast.steps.seal import Sealed, seal
    from outlast.steps.spread import Spread, spread
    from outlast.steps.status import Status, status
    from outlast.steps.work import Work

__version__ = "0.1.0"

_HOMES = {
    "outlast.carriers": ("open_carrier",),
    "outlast.carriers.base": ("Carrier", "Glimpse", "Held", "Sink", "Traits"),
    "outlast.carriers.memory": ("MemoryCarrier",),
    "outlast.errors": (
        "BadInput",
        "CarrierError",
        "Changed",
        "Forked",
        "Full",
        "Malformed",
        "Missing",
        "NotEnough",
        "NotGenuine",
        "OutlastError",
        "Refused",
        "RolledBack",
        "StorageFull",
        "Truncated",
        "Unreachable",
        "UnsafePath",
        "WrongPassphrase",
    ),
    "outlast.format.link": ("format_link", "parse_link"),
    "outlast.format.paths": ("SafePath",),
    "outlast.steps.check": ("Checked", "check"),
    "outlast.steps.gather": ("Gathered", "gather"),
    "outlast.steps.play": ("Player", "open_player"),
    "outlast.steps.progress": ("Progress",),
    "outlast.steps.seal": ("Sealed", "seal"),
    "outlast.steps.spread": ("Spread", "spread"),
    "outlast.steps.status": ("Status", "status"),
    "outlast.steps.work": ("Work",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BadInput",
    "Carrier",
    "CarrierError",
    "Changed",
    "Checked",
    "Forked",
    "Full",
    "Gathered",
    "Glimpse",
    "Held",
    "Malformed",
    "MemoryCarrier",
    "Missing",
    "NotEnough",
    "NotGenuine",
    "OutlastError",
    "Player",
    "Progress",
    "Refused",
    "RolledBack",
    "SafePath",
    "Sealed",
    "Sink",
    "Spread",
    "Status",
    "StorageFull",
    "Traits",
    "Truncated",
    "Unreachable",
    "UnsafePath",
    "Work",
    "WrongPassphrase",
    "check",
    "format_link",
    "gather",
    "open_carrier",
    "open_player",
    "parse_link",
    "seal",
    "spread",
    "status",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `outlast --help` needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module 'outlast' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
