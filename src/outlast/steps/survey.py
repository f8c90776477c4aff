"""Asking all carriers at once what they hold, and trusting none of them."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from blake3 import blake3

from outlast.carriers.base import Carrier, Held
from outlast.errors import NotEnough, OutlastError, Unreachable
from outlast.format import items, kit
from outlast.format.items import KitName, ShareName
from outlast.format.kit import MAX_KIT
from outlast.format.share import FIXED, MAGIC
from outlast.steps.lanes import Lanes
from outlast.steps.shares import read_head, read_kit
from outlast.trust import memory
from outlast.trust.memory import Seen
from outlast.trust.resolver import Head, resolve

PATIENCE = 20.0
"""Seconds without any answer after which a carrier is left aside."""
_KITS = 64
"""Kits read from one carrier: the newest first."""
_KITS_ROOM = 2 * MAX_KIT
"""Bytes of kits read from one carrier."""
_SNIFFED = 1_000
"""Items under foreign names whose first bytes are looked at, on one carrier."""
_COPIES = 4
"""Items that may claim to be the same share, on one carrier."""
_ITEMS = 1_000_000
"""Lines of a listing that are read at all."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something on a carrier that was refused, or didn't answer."""

    carrier: str
    """Its address."""
    item: str
    """Its name there; empty: the carrier itself."""
    reason: str
    times: int = 1


