"""Seal: a folder's state becomes a new edition, signed."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from blake3 import blake3
from securesystemslib.signer import CryptoSigner

from outlast.coding import Code
from outlast.errors import BadInput, Malformed
from outlast.format import index, manifest
from outlast.format.geometry import MAX_ROWS, rows_for
from outlast.format.index import Entry
from outlast.format.manifest import Manifest, Volume
from outlast.format.paths import SafePath
from outlast.format.share import volume_id
from outlast.steps import changes
from outlast.steps.changes import Indexes
from outlast.steps.files import writing_to
from outlast.steps.minting import hash_symbols
from outlast.steps.progress import Progress, Report, silent
from outlast.steps.work import INDEX_IN_KIT, Work
from outlast.trust.author import publish
from outlast.trust.memory import Seen
from outlast.trust.resolver import Head
from outlast.volume.known import Known, is_sure
from outlast.volume.media import media_type
from outlast.volume.scan import Found, Scan, scan
from outlast.volume.stream import Chain, FileStream, Tail, hash_file

_INDEX_LINE = 200
"""Bytes that a file adds to the index, about: for choosing k before the index is known."""
_SMALL_VOLUME = 64 * 1024 * 1024
"""Bytes: volumes below this are what `repack` merges."""
_MANY_SMALL = 50
"""Small volumes from which on a seal advises to merge them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a seal did."""

    link: str
    edition: int
    new: bool
    """False: nothing had changed, and the edition is the one from before."""
    files: int
    """Files and empty folders in the edition."""
    size: int
    """Bytes of its files together."""
    added: int
    """Files whose bytes were read into the new volume."""
    removed: int
    """Paths that the edition before had and this one hasn't."""
    coded: int
    """Bytes of the new volume, its index included; 0 if none was needed."""
    volumes: int
    small_volumes: int
    """How many of them `repack` would merge, once they are many."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A new volume."""

    volume: Volume
    packed_index: bytes
    entries: Sequence[Entry]


