"""Status: where each volume stands, and what could be lost today."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from outlast.format.manifest import Volume
from outlast.format.share import share_size
from outlast.steps import placement
from outlast.steps.survey import Surveyed, survey
from outlast.steps.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeStatus:
    """One volume of the newest edition."""

    volume: str
    """Its id in hex."""
    size: int
    """Bytes."""
    needed: int
    """k: how many shares rebuild it."""
    rows: int
    """n: how many there can be."""
    keepers: Mapping[str, int]
    """Keeper → shares that its carriers list."""
    survives: int
    """How many keepers may vanish; -1: it can't be gathered now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierStatus:
    """One carrier of the work."""

    name: str
    address: str
    keeper: str
    reached: bool
    shares: int
    """Of the newest edition."""
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a work stands."""

    link: str
    title: str
    edition: int
    """0: nothing has been sealed yet."""
    files: int
    size: int
    """Bytes of its files."""
    volumes: tuple[VolumeStatus, ...]
    carriers: tuple[CarrierStatus, ...]
    survives: int
    """The least of all volumes."""
    promised: int | None


def status(work: Work) -> Status:
    """Ask the carriers what they hold, by their listings alone; `check` proves it.

    Carriers that don't answer count for nothing here, though what they hold may be well.

    Raises:
        BadInput: the work's history is damaged.
    """
    head = work.head()
    with contextlib.ExitStack() as stack:
        carriers = [entry.open() for entry in work.settings.carriers]
        for carrier in carriers:
            stack.callback(carrier.close)
        surveys = survey(carriers, work.name)
    manifest = head.manifest(head.latest)[0] if head.latest else None
    volumes = [_volume(volume, surveys) for volume in manifest.volumes] if manifest else []
    names = {volume.volume[:16] for volume in volumes}
    return Status(
        link=work.link,
        title=work.settings.title,
        edition=head.latest,
        files=manifest.files if manifest else 0,
        size=manifest.size if manifest else 0,
        volumes=tuple(volumes),
        carriers=tuple(
            CarrierStatus(
                name=entry.name,
                address=entry.address,
                keeper=entry.keeper,
                reached=surveyed.reached,
                shares=sum(share.volume in names for share in surveyed.shares.values()),
                trouble=surveyed.trouble[0].reason if surveyed.trouble else "",
            )
            for entry, surveyed in zip(work.settings.carriers, surveys, strict=True)
        ),
        survives=min((volume.survives for volume in volumes), default=-1),
        promised=work.settings.survive,
    )


def _volume(volume: Volume, surveys: list[Surveyed]) -> VolumeStatus:
    rows: dict[str, set[int]] = {}
    geometry = volume.geometry
    whole = share_size(geometry)
    for surveyed in surveys:
        mine = rows.setdefault(surveyed.carrier.traits.keeper, set())
        for name, share in surveyed.shares.items():
            if share.volume == volume.id.hex()[:16] and surveyed.sizes[name] > whole:
                mine.add(share.row)
    return VolumeStatus(
        volume=volume.id.hex(),
        size=geometry.size,
        needed=geometry.k,
        rows=geometry.n,
        keepers={keeper: len(held) for keeper, held in rows.items()},
        survives=placement.survivable(geometry.k, rows),
    )