@dataclass(slots=True, kw_only=True)
class Surveyed:
    """What one carrier says it holds. Names are hints; only bytes prove."""

    carrier: Carrier
    lanes: Lanes
    reached: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    """All items of ours, name to bytes."""
    shares: dict[str, ShareName] = field(default_factory=dict)
    kits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Kits' parts by item name; a kit that was found inside a share bears the share's name."""
    trouble: list[Trouble] = field(default_factory=list)

    def note(self, item: str, error: OutlastError) -> None:
        """Remember why an item was refused."""
        self.trouble.append(Trouble(carrier=self.carrier.address, item=item, reason=error.message))


def survey(
    carriers: Sequence[Carrier],
    name: bytes | None,
    *,
    edition: int | None = None,
) -> list[Surveyed]:
    """List every carrier and read its kits, all at once.

    `name` is the work whose kits come first, and `edition` the one that is wanted besides the
    newest. A carrier that doesn't answer within `PATIENCE`
    is reported as such; what it may still say is ignored.
    """
    jobs = [partial(_survey_one, each, name, edition) for each in carriers]
    found = at_once(jobs)
    results = []
    for carrier, surveyed in zip(carriers, found, strict=True):
        if surveyed is None:
            surveyed = Surveyed(carrier=carrier, lanes=Lanes(carrier))
            surveyed.note("", no_answer(carrier))
        results.append(surveyed)
    return results


def find_head(surveys: Iterable[Surveyed], name: bytes, edition: int | None = None) -> Head:
    """The head of the work, from all kits that were found, and from what was seen before.

    Who asks for an older `edition` knows that there are newer ones: then only keys that were
    replaced are refused.

    Raises:
        NotEnough, NotGenuine: see `resolve`.
    """
    kits = [parts for surveyed in surveys for parts in surveyed.kits.values()]
    seen = memory.last_seen(name)
    head = resolve(name, kits, seen=Seen(seen.root, 0) if edition else seen)
    if not head.latest:
        raise NotEnough("this work has no edition yet", "its author has to seal and spread it")
    memory.remember(name, head.seen)
    return head


def at_once(jobs: Sequence[Callable[[], _T]]) -> list[_T | None]:
    """The jobs' results, run side by side; None for those not done while `PATIENCE` lasts.

    A job that hangs (a dead disk can't be interrupted) is left behind in a daemon thread.
    """
    done: queue.SimpleQueue[tuple[int, _T]] = queue.SimpleQueue()
    for at, job in enumerate(jobs):
        threading.Thread(target=lambda at=at, job=job: done.put((at, job())), daemon=True).start()
    results: list[_T | None] = [None] * len(jobs)
    for _ in jobs:
        try:
            at, result = done.get(timeout=PATIENCE)
        except queue.Empty:
            break
        results[at] = result
    return results


def no_answer(carrier: Carrier) -> Unreachable:
    """What is said of a carrier that `at_once` left behind."""
    return Unreachable(f"{carrier.address}: no answer within {PATIENCE:.0f} s")


def _survey_one(carrier: Carrier, name: bytes | None, edition: int | None) -> Surveyed:
    found = Surveyed(carrier=carrier, lanes=Lanes(carrier))
    kits: dict[str, KitName] = {}
    foreign: list[Held] = []
    copies: Counter[ShareName] = Counter()
    try:
        for count, held in enumerate(carrier.list()):
            if count == _ITEMS:
                break
            match items.parse_name(held.name):
                case ShareName() as share:
                    copies[share] += 1
                    if copies[share] > _COPIES:
                        continue
                    found.shares[held.name] = share
                case KitName() as named:
                    kits[held.name] = named
                case None:
                    if len(foreign) < _SNIFFED and held.size >= FIXED:
                        foreign.append(held)
                    continue
            found.sizes[held.name] = held.size
        found.reached = True
    except OutlastError as error:
        found.note("", error)
        return found
    if not found.shares and not kits:
        _sniff(found, foreign, kits)
    _read_kits(found, kits, name, edition)
    return found


def _sniff(found: Surveyed, foreign: Iterable[Held], kits: dict[str, KitName]) -> None:
    """Find shares and kits that were renamed, by their first bytes."""
    for held in foreign:
        first = bytearray(len(MAGIC) + 1)
        try:
            found.carrier.readinto(held.name, 0, memoryview(first))
            if bytes(first) == MAGIC + b"S":
                head = read_head(found.carrier, held.name, held.size)
                found.shares[held.name] = ShareName(volume=head.volume.hex()[:16], row=head.row)
            elif bytes(first) == MAGIC + b"K":
                kits[held.name] = KitName(edition=0, hash="")
            else:
                continue
            found.sizes[held.name] = held.size
        except OutlastError as error:
            found.note(held.name, error)


def _read_kits(
    found: Surveyed, kits: dict[str, KitName], name: bytes | None, edition: int | None
) -> None:
    """Read the newest kits, those in the work's own folder first.

    Where one isn't what its name says, or there is none, those in shares are read too.
    """
    own = items.folder(name) + "/" if name else ""

    def rank(item: str) -> tuple[bool, bool, int]:
        return own in item, kits[item].edition == edition, kits[item].edition

    order = sorted(kits, key=rank, reverse=True)
    room = _KITS_ROOM
    damaged = not kits
    for item in order[:_KITS]:
        if found.sizes[item] > min(room, MAX_KIT):
            damaged = True  # so large a kit is none, or hides the others
            continue
        room -= found.sizes[item]
        try:
            packed = read_kit(found.carrier, item, size=found.sizes[item])
            found.kits[item] = kit.parse(packed)
            damaged = damaged or not blake3(packed).hexdigest().startswith(kits[item].hash or "-")
        except OutlastError as error:
            found.note(item, error)
            damaged = True
    if damaged:
        _read_kits_in_shares(found, own)


def _read_kits_in_shares(found: Surveyed, own: str) -> None:
    """Every share carries the kit of its time: one of each volume, those of the work first."""
    one_of_each = {share.volume: item for item, share in found.shares.items()}
    for item in sorted(one_of_each.values(), key=lambda item: own not in item)[:_KITS]:
        size = found.sizes[item]
        try:
            end = read_head(found.carrier, item, size).end
            found.kits[item] = kit.parse(read_kit(found.carrier, item, end, size))
        except OutlastError as error:
            found.note(item, error)
