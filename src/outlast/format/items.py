"""What shares and kits are called on a carrier.

    outlast-<16 of the work's name>/<16 hex of the volume>-<row>.share
    outlast-<16 of the work's name>/<edition>-<8 hex of the kit's hash>.kit

A name is a hint for finding things with one listing; what an item is, its bytes prove. Kits are
never overwritten: a new edition is a new item, so that no carrier ever shows half of one.
"""

import re
from dataclasses import dataclass

from blake3 import blake3

from outlast.format.link import short_name

_SHARE = re.compile(r"(?:.*/)?([0-9a-f]{16})-([0-9]{3})\.share")
_KIT = re.compile(r"(?:.*/)?([0-9]{6,12})-([0-9a-f]{8})\.kit")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareName:
    """What a share's name says: the volume's first 8 bytes in hex, and the row."""

    volume: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KitName:
    """What a kit's name says: its edition, and the first 4 bytes of its BLAKE3 hash in hex."""

    edition: int
    hash: str


def folder(work: bytes) -> str:
    """The folder of a work on a carrier."""
    return f"outlast-{short_name(work)}"


def share_name(work: bytes, volume: bytes, row: int) -> str:
    """The item name of one share."""
    return f"{folder(work)}/{volume.hex()[:16]}-{row:03d}.share"


def kit_name(work: bytes, edition: int, kit: bytes) -> str:
    """The item name of one kit."""
    return f"{folder(work)}/{edition:06d}-{blake3(kit).hexdigest()[:8]}.kit"


def parse_name(name: str) -> ShareName | KitName | None:
    """What a name on a carrier promises, in whatever folder it lies; None if it's none of ours."""
    if found := _SHARE.fullmatch(name):
        return ShareName(volume=found[1], row=int(found[2]))
    if found := _KIT.fullmatch(name):
        return KitName(edition=int(found[1]), hash=found[2])
    return None
