"""From whatever kits the carriers hand out to the one head that may be believed.

Plain TUF clients ask one repository and stop at its first bad answer. Here anyone may have
written any part of any kit, so the parts of all kits go into one pool, only what the chain of
roots from the work's name proves is kept, the highest head is chosen, and ngclient, which has
been examined for years, has the last word on it.
"""

import json
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Signature
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError, SerializationError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from outlast.errors import BadInput, Forked, NotEnough, NotGenuine, RolledBack
from outlast.format import manifest as manifests
from outlast.format.link import format_link
from outlast.format.manifest import Manifest, target_name
from outlast.trust.author import NEVER, work_name
from outlast.trust.memory import Seen
from outlast.trust.rules import check_root

MAX_ROTATIONS = 256
MAX_VERSION = 2**31 - 1
_LARGEST = {
    "root": 64 * 1024,
    "timestamp": 16 * 1024,
    "snapshot": 16 * 1024,
    "targets": 8 * 1024**2,
}
"""Bytes of each kind of part that is looked at: a hundred custodians, some 50,000 editions."""
_EDITION = re.compile(r"edition-([0-9]{6,12})\.json")

NOTHING = Seen()
_LARGEST_UNREADABLE = 2**20
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_Pool = Mapping[str, Collection[bytes]]
_Signed = TypeVar("_Signed", Root, Snapshot, Targets, Timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest state of a work that its name proves."""

    name: bytes
    seen: Seen
    """How far it has come: what a reader remembers."""
    announced: int
    """The highest version that is signed for, complete or not: above `seen.version`, a newer
    state exists, and its parts are on none of the carriers."""
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
            before = self.editions.get(edition - 1)
            if found.edition != edition or (
                before and before.hashes.get("sha256") != (found.previous or b"").hex()
            ):
                raise NotGenuine(f"edition {edition} doesn't follow the one before it")
            return found, body
        raise NotEnough(
            f"the manifest of edition {edition} is on none of these carriers", "add another carrier"
        )


def resolve(name: bytes, kits: Iterable[Mapping[str, bytes]], *, seen: Seen = NOTHING) -> Head:
    """The head of the work `name`, from the parts of all `kits`, whoever wrote them.

    `seen` is how far this reader has seen the work before.

    Raises:
        NotEnough: no kit of any work was found, or the head's parts are incomplete.
        NotGenuine: there are kits, and none of this work.
        Forked: two different states of one version, both properly signed.
        RolledBack: these carriers offer less than this reader has seen.
    """
    pool = _gather(kits)
    roots = _chain(name, pool)
    root = roots[-1][0].signed
    parts = {f"{each.signed.version}.root.json": body for each, body in roots}
    heads = _heads(root, pool)
    complete = [version for version, head in heads.items() if head]
    version = max(complete, default=0)
    editions: dict[int, TargetFile] = {}
    if complete:
        parts |= heads[version]
        _confirm(parts)
        editions = _agreed_editions([heads[each] for each in sorted(complete, reverse=True)])
    elif heads:
        raise NotEnough(
            "the kits found here are incomplete: they name an edition that none brings",
            "add another carrier",
        )
    elif "timestamp.json" in pool:
        raise NotGenuine("the editions offered are not signed by this work's author")
    found = Seen(root.version, version)
    if found < seen:
        raise RolledBack(
            f"you saw version {seen.version} of this work before (keys {seen.root}); "
            f"these carriers offer version {found.version} (keys {found.root})",
            "ask other carriers: these are behind, or hide what is newer",
        )
    return Head(
        name=name,
        seen=found,
        announced=max(heads, default=0),
        editions=editions,
        parts=parts,
        solo=root.roles["timestamp"].threshold == 1,
        pool=pool,
    )


def claimed_names(kits: Iterable[Mapping[str, bytes]]) -> list[bytes]:
    """The names of the works that kits claim to be of. Whether they are what somebody meant, only
    a link from that person can tell.
    """
    roots = _gather(kits).get("1.root.json", ())
    return list(dict.fromkeys(work_name(each) for each, _ in _parsed(Root, roots)))


def _gather(kits: Iterable[Mapping[str, bytes]]) -> _Pool:
    """All parts by name, each different body once. How many kits there are is the survey's cap."""
    pool: dict[str, dict[bytes, None]] = {}
    for kit in kits:
        for part, body in kit.items():
            pool.setdefault(part, {})[body] = None
    return pool


def _parsed(
    kind: type[_Signed], bodies: Iterable[bytes]
) -> Iterator[tuple[Metadata[_Signed], bytes]]:
    """Those of `bodies` that are metadata of this kind, in a form that has one meaning."""
    for body in bodies:
        if len(body) > _LARGEST[kind.type]:
            continue
        try:
            metadata = Metadata.from_bytes(body)
            canonical = encode_canonical(json.loads(body)["signed"])
            # What another reader would verify must be what we do: nothing added or left out.
            same = canonical is not None and canonical.encode() == metadata.signed_bytes
        except (DeserializationError, SerializationError, FormatError, ValueError, RecursionError):
            continue
        signed = metadata.signed
        if (
            same
            and all(_SIGNATURE.fullmatch(str(s.signature)) for s in metadata.signatures.values())
            and isinstance(signed, kind)
            and signed.expires == NEVER
            and signed.version <= MAX_VERSION
        ):
            yield metadata, body


def _chain(name: bytes, pool: _Pool) -> list[tuple[Metadata[Root], bytes]]:
    """The roots from the one that the name proves to the newest, each signed by the one before."""
    chain: list[tuple[Metadata[Root], bytes]] = []
    for version in range(1, MAX_ROTATIONS + 3):
        fits: dict[bytes, tuple[Metadata[Root], bytes]] = {}
        for each, body in _parsed(Root, pool.get(f"{version}.root.json", ())):
            if each.signed.version != version or (version == 1 and work_name(each) != name):
                continue
            if chain and not _verifies(chain[-1][0].signed, "root", each):
                continue
            check_root(each.signed)
            if _verifies(each.signed, "root", each):
                fits[each.signed_bytes] = (each, body)
        if len(fits) > 1:
            raise _forked("sets of keys", version)
        if not fits:
            if chain:
                _refuse_unreadable(chain[-1][0].signed, pool.get(f"{version}.root.json", ()))
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


def _refuse_unreadable(root: Root, bodies: Iterable[bytes]) -> None:
    """Stop at new keys that are signed for and can't be read: the old ones hold no longer.

    Raises:
        NotGenuine: there are some.
    """
    for body in bodies:
        if len(body) > _LARGEST_UNREADABLE or any(_parsed(Root, [body])):
            continue
        try:
            found = json.loads(body)
            signed = encode_canonical(found["signed"])
            signatures = {
                each["keyid"]: Signature(each["keyid"], each["sig"]) for each in found["signatures"]
            }
            root.verify_delegate("root", (signed or "").encode(), signatures)
        except (RepositoryError, FormatError, ValueError, KeyError, TypeError, RecursionError):
            continue
        raise NotGenuine(
            "this work has new keys that this version can't read", "use a newer outlast"
        )


def _heads(root: Root, pool: _Pool) -> dict[int, dict[str, bytes]]:
    """Every version that is signed for under `root`, with its parts; none where they're missing."""
    found: dict[int, dict[bytes, tuple[Timestamp, bytes]]] = {}
    for each, body in _parsed(Timestamp, pool.get("timestamp.json", ())):
        if _verifies(root, "timestamp", each):
            found.setdefault(each.signed.version, {})[each.signed_bytes] = (each.signed, body)
    heads: dict[int, dict[str, bytes]] = {}
    for version, timestamps in found.items():
        if len(timestamps) > 1:
            raise _forked("states", version)
        ((timestamp, body),) = timestamps.values()
        heads[version] = _complete(timestamp, body, pool)
    return heads


def _complete(timestamp: Timestamp, body: bytes, pool: _Pool) -> dict[str, bytes]:
    """A timestamp with the snapshot and the targets that it pins; nothing if one is missing."""
    snapshot_name = f"{timestamp.snapshot_meta.version}.snapshot.json"
    snapshots = [
        each for each in pool.get(snapshot_name, ()) if _matches(timestamp.snapshot_meta, each)
    ]
    for snapshot, snapshot_body in _parsed(Snapshot, snapshots):
        pointer = snapshot.signed.meta.get("targets.json")
        if pointer is None:
            continue
        targets_name = f"{pointer.version}.targets.json"
        for targets_body in pool.get(targets_name, ()):
            if len(targets_body) <= _LARGEST["targets"] and _matches(pointer, targets_body):
                return {
                    "timestamp.json": body,
                    snapshot_name: snapshot_body,
                    targets_name: targets_body,
                }
    return {}


def _agreed_editions(heads: Sequence[Mapping[str, bytes]]) -> dict[int, TargetFile]:
    """The editions that the newest head lists. What older heads say of them must be the same.

    Raises:
        Forked: an edition's manifest was replaced.
    """
    newest: dict[int, TargetFile] | None = None
    for head in heads:
        name = next(part for part in head if part.endswith(".targets.json"))
        editions = {}
        for each, _ in _parsed(Targets, [head[name]]):
            for path, target in each.signed.targets.items():
                found = _EDITION.fullmatch(path)
                number = int(found[1]) if found else 0
                if number and target_name(number) == path and "sha256" in target.hashes:
                    editions[number] = target
        if newest is None:
            newest = editions
        for number, target in editions.items():
            if number in newest and newest[number].hashes["sha256"] != target.hashes["sha256"]:
                raise _forked("manifests", number)
    return newest or {}


def _verifies(root: Root, role: str, metadata: Metadata[_Signed]) -> bool:
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        return False
    return True


def _matches(pointer: MetaFile, body: bytes) -> bool:
    if not pointer.hashes or "sha256" not in pointer.hashes or pointer.length is None:
        return False  # without these, whoever wrote the bodies would choose among them
    try:
        pointer.verify_length_and_hashes(body)
    except RepositoryError:
        return False
    return True


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


def _confirm(parts: Mapping[str, bytes]) -> None:
    """Let ngclient verify the chosen parts.

    Raises:
        NotGenuine: it disagrees, or the author's list of editions hands power on.
    """
    config = UpdaterConfig(
        max_root_rotations=MAX_ROTATIONS + 1,
        root_max_length=_LARGEST["root"],
        timestamp_max_length=_LARGEST["timestamp"],
        snapshot_max_length=_LARGEST["snapshot"],
        targets_max_length=_LARGEST["targets"],
    )
    try:
        with tempfile.TemporaryDirectory(prefix="outlast-") as scratch:
            updater = Updater(
                scratch,
                "parts:///",
                fetcher=_PartsFetcher(parts),
                config=config,
                bootstrap=parts["1.root.json"],
            )
            updater.refresh()
    except (RepositoryError, DownloadError, ValueError) as error:
        raise NotGenuine(f"the signatures don't hold: {error}") from error
    except OSError as error:
        raise BadInput(
            f"the system's folder for temporary files can't be used: {error.strerror}",
            "make room there, or name another with TMPDIR",
        ) from error
    name = next(part for part in parts if part.endswith(".targets.json"))
    if Metadata[Targets].from_bytes(parts[name]).signed.delegations is not None:
        raise NotGenuine("the author's list of editions hands power on; no work may do that")
