"""A work's folder: its settings, its signed history, its caches.

    outlast.toml            title, languages, link, carriers
    .outlast/kits/          every kit that was signed here: the history, no cache
    .outlast/indexes/       volumes' indexes; they are in the volumes too
    .outlast/hashes/        symbols' hashes; computed again from the files where missing
    .outlast/known.db       what the files were when last read
    .outlast/held.json      which shares were proved on which carrier

Only the settings and the kits can't be made again from the files and the carriers.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from outlast.errors import BadInput, Malformed, NotEnough, NotGenuine
from outlast.format import index, items, kit
from outlast.format.link import format_link, short_name
from outlast.format.manifest import Manifest, Volume, check_words
from outlast.format.paths import SafePath
from outlast.steps.files import write_whole, writing_to
from outlast.steps.settings import CONFIG, Settings
from outlast.trust import author, memory
from outlast.trust.keys import KeyFile, home
from outlast.trust.memory import Seen
from outlast.trust.resolver import Head, resolve
from outlast.volume.known import KnownFiles

INDEX_IN_KIT = 256 * 1024
"""Bytes: indexes up to this size travel in the kit, so that plain copies can be salvaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """An edition with its manifest's bytes and the merged table of its files."""

    manifest: Manifest
    packed: bytes
    table: Mapping[SafePath, index.Entry]


