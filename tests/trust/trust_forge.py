"""Metadata of every shape, written by the vectors' own writer rather than by what is tested."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

VECTORS = Path(__file__).parent.parent.parent / "vectors"
sys.path.insert(0, str(VECTORS))

import trust_cases  # noqa: E402
import writer  # noqa: E402
from trust_cases import AUTHOR, NAME, OTHER, ROOT, ROOT_1, ROOT_2, THIEF, edition  # noqa: E402

__all__ = ["AUTHOR", "NAME", "OTHER", "ROOT", "ROOT_1", "ROOT_2", "THIEF", "edition"]

FOUNDING = trust_cases.FOUNDING


def signer(key: writer.Key) -> CryptoSigner:
    """The key as the package takes it."""
    return CryptoSigner(key.private)


def manifests(count: int) -> list[bytes]:
    """The manifests of editions 1 to `count`, each naming the one before."""
    made = [writer.compact(writer.manifest(1))]
    while len(made) < count:
        made.append(trust_cases.after(len(made) + 1, made[-1]))
    return made


def kit(count: int = 2, version: int | None = None, **options: Any) -> dict[str, bytes]:
    """The parts of the kit of edition `count`."""
    return edition(count if version is None else version, manifests(count), **options)


def root_of(signed: Mapping[str, Any]) -> Root:
    """A root as TUF reads it."""
    body = json.dumps({"signatures": [], "signed": signed}).encode()
    return Metadata[Root].from_bytes(body).signed


def chain(length: int) -> dict[str, bytes]:
    """Roots 1 to `length`; the last one names another author."""
    signed = [FOUNDING, *(writer.solo(ROOT, AUTHOR, version) for version in range(2, length))]
    signed.append(writer.solo(ROOT, OTHER, length))
    return {f"{at}.root.json": writer.sign(each, ROOT) for at, each in enumerate(signed, 1)}


def only(parts: Mapping[str, bytes], *words: str) -> dict[str, bytes]:
    """The parts whose name has one of the words in it."""
    return {name: body for name, body in parts.items() if any(word in name for word in words)}


def custodians(count: int) -> Sequence[writer.Key]:
    """Keys of custodians."""
    return [writer.Key(f"custodian {number}") for number in range(count)]
