"""Check: prove every share and kit on some carriers, without rebuilding anything."""

import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from blake3 import blake3

from outlast.carriers.base import Carrier
from outlast.errors import Malformed, NotEnough, OutlastError, Unreachable
from outlast.format import kit
from outlast.format.link import format_link
from outlast.format.manifest import Volume
from outlast.steps.progress import Progress, Report, silent
from outlast.steps.shares import damaged_segments, read_head, read_kit
from outlast.steps.survey import PATIENCE, Surveyed, survey
from outlast.trust.resolver import Head, claimed_names, resolve


@dataclass(slots=True, kw_only=True)
class CheckedCarrier:
    """What one carrier holds, proved or refused."""

    address: str
    reached: bool
    shares: int = 0
    """Shares of which every byte was proved."""
    kits: int = 0
    """Kits that were proved."""
    foreign: int = 0
    """Shares of other works: not damaged, and not ours to judge."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Item and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedVolume:
    """What is there of one volume, on all carriers together."""

    volume: str
    """Its id in hex."""
    size: int
    """Bytes."""
    sound: int
    """Different rows that are proved whole."""
    needed: int
    rows: int
    newest: bool
    """Whether the newest edition needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedWork:
    """One work as these carriers show it."""

    link: str
    asked: bool
    """Whether this is the work that was asked for; otherwise its name is only what a kit claims."""
    title: str
    edition: int
    solo: bool
    volumes: tuple[CheckedVolume, ...]

    @property
    def whole(self) -> bool:
        """Whether the newest edition can be gathered from the sound shares alone."""
        return all(each.sound >= each.needed for each in self.volumes if each.newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found."""

    works: tuple[CheckedWork, ...]
    carriers: tuple[CheckedCarrier, ...]

    @property
    def sound(self) -> bool:
        """Whether every carrier answered and nothing was refused."""
        return all(each.reached and not each.refused for each in self.carriers)


def check(carriers: Sequence[Carrier], name: bytes | None, *, report: Report = silent) -> Checked:
    """Read every share and kit whole and compare each symbol with its signed hash.

    Without `name`, every work whose kits are found is checked against the name that they claim:
    that shows damage, not that the work is the one somebody meant.

    Raises:
        NotGenuine, NotEnough: no kit proves the work `name`.
    """
    report(Progress("asking the carriers", 0, 0))
    surveys = survey(carriers, name)
    kits = [parts for surveyed in surveys for parts in surveyed.kits.values()]
    names = [name] if name else claimed_names(kits)
    heads: list[Head] = []
    for each in names:
        try:
            heads.append(resolve(each, kits))
        except OutlastError:
            if name:
                raise
    if not heads:
        raise NotEnough("no kit was found: nothing here says what these shares belong to")
    volumes = {volume.id: (head, volume) for head in heads for volume in _volumes(head).values()}
    checked, sound = _read_all(surveys, volumes, report)
    return Checked(
        works=tuple(_work(head, sound, asked=name is not None) for head in heads if head.latest),
        carriers=tuple(checked),
    )


def _volumes(head: Head) -> dict[bytes, Volume]:
    """The volumes of all editions whose manifest is at hand."""
    found: dict[bytes, Volume] = {}
    for edition in head.editions:
        try:
            manifest, _ = head.manifest(edition)
        except NotEnough:
            continue  # an old edition whose kit is on none of these carriers
        found |= {volume.id: volume for volume in manifest.volumes}
    return found


def _work(head: Head, sound: Mapping[bytes, set[int]], *, asked: bool) -> CheckedWork:
    manifest, _ = head.manifest(head.latest)
    newest = {volume.id for volume in manifest.volumes}
    return CheckedWork(
        link=format_link(head.name),
        asked=asked,
        title=manifest.title,
        edition=head.latest,
        solo=head.solo,
        volumes=tuple(
            CheckedVolume(
                volume=volume.id.hex(),
                size=volume.geometry.size,
                sound=len(sound.get(volume.id, ())),
                needed=volume.geometry.k,
                rows=volume.geometry.n,
                newest=volume.id in newest,
            )
            for volume in _volumes(head).values()
        ),
    )


def _check_indexes(parts: Mapping[str, bytes], volumes: Iterable[Volume]) -> None:
    """Refuse a kit with an index that its manifest doesn't bind."""
    bound = {f"index-{volume.id.hex()}.json": volume.index_hash for volume in volumes}
    for part, body in parts.items():
        if part.startswith("index-") and blake3(body).digest() != bound.get(part):
            raise Malformed(f"the kit's part {part} isn't signed for")


def _read_all(
    surveys: Sequence[Surveyed],
    volumes: Mapping[bytes, tuple[Head, Volume]],
    report: Report,
) -> tuple[list[CheckedCarrier], dict[bytes, set[int]]]:
    """Check all carriers side by side; what each holds, and which rows are sound."""
    news: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
    checks = [_CarrierCheck(surveyed, volumes) for surveyed in surveys]
    for at, each in enumerate(checks):
        threading.Thread(target=each.run, args=(at, news), daemon=True).start()
    total = sum(sum(each.surveyed.sizes.values()) for each in checks)
    done = 0
    running = set(range(len(checks)))
    while running:
        try:
            at, size = news.get(timeout=3 * PATIENCE)
        except queue.Empty:
            for at in running:
                error = Unreachable(f"no answer within {3 * PATIENCE:.0f} s")
                checks[at].result.refused.append(("", error.message))
            break
        if size < 0:
            running.discard(at)
        else:
            done += size
            report(Progress("checking", done, total))
    sound: dict[bytes, set[int]] = {}
    for each in checks:
        for volume, row in each.sound:
            sound.setdefault(volume, set()).add(row)
    return [each.result for each in checks], sound


class _CarrierCheck:
    """The check of one carrier, in a thread of its own."""

    def __init__(self, surveyed: Surveyed, volumes: Mapping[bytes, tuple[Head, Volume]]) -> None:
        self.surveyed = surveyed
        self.result = CheckedCarrier(
            address=surveyed.carrier.address,
            reached=surveyed.reached,
            refused=[(each.item, each.reason) for each in surveyed.trouble],
        )
        self.sound: list[tuple[bytes, int]] = []
        self._volumes = volumes
        self._proved_kits: dict[bytes, bytes] = {}

    def run(self, at: int, news: "queue.SimpleQueue[tuple[int, int]]") -> None:
        """Check item after item; tells how many bytes each had, and -1 at the end."""
        for item, parts in self.surveyed.kits.items():
            if item not in self.surveyed.shares:
                try:
                    self._prove_kit(kit.pack(parts), None)
                    self.result.kits += 1
                except OutlastError as error:
                    self._refuse(item, error)
        for item in self.surveyed.shares:
            try:
                self._share(item)
            except OutlastError as error:
                self._refuse(item, error)
            news.put((at, self.surveyed.sizes.get(item, 0)))
        news.put((at, -1))

    def _share(self, item: str) -> None:
        carrier = self.surveyed.carrier
        size = self.surveyed.sizes[item]
        head = read_head(carrier, item, size)
        known = self._volumes.get(head.volume)
        if known is None:
            self.result.foreign += 1
            return
        bad = list(damaged_segments(carrier, item, head))
        if bad:
            raise Malformed(f"{len(bad)} of {head.count} symbols don't match their hash")
        self.sound.append((head.volume, head.row))
        self._prove_kit(read_kit(carrier, item, head.end, size), known[0].name)
        self.result.shares += 1

    def _prove_kit(self, packed: bytes, name: bytes | None) -> None:
        """A kit must prove the work that it belongs to; most shares have the same one."""
        key = blake3(packed).digest()
        if key in self._proved_kits and name in (None, self._proved_kits[key]):
            return
        parts = kit.parse(packed)
        claimed = claimed_names([parts])
        if not claimed or (name and name not in claimed):
            raise Malformed("a kit of another work")
        for each in claimed:
            head = resolve(each, [parts])
            if not head.latest:
                raise Malformed("the kit proves no edition")
            _check_indexes(parts, head.manifest(head.latest)[0].volumes)
        self._proved_kits[key] = claimed[0]

    def _refuse(self, item: str, error: OutlastError) -> None:
        self.result.refused.append((item, error.message))
