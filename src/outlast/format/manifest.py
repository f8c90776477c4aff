"""A manifest: what one edition of a work is. See spec/manifest.md."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from outlast.errors import Malformed
from outlast.format import document
from outlast.format.geometry import Geometry
from outlast.format.paths import SafePath

FORMAT = "outlast manifest 1"
MAX_MANIFEST = 4 * 1024 * 1024
MAX_VOLUMES = 10_000
MAX_LANGUAGES = 100
LANGUAGE = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,6}")
"""The form of a language tag (RFC 5646): en, zh, zh-Hant."""
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume as a manifest binds it."""

    id: bytes
    geometry: Geometry
    index_size: int
    """Bytes of the index, the last of the stream."""
    index_hash: bytes
    """BLAKE3 of the index."""
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Keys of later versions, kept as they are."""

    @property
    def stream(self) -> int:
        """Bytes of files, before the index."""
        return self.geometry.size - self.index_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One signed state of a work: its volumes in order, and what it takes away."""

    edition: int
    month: str
    """Year and month of sealing, '2027-03': no exacter time is published."""
    title: str
    languages: tuple[str, ...]
    previous: bytes | None
    """SHA-256 of the manifest before, None in the first."""
    volumes: tuple[Volume, ...]
    """Where two of them name one path, the later one holds."""
    removed: frozenset[SafePath] = frozenset()
    """Paths that the volumes name and this edition no longer has."""
    files: int
    """How many files and empty folders this edition has."""
    size: int
    """Bytes of its files together."""
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Keys of later versions, kept as they are."""

    def pack(self) -> bytes:
        """The manifest's bytes: the same value gives the same bytes."""
        return document.write(
            {
                **self.extra,
                "format": FORMAT,
                "edition": self.edition,
                "month": self.month,
                "title": self.title,
                "languages": list(self.languages),
                "previous": self.previous.hex() if self.previous else None,
                "volumes": [_pack_volume(volume) for volume in self.volumes],
                "removed": sorted(self.removed),
                "files": self.files,
                "bytes": self.size,
            }
        )


def digest(manifest: bytes) -> bytes:
    """The hash by which the next manifest names this one: SHA-256."""
    return hashlib.sha256(manifest).digest()


def target_name(edition: int) -> str:
    """The TUF target that an edition's manifest is: 7 gives 'edition-000007.json'."""
    return f"edition-{edition:06d}.json"


_KNOWN = frozenset(
    [
        "format",
        "edition",
        "month",
        "title",
        "languages",
        "previous",
        "volumes",
        "removed",
        "files",
        "bytes",
    ]
)


def parse(data: bytes) -> Manifest:
    """Read and check a manifest. Who signed it is the business of trust.

    Raises:
        Malformed: no manifest, of a later version, or outside the caps.
        UnsafePath: a hostile path.
    """
    found = document.read(data, "a manifest", MAX_MANIFEST)
    if found.get("format") != FORMAT:
        raise Malformed("not a manifest that this version reads", "a newer outlast may read it")
    month = document.text(found, "month")
    if not _MONTH.fullmatch(month):
        raise Malformed("the manifest's month is not a month")
    rows = document.objects(found, "volumes")
    if len(rows) > MAX_VOLUMES:
        raise Malformed(f"a manifest of {len(rows)} volumes is outside the caps")
    volumes = tuple(_parse_volume(row) for row in rows)
    if len({volume.id for volume in volumes}) != len(volumes):
        raise Malformed("a manifest names a volume twice")
    edition = document.integer(found, "edition", low=1)
    if (found.get("previous") is None) != (edition == 1):
        raise Malformed("a manifest but the first names the one before it")
    languages = tuple(document.strings(found, "languages"))
    title = document.text(found, "title")
    check_words(title, languages)
    return Manifest(
        edition=edition,
        month=month,
        title=title,
        languages=languages,
        previous=None if edition == 1 else document.digest(found, "previous"),
        volumes=volumes,
        removed=frozenset(SafePath(path) for path in document.strings(found, "removed")),
        files=document.integer(found, "files"),
        size=document.integer(found, "bytes"),
        extra={key: value for key, value in found.items() if key not in _KNOWN},
    )


_KNOWN_OF_VOLUME = frozenset(["id", "k", "n", "symbol", "size", "index"])


def check_words(title: str, languages: Sequence[str]) -> None:
    """Refuse a title or languages that no manifest may have.

    Raises:
        Malformed: the title has what can't be shown; a language is no tag.
    """
    document.text({"title": title}, "title")
    if len(languages) > MAX_LANGUAGES or not all(map(LANGUAGE.fullmatch, languages)):
        raise Malformed("the languages are not language tags such as en, zh, zh-Hant")


def _pack_volume(volume: Volume) -> dict[str, Any]:
    g = volume.geometry
    return {
        **volume.extra,
        "id": volume.id.hex(),
        "k": g.k,
        "n": g.n,
        "symbol": g.symbol,
        "size": g.size,
        "index": {"size": volume.index_size, "hash": volume.index_hash.hex()},
    }


def _parse_volume(row: Mapping[str, Any]) -> Volume:
    geometry = Geometry(
        k=document.integer(row, "k"),
        n=document.integer(row, "n"),
        symbol=document.integer(row, "symbol"),
        size=document.integer(row, "size"),
    )
    index = row.get("index")
    if not isinstance(index, dict):
        raise Malformed("a volume of the manifest has no index")
    size = document.integer(index, "size", low=1)
    if size > geometry.size:
        raise Malformed("a volume's index is larger than the volume")
    return Volume(
        id=document.digest(row, "id"),
        geometry=geometry,
        index_size=size,
        index_hash=document.digest(index, "hash"),
        extra={key: value for key, value in row.items() if key not in _KNOWN_OF_VOLUME},
    )
