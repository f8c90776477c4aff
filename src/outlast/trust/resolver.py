"""From whatever kits the carriers hand out to the one head that may be believed.

Plain TUF clients ask one repository and stop at its first bad answer. Here anyone may have
written any part of any kit, so the parts of all kits go into one pool, only what the chain of
roots from the work's name proves is kept, the highest head is chosen, and ngclient, which has
been examined for years, has the last word on it.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError, SerializationError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from outlast.errors import Forked, NotEnough, NotGenuine, RolledBack
from outlast.format import manifest as manifests
from outlast.format.link import format_link
from outlast.format.manifest import Manifest, target_name
from outlast.trust.author import work_name
from outlast.trust.rules import check_root

MAX_ROTATIONS = 256
_EDITION = re.compile(r"edition-([0-9]{6,12})\.json")
MAX_METADATA = 8 * 1024 * 1024
"""Bytes of one part that is parsed at all: targets of some 50,000 editions."""
MAX_CANDIDATES = 256
"""Different parts of one kind that are looked at: what many keepers' kits need, and no flood."""

_Pool = Mapping[str, Mapping[bytes, None]]
_Signed = TypeVar("_Signed", Root, Snapshot, Targets, Timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest state of a work that its name proves."""

    name: bytes
    version: int
    """Of the timestamp: grows with every publication."""
    editions: Mapping[int, TargetFile]
    """The editions that this head vouches for."""
    parts: Mapping[str, bytes]
    """The verified metadata: roots, timestamp, snapshot, targets."""
    solo: bool
    """Whether one person alone can publish."""
    pool: _Pool = field(repr=False)

    @property
    def latest(self) -> int:
        """The newest edition's number; 0 before the first."""
        return max(self.editions, default=0)

    def manifest(self, edition: int) -> tuple[Manifest, bytes]:
        """The manifest of an edition, proved, and its bytes.

        Raises:
            NotEnough: no such edition, or no carrier brought its manifest.
        """
        target = self.editions.get(edition)
        if target is None:
            raise NotEnough(
                f"this work has no edition {edition}",
                f"it has editions {min(self.editions)} to {self.latest}"
                if self.editions
                else "nothing has been sealed yet",
            )
        for body in self.pool.get(target_name(edition), ()):
            try:
                target.verify_length_and_hashes(body)
            except RepositoryError:
                continue
            found = manifests.parse(body)
            if found.edition != edition:
                raise NotGenuine(f"edition {edition} is signed with another edition's number")
            return found, body
        raise NotEnough(
            f"the manifest of edition {edition} is on none of these carriers", "add another carrier"
        )


def resolve(name: bytes, kits: Iterable[Mapping[str, bytes]], *, seen: int = 0) -> Head:
    """The head of the work `name`, from the parts of all `kits`, whoever wrote them.

    `seen` is the version that this reader has seen before.

    Raises:
        NotEnough: no kit of any work was found, or the head's parts are incomplete.
        NotGenuine: there are kits, and none of this work.
        Forked: two different heads of one version, both properly signed.
        RolledBack: these carriers offer less than this reader has seen.
    """
    pool = _gather(kits)
    roots = _chain(name, pool)
    root = roots[-1][0].signed
    head = _head(root, pool)
    parts = {f"{each.signed.version}.root.json": body for each, body in roots}
    version = 0
    editions: dict[int, TargetFile] = {}
    if head:
        parts |= head
        version, editions = _confirm(parts)
    if version < seen:
        raise RolledBack(
            f"you saw version {seen} of this work before; these carriers offer version {version}",
            "ask other carriers: these are behind, or hide what is newer",
        )
    return Head(
        name=name,
        version=version,
        editions=editions,
        parts=parts,
        solo=len(root.roles["timestamp"].keyids) == 1,
        pool=pool,
    )


def claimed_names(kits: Iterable[Mapping[str, bytes]]) -> list[bytes]:
    """The names of the works that kits claim to be of. Whether they are what somebody meant, only
    a link from that person can tell.
    """
    roots = _gather(kits).get("1.root.json", ())
    return list(dict.fromkeys(work_name(each) for each, _ in _parsed(Root, roots)))


def _gather(kits: Iterable[Mapping[str, bytes]]) -> _Pool:
    """All parts by name, each different body once."""
    pool: dict[str, dict[bytes, None]] = {}
    for kit in kits:
        for part, body in kit.items():
            bodies = pool.setdefault(part, {})
            if len(bodies) < MAX_CANDIDATES:
                bodies[body] = None
    return pool


def _parsed(
    kind: type[_Signed], bodies: Iterable[bytes]
) -> Iterator[tuple[Metadata[_Signed], bytes]]:
    """Those of `bodies` that are metadata of this kind at all."""
    for body in bodies:
        if len(body) > MAX_METADATA:
            continue
        try:
            metadata = Metadata.from_bytes(body)
            # What can't be put into canonical form can't have been signed (and would fail later).
            _ = metadata.signed_bytes
        except (DeserializationError, SerializationError, RecursionError):
            continue
        if isinstance(metadata.signed, kind):
            yield metadata, body


def _chain(name: bytes, pool: _Pool) -> list[tuple[Metadata[Root], bytes]]:
    """The roots from the one that the name proves to the newest, each signed by the one before."""
    chain: list[tuple[Metadata[Root], bytes]] = []
    for version in range(1, MAX_ROTATIONS + 2):
        fits: dict[bytes, tuple[Metadata[Root], bytes]] = {}
        for each, body in _parsed(Root, pool.get(f"{version}.root.json", ())):
            if each.signed.version != version or (version == 1 and work_name(each) != name):
                continue
            signers = [each.signed] if version == 1 else [chain[-1][0].signed, each.signed]
            if all(_verifies(signer, "root", each) for signer in signers):
                check_root(each.signed)
                fits[each.signed_bytes] = (each, body)
        if len(fits) > 1:
            raise _forked("sets of keys", version)
        if not fits:
            break
        chain.extend(fits.values())
    else:
        raise NotGenuine(f"this work's keys changed more than {MAX_ROTATIONS} times")
    if chain:
        return chain
    if pool:
        raise NotGenuine(
            "this is not the work you asked for",
            f"nothing here belongs to {format_link(name)}; check the link and the address",
        )
    raise NotEnough("no kit was found: nothing here says what the work is", "add another carrier")


def _head(root: Root, pool: _Pool) -> dict[str, bytes]:
    """The parts of the highest complete head under `root`; none if nothing was published yet."""
    heads: dict[int, dict[bytes, tuple[Timestamp, bytes]]] = {}
    for each, body in _parsed(Timestamp, pool.get("timestamp.json", ())):
        if _verifies(root, "timestamp", each):
            heads.setdefault(each.signed.version, {})[each.signed_bytes] = (each.signed, body)
    for version in sorted(heads, reverse=True):
        if len(heads[version]) > 1:
            raise _forked("editions", version)
        ((timestamp, body),) = heads[version].values()
        snapshot_name = f"{timestamp.snapshot_meta.version}.snapshot.json"
        for snapshot, snapshot_body in _parsed(Snapshot, pool.get(snapshot_name, ())):
            pointer = snapshot.signed.meta.get("targets.json")
            if pointer is None or not _matches(timestamp.snapshot_meta, snapshot_body):
                continue
            targets_name = f"{pointer.version}.targets.json"
            for targets_body in pool.get(targets_name, ()):
                if _matches(pointer, targets_body):
                    return {
                        "timestamp.json": body,
                        snapshot_name: snapshot_body,
                        targets_name: targets_body,
                    }
    if heads:
        raise NotEnough(
            "the kits found here are incomplete: they name an edition that none brings",
            "add another carrier",
        )
    if "timestamp.json" in pool:
        raise NotGenuine("the editions offered are not signed by this work's author")
    return {}


def _verifies(root: Root, role: str, metadata: Metadata[_Signed]) -> bool:
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        return False
    return True


def _matches(pointer: MetaFile, body: bytes) -> bool:
    try:
        pointer.verify_length_and_hashes(body)
    except RepositoryError:
        return False
    # A pointer without a hash would leave the choice among bodies to whoever wrote them.
    return bool(pointer.hashes)


def _forked(what: str, version: int) -> Forked:
    return Forked(
        f"two different {what} of version {version} were signed: do not trust either",
        "ask the author over another way which one is meant; a key may have been stolen",
    )


class _PartsFetcher(FetcherInterface):
    """Hands the chosen parts to ngclient, which believes that it talks to a server."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = parts

    def _fetch(self, url: str) -> Iterator[bytes]:
        body = self._parts.get(url.rpartition("/")[2])
        if body is None:
            raise DownloadHTTPError("not among the parts", 404)
        yield body


def _confirm(parts: Mapping[str, bytes]) -> tuple[int, dict[int, TargetFile]]:
    """Let ngclient verify the chosen parts; the head's version and the editions it lists."""
    config = UpdaterConfig(
        max_root_rotations=MAX_ROTATIONS,
        root_max_length=MAX_METADATA,
        timestamp_max_length=MAX_METADATA,
        snapshot_max_length=MAX_METADATA,
        targets_max_length=MAX_METADATA,
    )
    with tempfile.TemporaryDirectory(prefix="outlast-") as scratch:
        updater = Updater(
            scratch,
            "parts:///",
            fetcher=_PartsFetcher(parts),
            config=config,
            bootstrap=parts["1.root.json"],
        )
        try:
            updater.refresh()
        except (RepositoryError, ValueError) as error:
            raise NotGenuine(f"the signatures don't hold: {error}") from error
    timestamp = Metadata[Timestamp].from_bytes(parts["timestamp.json"]).signed
    name = next(part for part in parts if part.endswith(".targets.json"))
    targets = Metadata[Targets].from_bytes(parts[name]).signed
    if targets.delegations is not None:
        raise NotGenuine("the author's list of editions hands power on; no work may do that")
    editions = {
        int(found[1]): target
        for path, target in targets.targets.items()
        if (found := _EDITION.fullmatch(path))
    }
    return timestamp.version, editions
