"""The author's side: founding a work, and signing its editions."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from outlast.format.manifest import target_name

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When signatures expire: a work must outlive its author. The price is said in the threat model."""

_Signed = TypeVar("_Signed", Targets, Snapshot, Timestamp)
_SERIALIZER = JSONSerializer(compact=True)


def work_name(root: Metadata[Root]) -> bytes:
    """The 32-byte name of the work that this first root founds: SHA-256 of its signed part."""
    return hashlib.sha256(root.signed_bytes).digest()


def found(root_signer: CryptoSigner, author: CryptoSigner) -> tuple[bytes, dict[str, bytes]]:
    """Root version 1 of a new work in solo mode: the author signs editions, one key the root.

    Returns:
        The work's name, and the kit parts that prove it: {'1.root.json': ...}.
    """
    root = Root(version=1, expires=NEVER, consistent_snapshot=True)
    root.add_key(root_signer.public_key, "root")
    for role in ("targets", "snapshot", "timestamp"):
        root.add_key(author.public_key, role)
    metadata = Metadata(root)
    metadata.sign(root_signer)
    return work_name(metadata), {"1.root.json": metadata.to_bytes(_SERIALIZER)}


def publish(
    history: Mapping[str, bytes], author: CryptoSigner, edition: int, manifest: bytes
) -> dict[str, bytes]:
    """Sign `manifest` as a new edition on top of `history`, the verified parts of the last kit.

    Every earlier edition is listed again, or it would stop verifying.

    Raises:
        ValueError: `edition` isn't the next one.

    Returns:
        The parts of the new kit: all roots, timestamp, snapshot, targets and the manifest.
    """
    targets: Targets = Targets(version=1, expires=NEVER)
    version = 1
    if "timestamp.json" in history:
        version = Metadata[Timestamp].from_bytes(history["timestamp.json"]).signed.version + 1
        last = max(_number(name) for name in history if name.endswith(".targets.json"))
        targets.targets = (
            Metadata[Targets].from_bytes(history[f"{last}.targets.json"]).signed.targets
        )
    name = target_name(edition)
    if sorted(targets.targets) != [target_name(each) for each in range(1, edition)]:
        raise ValueError(f"edition {edition} isn't the next one")
    targets.version = version
    targets.targets[name] = TargetFile.from_data(name, manifest, ["sha256"])
    signed_targets = _sign(targets, author)

    meta = {"targets.json": MetaFile.from_data(version, signed_targets, ["sha256"])}
    signed_snapshot = _sign(Snapshot(version=version, expires=NEVER, meta=meta), author)

    pointer = MetaFile.from_data(version, signed_snapshot, ["sha256"])
    timestamp = Timestamp(version=version, expires=NEVER, snapshot_meta=pointer)
    return {
        **{name: body for name, body in history.items() if name.endswith(".root.json")},
        "timestamp.json": _sign(timestamp, author),
        f"{version}.snapshot.json": signed_snapshot,
        f"{version}.targets.json": signed_targets,
        name: manifest,
    }


def _number(name: str) -> int:
    return int(name.split(".")[0])


def _sign(signed: _Signed, author: CryptoSigner) -> bytes:
    metadata = Metadata(signed)
    metadata.sign(author)
    return metadata.to_bytes(_SERIALIZER)
