"""Spread: put shares on carriers until the promise holds, in one pass over the data."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from blake3 import blake3

from outlast.coding import Code
from outlast.errors import BadInput, Changed, OutlastError, RolledBack, Unreachable
from outlast.format import items, kit
from outlast.format.manifest import Volume
from outlast.format.share import share_size
from outlast.steps import placement
from outlast.steps.encode import CORES, encode
from outlast.steps.minting import ShareHeads, Table, open_source, share_heads
from outlast.steps.placement import Place
from outlast.steps.progress import Progress, Report, silent
from outlast.steps.survey import Surveyed, at_once, no_answer, survey
from outlast.steps.work import Work
from outlast.steps.writer import CarrierWriter, Lent
from outlast.trust.resolver import Head, resolve
from outlast.volume.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSpread:
    """What became of one carrier in a spread."""

    name: str
    address: str
    keeper: str
    shares: int
    """Shares of the edition's volumes proved there: now, or if it wasn't reached, the last time."""
    written: int
    """Shares written by this spread."""
    trouble: str
    """Why not all went through; empty if all did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What a spread did."""

    link: str
    edition: int
    carriers: tuple[CarrierSpread, ...]
    survives: int
    """Any so many keepers may vanish now and every volume can be gathered; -1: it can't be now."""
    promised: int | None
    """What was asked for, now or before."""
    enough: str
    """What it would take to keep the promise; empty if it is kept."""


class _Target:
    """A carrier of the work during a spread."""

    def __init__(self, name: str, surveyed: Surveyed) -> None:
        self.name = name
        self.surveyed = surveyed
        self.carrier = surveyed.carrier
        self.keeper = self.carrier.traits.keeper
        self.rows: dict[str, set[int]] = {}
        """Volume's id in hex → rows proved there."""
        self.written = 0
        self.error: OutlastError | None = None
        if not surveyed.reached:
            self.error = OutlastError(surveyed.trouble[0].reason)


def spread(work: Work, *, survive: int | None = None, report: Report = silent) -> Spread:
    """Mint the shares that are missing and put them on the work's carriers.

    `survive` keepers may vanish afterwards; without it the promise made before holds, and without
    any, three shares are placed for each one needed. What is proved on a carrier already stays.
    Each share is read back and compared after it was written. May be killed at any moment and
    run again.

    Raises:
        BadInput: no carrier, or nothing sealed yet.
        Changed: a file isn't what was sealed.
        RolledBack, Forked: a carrier has a newer or another edition, signed with this work's key.
        NotEnough: a volume's files are gone from the folder, and its shares are too few.
    """
    entries = work.settings.carriers
    if not entries:
        raise BadInput(
            "this work has no carriers", "add one: outlast carrier add NAME /path/to/a/folder"
        )
    if survive is not None and survive < 0:
        raise BadInput("a promise to survive less than nothing")
    with work.locked(), contextlib.ExitStack() as stack:
        head = work.head()
        kits = work.kits(head)
        carriers = [entry.open() for entry in entries]
        for carrier in carriers:
            stack.callback(carrier.close)
        if survive is not None:
            work.settings.promise(survive)
        report(Progress("asking the carriers", 0, 0))
        surveys = survey(carriers, work.name)
        _check_unforked(work, head, surveys)
        spreading = _Spreading(
            work=work,
            targets=[_Target(e.name, s) for e, s in zip(entries, surveys, strict=True)],
            volumes=head.manifest(head.latest)[0].volumes,
            table=work.edition(head, head.latest).table,
            survive=work.settings.survive,
            report=report,
        )
        spreading.recall()
        spreading.place_shares(kits[head.latest])
        spreading.put_kits(
            {items.kit_name(work.name, each, packed): packed for each, packed in kits.items()}
        )
        return spreading.summary(head.latest)


def _check_unforked(work: Work, head: Head, surveys: Sequence[Surveyed]) -> None:
    """Stop if a carrier has editions of this work that this folder doesn't know."""
    theirs = [parts for surveyed in surveys for parts in surveyed.kits.values()]
    found = resolve(work.name, [head.parts, *theirs])
    if found.seen > head.seen:
        raise RolledBack(
            f"a carrier has edition {found.latest} of this work, signed with its key; "
            f"this folder only knows {head.latest}",
            "the work was sealed from another copy of the folder: go on from that one",
        )