def seal(
    work: Work,
    ask: Callable[[], str],
    *,
    rehash: bool = False,
    repack: bool = False,
    rows: int | None = None,
    report: Report = silent,
) -> Sealed:
    """Make the folder's present state a new edition, in one pass over what is new.

    Only metadata is written, all of it in `.outlast/`. `ask` gives the author's passphrase, if
    the key has one. `rehash` reads files again that seem unchanged; `repack` merges small volumes
    into one; `rows` is n of the new volume, up to 256, for a crowd of keepers.

    Raises:
        BadInput: the folder has what can't be sealed, or the key isn't there.
        WrongPassphrase: the passphrase doesn't open the key.
        Changed: a file changed while it was read; no edition was made.
        StorageFull: no room for the metadata.
    """
    if rows is not None and not 1 <= rows <= MAX_ROWS:
        raise BadInput(f"{rows} rows can't be made", f"choose from 1 to {MAX_ROWS}")
    with work.locked():
        head = work.head()
        signer = work.author_key().open(ask)
        started = time.time_ns()
        scanned = scan(work.root)
        report(Progress("looking through the folder", len(scanned.files), 0, "files"))
        before, indexes = _before(work, head)
        known = work.known.load()

        plan = _plan(work, scanned, before, indexes, {} if rehash else known, repack, report)
        made = None
        if plan.fresh or plan.pointers:
            made = _make_volume(work, plan, rows, report)
        after = _manifest(work, scanned, head, plan.kept, made)
        new = before is None or _says(after) != _says(before)
        if new:
            _publish(work, head, after, made, signer)
        hashes = {**plan.hashes, **{e.path: e.hash for e in (made.entries if made else ())}}
        work.known.replace(
            known,
            {
                path: Known(size, mtime, ctime, inode, hashes[path], is_sure(mtime, ctime, started))
                for path, size, mtime, ctime, inode in scanned.files
            },
        )
    small = sum(volume.geometry.size < _SMALL_VOLUME for volume in after.volumes)
    return Sealed(
        link=work.link,
        edition=after.edition if new or before is None else before.edition,
        new=new,
        files=after.files,
        size=after.size,
        added=len(plan.fresh),
        removed=plan.gone,
        coded=made.volume.geometry.size if made else 0,
        volumes=len(after.volumes),
        small_volumes=small if small >= _MANY_SMALL else 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What goes into a new edition."""

    fresh: Sequence[Found]
    """Files to read into the new volume."""
    pointers: Sequence[Entry]
    """Lines of its index without bytes of their own."""
    kept: Indexes
    """The older volumes that stay."""
    hashes: Mapping[SafePath, bytes]
    """Of the files that need no reading."""
    gone: int
    """Paths that the edition before had and the folder hasn't."""


def _before(work: Work, head: Head) -> tuple[Manifest | None, Indexes]:
    """The edition before, and the indexes of its volumes."""
    if not head.latest:
        return None, []
    before, _ = head.manifest(head.latest)
    return before, [(volume, work.index(volume)) for volume in before.volumes]


def _plan(
    work: Work,
    scanned: Scan,
    before: Manifest | None,
    indexes: Indexes,
    known: Mapping[str, Known],
    repack: bool,
    report: Report,
) -> _Plan:
    if not scanned.files and not scanned.empty_folders:
        raise BadInput(f"{work.root} has nothing to seal", "put the work's files there")
    table = index.merge(indexes, before.removed) if before else {}
    compared = changes.compare(scanned.files, scanned.empty_folders, known, table)
    live = dict(compared.same)
    for at, (found, candidates) in enumerate(compared.unsure):
        report(Progress("looking at touched files", at, len(compared.unsure), "files"))
        digest = hash_file(work.root, found)
        match = next((entry for entry in candidates if entry.hash == digest), None)
        if match is not None:
            live[found.path] = match
    small = sum(volume.geometry.size < _SMALL_VOLUME for volume, _ in indexes)
    dropped = changes.dropped_volumes(
        indexes,
        live,
        _placed(work, indexes),
        repack_below=_SMALL_VOLUME if repack and small > 1 else 0,
    )
    return _Plan(
        fresh=[
            each
            for each in scanned.files
            if each.path not in live or live[each.path].volume in dropped
        ],
        pointers=changes.pointers(live, scanned.empty_folders, dropped, changes.listers(indexes)),
        kept=[pair for pair in indexes if pair[0].id not in dropped],
        hashes={path: entry.hash for path, entry in live.items()},
        gone=len(table.keys() - _paths(scanned)),
    )


def _paths(scanned: Scan) -> set[SafePath]:
    return {*scanned.empty_folders, *(found.path for found in scanned.files)}


def _placed(work: Work, indexes: Indexes) -> set[bytes]:
    """The volumes of which enough shares were proved on carriers to rebuild them."""
    held = work.held()
    return {
        volume.id
        for volume, _ in indexes
        if len(set().union(*held.get(volume.id.hex(), {}).values())) >= volume.geometry.k
    }


def _make_volume(work: Work, plan: _Plan, rows: int | None, report: Report) -> _Made:
    """Read the fresh files once: encode, hash every symbol, throw the coded bytes away."""
    total = sum(found.size for found in plan.fresh)
    k, n = rows_for(total + _INDEX_LINE * (len(plan.fresh) + len(plan.pointers) + 1))
    n = n if rows is None else max(rows, k)
    entries: list[Entry] = []
    offset = 0

    def note(digest: bytes) -> None:
        nonlocal offset
        found = plan.fresh[len(entries)]
        entries.append(
            Entry(
                path=found.path,
                size=found.size,
                hash=digest,
                type=media_type(found.path),
                offset=offset,
            )
        )
        offset += found.size

    packed = b""

    def finish() -> bytes:
        nonlocal packed
        packed = index.pack([*plan.pointers, *entries])
        return packed

    def done(size: int) -> None:
        report(Progress("sealing", min(size, total), total))

    pending = work.hashes(None)
    with closing(FileStream(work.root, plan.fresh, hashed=note)) as files:
        stream = Chain(files, Tail(finish))
        geometry, roots = hash_symbols(stream, Code(k, n), pending, done)
    volume = Volume(
        id=volume_id(geometry, roots),
        geometry=geometry,
        index_size=len(packed),
        index_hash=blake3(packed).digest(),
    )
    with writing_to(pending):
        pending.replace(work.hashes(volume.id))
    work.keep_index(volume.id, packed)
    return _Made(volume, packed, [*plan.pointers, *entries])


def _manifest(work: Work, scanned: Scan, head: Head, kept: Indexes, made: _Made | None) -> Manifest:
    """The manifest of the next edition."""
    before, packed = head.manifest(head.latest) if head.latest else (None, b"")
    present = _paths(scanned)
    named = {entry.path for _, entries in kept for entry in entries}
    return Manifest(
        edition=head.latest + 1,
        month=f"{datetime.now(UTC):%Y-%m}",
        title=work.settings.title,
        languages=work.settings.languages,
        previous=manifest.digest(packed) if before else None,
        volumes=tuple(volume for volume, _ in kept) + ((made.volume,) if made else ()),
        removed=frozenset(named - present),
        files=len(present),
        size=sum(found.size for found in scanned.files),
        extra=before.extra if before else {},
    )


def _says(edition: Manifest) -> tuple[object, ...]:
    """What makes a new edition worth its number."""
    return (edition.title, edition.languages, edition.volumes, edition.removed)


def _publish(
    work: Work, head: Head, after: Manifest, made: _Made | None, signer: CryptoSigner
) -> None:
    packed = after.pack()
    try:
        manifest.parse(packed)
    except Malformed as error:
        raise BadInput(
            f"readers would refuse this edition: {error}", "correct outlast.toml"
        ) from None
    parts = publish(head.parts, signer, after.edition, packed)
    if made and len(made.packed_index) <= INDEX_IN_KIT:
        parts[f"index-{made.volume.id.hex()}.json"] = made.packed_index
    work.record(after.edition, Seen(head.seen.root, head.seen.version + 1), parts)
