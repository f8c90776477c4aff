"""Gather: rebuild a work's files from whatever shares the carriers still have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from outlast.carriers.base import Carrier
from outlast.errors import BadInput, NotEnough
from outlast.format.index import Entry
from outlast.format.link import format_link, parse_link
from outlast.format.paths import SafePath
from outlast.steps.edition import Opened, open_edition
from outlast.steps.progress import Progress, Report, silent
from outlast.steps.reader import WINDOW
from outlast.steps.restore import Restore
from outlast.steps.survey import Surveyed, Trouble, survey


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierReport:
    """What one carrier contributed, and what was refused."""

    address: str
    reached: bool
    shares: int
    """Shares of this edition that it names."""
    trouble: tuple[Trouble, ...]
    """What was refused, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a gather did."""

    link: str
    edition: int
    latest: int
    """The newest edition that the carriers know."""
    month: str
    """When it was sealed: '2027-03'."""
    title: str
    solo: bool
    """Whether one person alone could have published it."""
    files: int
    """Files and empty folders that are in the destination now, proved."""
    already: int
    """How many of them were there before."""
    size: int
    """Bytes of the files together."""
    to: Path
    carriers: tuple[CarrierReport, ...]


def gather(
    link: str,
    carriers: Sequence[Carrier],
    to: Path,
    *,
    only: Sequence[str] = (),
    edition: int | None = None,
    overwrite: bool = False,
    report: Report = silent,
) -> Gathered:
    """Rebuild the files of an edition below `to`, from any k sound shares of each volume.

    Each file grows beside the result, in `.outlast-gathering`, and takes its name when its last
    byte is proved. Killed and run again, it goes on where it stopped. `only` are patterns in
    gitignore's syntax, such as 'film/*.mp4'; then just the segments with those files are read.

    Raises:
        NotEnough: too few sound shares of a volume; `reasons` say what was refused where. What
            could be rebuilt is in `to`.
        NotGenuine: what the carriers offer isn't signed as it should be.
        BadInput: no link, no matching file, or other files stand where the work's would go.
        StorageFull: no room.
    """
    name = parse_link(link)
    if not carriers:
        raise BadInput("no carrier to gather from", "name one with --from")
    report(Progress("asking the carriers", 0, 0))
    surveys = survey(carriers, name, edition=edition)
    opened = None
    try:
        opened = open_edition(surveys, name, edition, window=WINDOW)
        wanted = choose(opened.table, only)
        already = _restore(opened, wanted, to, overwrite, report)
        reports = carrier_reports(surveys, opened)
    except NotEnough as error:
        error.reasons = _reasons(carrier_reports(surveys, opened))
        raise
    finally:
        if opened is not None:
            opened.close()
    return Gathered(
        link=format_link(name),
        edition=opened.manifest.edition,
        latest=opened.head.latest,
        month=opened.manifest.month,
        title=opened.manifest.title,
        solo=opened.head.solo,
        files=len(wanted),
        already=already,
        size=sum(entry.size for entry in wanted),
        to=to,
        carriers=reports,
    )


def choose(table: dict[SafePath, Entry], only: Sequence[str]) -> list[Entry]:
    """The entries that the patterns name; all of them without a pattern.

    Raises:
        BadInput: no file matches.
    """
    if not only:
        return list(table.values())
    rules = GitIgnoreSpec.from_lines(only)
    chosen = [entry for path, entry in table.items() if rules.match_file(path)]
    if not chosen:
        folders = sorted({path.partition("/")[0] for path in table})
        raise BadInput(
            f"no file of this edition matches {' '.join(map(ascii, only))}",
            "it has " + ", ".join(map(ascii, folders[:10])) + (" …" if len(folders) > 10 else ""),
        )
    return chosen


def _restore(
    opened: Opened, wanted: Iterable[Entry], to: Path, overwrite: bool, report: Report
) -> int:
    """Write the wanted files, volume by volume; how many were there before.

    A volume that can't be rebuilt doesn't keep the others from it.
    """
    restore = Restore(to)
    missing, already = restore.prepare(wanted, overwrite=overwrite, report=report)
    total = sum(entry.size for entry in missing)
    done = 0
    lacking: NotEnough | None = None
    for volume, reader in opened.readers.items():
        mine = [entry for entry in missing if entry.volume == volume]
        try:
            for size in restore.write(mine, reader):
                done += size
                report(Progress("gathering", done, total))
        except NotEnough as error:
            lacking = error
    if lacking is not None:
        raise lacking
    restore.finish()
    return already


def carrier_reports(
    surveys: Sequence[Surveyed], opened: Opened | None
) -> tuple[CarrierReport, ...]:
    """What each carrier had, and what was refused of it."""
    volumes = {volume.hex()[:16] for volume in opened.readers} if opened else set()
    trouble = [each for surveyed in surveys for each in surveyed.trouble]
    for reader in opened.readers.values() if opened else ():
        trouble += reader.trouble
    return tuple(
        CarrierReport(
            address=surveyed.carrier.address,
            reached=surveyed.reached,
            shares=sum(not opened or share.volume in volumes for share in surveyed.shares.values()),
            trouble=tuple(each for each in trouble if each.carrier == surveyed.carrier.address),
        )
        for surveyed in surveys
    )


def _reasons(reports: Iterable[CarrierReport]) -> tuple[str, ...]:
    lines = []
    for each in reports:
        lines.append(f"{each.address}: {each.shares} shares named")
        lines += [
            f"    {one.item or 'carrier'}: {one.reason}"
            + (f" (×{one.times})" if one.times > 1 else "")
            for one in each.trouble
        ]
    return tuple(lines)