@dataclass(slots=True, kw_only=True)
class _Spreading:
    """One run of `spread`."""

    work: Work
    targets: Sequence[_Target]
    volumes: Sequence[Volume]
    table: Table
    survive: int | None
    report: Report

    def recall(self) -> None:
        """Find what is on the carriers already; what no spread has proved yet is proved now."""
        noted = self.work.held()
        for volume in self.volumes:
            key = volume.id.hex()
            unproved: dict[_Target, dict[int, str]] = {}
            for target in self.targets:
                before = noted.get(key, {}).get(target.name, ())
                rows = target.rows[key] = set() if target.surveyed.reached else set(before)
                for name, share in target.surveyed.shares.items():
                    if name != items.share_name(self.work.name, volume.id, share.row):
                        continue
                    whole = target.surveyed.sizes[name] > share_size(volume.geometry)
                    if whole and share.row in before:
                        rows.add(share.row)
                    else:
                        unproved.setdefault(target, {})[share.row] = name
            if unproved:
                self._prove(volume, unproved)
        self._note()

    def _prove(self, volume: Volume, unproved: Mapping[_Target, Mapping[int, str]]) -> None:
        """Prove shares of a volume where they are, on all carriers side by side."""
        writers = {
            target: CarrierWriter(target.carrier, names) for target, names in unproved.items()
        }
        with self._heads(volume) as heads:
            for writer in writers.values():
                for row in writer.names:
                    writer.prove(row, heads, None)
            for target, writer in writers.items():
                writer.finish()
                target.rows[volume.id.hex()].update(writer.proved)
                if isinstance(writer.error, Unreachable):
                    target.error = writer.error

    def place_shares(self, packed_kit: bytes) -> None:
        """Bring every volume to its goal; what one carrier doesn't take goes to the others."""
        parts = kit.parse(packed_kit)
        own_kit = kit.pack({n: body for n, body in parts.items() if not n.startswith("index-")})
        for volume in self.volumes:
            while new := self._missing(volume):
                if self._write(volume, new, own_kit):
                    break

    def put_kits(self, kits: Mapping[str, bytes]) -> None:
        """Put the kits beside the shares, last, so that none announces what isn't there."""

        def put(target: _Target) -> bool:
            try:
                for name, packed in kits.items():
                    parts = kit.parse(packed)
                    # Old kits are listed and not read; their names say what is in them.
                    listed = target.surveyed.sizes.get(name) == len(packed)
                    if listed and target.surveyed.kits.get(name, parts) == parts:
                        continue
                    target.carrier.put(name, packed)
                    if b"".join(target.carrier.get(name)) != packed:
                        raise OutlastError("the kit reads back otherwise than it was written")
            except OutlastError as error:
                target.error = error
            return True

        usable = [target for target in self.targets if target.error is None]
        answers = at_once([partial(put, target) for target in usable])
        for target, answer in zip(usable, answers, strict=True):
            if not answer:
                target.error = no_answer(target.carrier)

    def summary(self, edition: int) -> Spread:
        """What stands where now."""
        survives = min(
            (
                placement.survivable(volume.geometry.k, self._rows_of_keepers(volume))
                for volume in self.volumes
            ),
            default=len({target.keeper for target in self.targets}) - 1,
        )
        return Spread(
            link=self.work.link,
            edition=edition,
            carriers=tuple(
                CarrierSpread(
                    name=target.name,
                    address=target.carrier.address,
                    keeper=target.keeper,
                    shares=sum(len(rows) for rows in target.rows.values()),
                    written=target.written,
                    trouble=target.error.message if target.error else "",
                )
                for target in self.targets
            ),
            survives=survives,
            promised=self.survive,
            enough=self._enough() if survives < (self.survive or 0) else "",
        )

    def _missing(self, volume: Volume) -> Mapping[str, tuple[int, ...]]:
        """Which rows of a volume to put where, among the carriers that still work."""
        held = {target.name: target.rows[volume.id.hex()] for target in self.targets}
        places = [
            Place(name=target.name, keeper=target.keeper, takes=target.error is None)
            for target in self.targets
        ]
        return placement.place(volume.geometry, places, held, self.survive)

    def _write(self, volume: Volume, new: Mapping[str, tuple[int, ...]], own_kit: bytes) -> bool:
        """Write the rows in `new`; whether all carriers took theirs."""
        writers = {
            target: CarrierWriter(
                target.carrier,
                {row: items.share_name(self.work.name, volume.id, row) for row in new[target.name]},
            )
            for target in self.targets
            if target.name in new
        }
        with self._heads(volume) as heads, self._source(volume) as source:
            try:
                self._mint(volume, source, list(writers.values()), heads, own_kit)
            except BaseException:
                for writer in writers.values():
                    writer.abort()
                raise
        for target, writer in writers.items():
            target.rows[volume.id.hex()].update(writer.proved)
            target.written += len(writer.proved)
            target.error = writer.error
        self._note()
        return all(writer.error is None for writer in writers.values())

    def _mint(
        self,
        volume: Volume,
        source: Stream,
        writers: Sequence[CarrierWriter],
        heads: ShareHeads,
        own_kit: bytes,
    ) -> None:
        """One pass: read, encode the rows that are wanted, hand them to all carriers at once."""
        geometry = volume.geometry
        wanted = {row for writer in writers for row in writer.names}
        parity = sorted(row for row in wanted if row >= geometry.k)
        for writer in writers:
            for row in writer.names:
                writer.begin(row, heads)

        def gather(
            data: Sequence[memoryview], coded: Sequence[memoryview]
        ) -> tuple[dict[int, memoryview], bytes]:
            digests = b"".join([blake3(symbol).digest() for symbol in data])
            return {**dict(enumerate(data)), **dict(zip(parity, coded, strict=True))}, digests

        def waiting() -> None:
            for writer in writers:
                writer.give_up_if_stalled()

        done = 0
        code = Code(geometry.k, geometry.n)
        for coded in encode(source, code, parity, gather, depth=CORES + 3, waiting=waiting):
            symbols, digests = coded.value
            if digests != heads.table.of(coded.segment, geometry.k):
                changed = ", ".join(self._files_at(volume, coded.segment))
                raise Changed(
                    f"one of these isn't what was sealed: {changed}",
                    "run 'outlast seal', then spread again",
                )
            lent = Lent(coded.slot, symbols, writers)
            for writer in writers:
                writer.append(lent)
            done += coded.size
            self.report(Progress("spreading", done, geometry.size))
        for writer in writers:
            writer.commit(own_kit)
            for row in writer.names:
                writer.prove(row, heads, own_kit)
        for at, writer in enumerate(writers):
            self.report(Progress("reading back", at, len(writers), "carriers"))
            writer.finish()

    def _files_at(self, volume: Volume, segment: int) -> Iterator[str]:
        """The files that have bytes in a segment."""
        start = segment * volume.geometry.segment
        end = start + volume.geometry.segment
        for path, entry in self.table.items():
            mine = entry.volume == volume.id and entry.size
            if mine and entry.offset < end and entry.offset + entry.size > start:
                yield ascii(path)

    def _heads(self, volume: Volume) -> contextlib.AbstractContextManager[ShareHeads]:
        return share_heads(volume, self.work.hashes(volume.id), lambda: self._source(volume))

    def _source(self, volume: Volume) -> contextlib.AbstractContextManager[Stream]:
        surveys = [target.surveyed for target in self.targets]
        packed_index = self.work.packed_index(volume)
        return open_source(self.work.root, volume, packed_index, self.table, surveys)

    def _rows_of_keepers(self, volume: Volume) -> dict[str, set[int]]:
        rows: dict[str, set[int]] = {}
        for target in self.targets:
            rows.setdefault(target.keeper, set()).update(target.rows[volume.id.hex()])
        return rows

    def _enough(self) -> str:
        survive = self.survive or 0
        keepers = {target.keeper for target in self.targets if target.error is None}
        needed = max(placement.keepers_needed(v.geometry, survive) for v in self.volumes)
        if len(keepers) < needed:
            return f"{needed} keepers that take shares would be enough; there are {len(keepers)}"
        return "the carriers that failed would be enough once they take their shares"

    def _note(self) -> None:
        """Remember what is proved where: a kill may come at any moment."""
        held = self.work.held()
        for volume in self.volumes:
            key = volume.id.hex()
            held[key] = {
                target.name: sorted(target.rows[key])
                for target in self.targets
                if key in target.rows
            }
        self.work.save_held(held)
