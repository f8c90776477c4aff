"""An edition as a reader finds it: head, manifest and files, from what the carriers hand out."""

from collections.abc import Sequence
from dataclasses import dataclass

from blake3 import blake3

from outlast.errors import NotEnough, NotGenuine
from outlast.format import index
from outlast.format.index import MAX_INDEX, Entry
from outlast.format.manifest import Manifest, Volume
from outlast.format.paths import SafePath
from outlast.steps.reader import VolumeReader
from outlast.steps.survey import Surveyed, find_head
from outlast.trust.resolver import Head


@dataclass(slots=True, kw_only=True)
class Opened:
    """A proved edition and the readers of its volumes. Close it after use."""

    head: Head
    manifest: Manifest
    table: dict[SafePath, Entry]
    readers: dict[bytes, VolumeReader]
    """By volume."""
    surveys: Sequence[Surveyed]

    def close(self) -> None:
        """End all threads."""
        for reader in self.readers.values():
            reader.close()
        for surveyed in self.surveys:
            surveyed.lanes.close()


def open_edition(
    surveys: Sequence[Surveyed], name: bytes, number: int | None, *, window: int
) -> Opened:
    """Choose and prove an edition, the newest unless `number` says otherwise, and read its files'
    table. `window` is how many segments are fetched at once.

    Raises:
        NotEnough: no kit, no such edition, or too few shares for an index.
        NotGenuine: what is there isn't signed as it should be.
    """
    head = find_head(surveys, name, number)
    manifest, _ = head.manifest(number or head.latest)
    opened = Opened(head=head, manifest=manifest, table={}, readers={}, surveys=surveys)
    try:
        volumes = []
        for volume in manifest.volumes:
            reader = opened.readers[volume.id] = VolumeReader(volume, surveys, window=window)
            volumes.append((volume, _read_index(volume, reader, surveys)))
        opened.table = index.merge(volumes, manifest.removed)
        size = sum(entry.size for entry in opened.table.values())
        if (len(opened.table), size) != (manifest.files, manifest.size):
            raise NotGenuine(
                f"edition {manifest.edition} doesn't have the files that it says",
                "the work was sealed wrongly: tell its author",
            )
    except BaseException:
        opened.close()
        raise
    return opened


def _read_index(
    volume: Volume, reader: VolumeReader, surveys: Sequence[Surveyed]
) -> tuple[Entry, ...]:
    if volume.index_size > MAX_INDEX:
        raise NotEnough("an index of this work is larger than this version reads")
    part = f"index-{volume.id.hex()}.json"
    for surveyed in surveys:
        for parts in surveyed.kits.values():
            packed = parts.get(part, b"")
            if blake3(packed).digest() == volume.index_hash:
                return index.parse(packed, volume)
    packed = reader.read_bytes(volume.stream, volume.geometry.size)
    if blake3(packed).digest() != volume.index_hash:
        raise NotGenuine(
            f"the index of volume {volume.id.hex()[:16]} isn't the one that was signed",
            "the work was sealed wrongly: tell its author",
        )
    return index.parse(packed, volume)