class Work:
    """A work's folder on its author's machine."""

    def __init__(self, root: Path) -> None:
        """Open the work at `root`.

        Raises:
            BadInput: it is no work's folder, or its settings can't be read.
        """
        self.root = root
        self.settings = Settings(root)
        self.name = self.settings.name
        self._state = root / ".outlast"
        self.known = KnownFiles(self._state / "known.db")

    @classmethod
    def find(cls, start: Path) -> Self:
        """The work whose folder `start` is, or lies in.

        Raises:
            BadInput: there is none.
        """
        home_folder = next(
            (each for each in (start, *start.parents) if (each / CONFIG).exists()), start
        )
        return cls(home_folder)

    @classmethod
    def create(
        cls, root: Path, *, title: str, languages: tuple[str, ...], passphrase: str | None
    ) -> Self:
        """Make `root` (a new folder, or one with the work's files in it) a work's folder.

        Two keys are made under OUTLAST_HOME: the author's, which signs editions, and the root
        key, which can replace it. With None as passphrase nothing guards them.

        Raises:
            BadInput: it is a work's folder already, or can't be written.
        """
        if (root / CONFIG).exists():
            raise BadInput(f"{root} is a work's folder already")
        try:
            check_words(title, languages)
        except Malformed as error:
            raise BadInput(
                f"{title!a}, {', '.join(languages)}: {error}", "choose plain words"
            ) from None
        root_key, author_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        name, parts = author.found(CryptoSigner(root_key), CryptoSigner(author_key))
        founding = kit.pack(parts)
        with writing_to(root):
            root.mkdir(parents=True, exist_ok=True)
            KeyFile.create(key_folder(name), "author", author_key, passphrase)
            KeyFile.create(key_folder(name), "root", root_key, passphrase)
            (root / ".outlast").mkdir(exist_ok=True)
        write_whole(_kit_path(root / ".outlast", name, 0, founding), founding)
        Settings.found(root, link=format_link(name), title=title, languages=languages)
        return cls(root)

    @property
    def link(self) -> str:
        """What is handed on: 'outlast:' and 52 letters."""
        return format_link(self.name)

    def author_key(self) -> KeyFile:
        """The key that signs editions.

        Raises:
            BadInput: it isn't on this machine.
        """
        return KeyFile.find(key_folder(self.name), "author")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second seal or spread of this folder out.

        Raises:
            BadInput: one is at work.
        """
        import fcntl

        with writing_to(self._state / "lock"):
            self._state.mkdir(exist_ok=True)
            handle = (self._state / "lock").open("w")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BadInput(
                    "another outlast command is at work in this folder", "wait until it is done"
                ) from None
            yield

    # --- history -------------------------------------------------------------------------

    def head(self) -> Head:
        """The newest state that was signed here, verified like a stranger's.

        Raises:
            BadInput: the history is gone or damaged: signing without it would fork the work.
        """
        try:
            return resolve(self.name, self._kits().values(), seen=memory.last_seen(self.name))
        except (NotEnough, NotGenuine) as error:
            raise BadInput(
                f"the signed history in {self._state / 'kits'} is missing or damaged",
                "put .outlast/kits back from a copy of the folder, or the .kit files of a "
                "carrier into it; signing without it would make two works of one",
            ) from error

    def edition(self, head: Head, number: int) -> Edition:
        """One edition that was sealed here.

        Raises:
            NotEnough: there is none of that number.
            BadInput: an index is missing in `.outlast/indexes`.
        """
        manifest, packed = head.manifest(number)
        indexes = [(volume, self.index(volume)) for volume in manifest.volumes]
        return Edition(
            manifest=manifest, packed=packed, table=index.merge(indexes, manifest.removed)
        )

    def kits(self, head: Head) -> dict[int, bytes]:
        """Every edition's kit, as it goes to carriers. The last one is the head's.

        Raises:
            BadInput: nothing has been sealed yet.
        """
        found = {}
        for path, parts in self._kits().items():
            for edition in head.editions:
                if max(_editions(parts), default=0) == edition:
                    found[edition] = path.read_bytes()
        if not found:
            raise BadInput("nothing has been sealed yet", "run 'outlast seal' first")
        return dict(sorted(found.items()))

    def record(self, edition: int, seen: Seen, parts: Mapping[str, bytes]) -> None:
        """Make a signed edition part of the history: the moment from which on it exists."""
        packed = kit.pack(parts)
        write_whole(_kit_path(self._state, self.name, edition, packed), packed)
        memory.remember(self.name, seen)

    def _kits(self) -> dict[Path, dict[str, bytes]]:
        found = {}
        for path in (self._state / "kits").glob("*.kit"):
            with contextlib.suppress(Malformed):
                found[path] = kit.parse(path.read_bytes())
        return found

    # --- volumes -------------------------------------------------------------------------

    def index(self, volume: Volume) -> tuple[index.Entry, ...]:
        """A volume's files.

        Raises:
            BadInput: its index is missing here, or damaged.
        """
        return index.parse(self.packed_index(volume), volume)

    def packed_index(self, volume: Volume) -> bytes:
        """The bytes of a volume's index.

        Raises:
            BadInput: it is missing here, or damaged.
        """
        path = self._index_path(volume.id)
        try:
            packed = path.read_bytes()
        except OSError:
            packed = b""
        if blake3(packed).digest() != volume.index_hash:
            raise BadInput(f"{path} is missing or damaged", "put .outlast back from a copy")
        return packed

    def keep_index(self, volume: bytes, packed: bytes) -> None:
        """Store a new volume's index."""
        write_whole(self._index_path(volume), packed)

    def hashes(self, volume: bytes | None) -> Path:
        """Where a volume's hash table is kept; None: the one that is being made."""
        folder = self._state / "hashes"
        with writing_to(folder):
            folder.mkdir(exist_ok=True)
        return folder / (f"{volume.hex()}.hashes" if volume else "new.hashes")

    def _index_path(self, volume: bytes) -> Path:
        return self._state / "indexes" / f"{volume.hex()}.json"

    # --- what carriers hold --------------------------------------------------------------

    def held(self) -> dict[str, dict[str, list[int]]]:
        """Rows that were read back and proved: volume's id in hex → carrier's name → rows."""
        try:
            found = json.loads((self._state / "held.json").read_text())
            return {
                str(volume): {str(name): [int(row) for row in rows] for name, rows in held.items()}
                for volume, held in found.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # a cache: spread proves again what is there

    def forget_carrier(self, name: str) -> None:
        """Take a carrier out of the settings, and out of what is believed to be held.

        Raises:
            BadInput: there is no such carrier.
        """
        self.settings.remove_carrier(name)
        held = self.held()
        for carriers in held.values():
            carriers.pop(name, None)
        self.save_held(held)

    def save_held(self, held: Mapping[str, Mapping[str, list[int]]]) -> None:
        """Store what `held` gives back."""
        write_whole(self._state / "held.json", json.dumps(held).encode())


def key_folder(name: bytes) -> Path:
    """Where the private keys of a work are kept."""
    return home() / "keys" / short_name(name)


def _editions(parts: Mapping[str, bytes]) -> list[int]:
    """The editions whose manifests a kit brings."""
    return [int(name[8:-5]) for name in parts if name.startswith("edition-")]


def _kit_path(state: Path, name: bytes, edition: int, packed: bytes) -> Path:
    return state / "kits" / items.kit_name(name, edition, packed).rpartition("/")[2]
