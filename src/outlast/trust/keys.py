"""Ed25519 keys, and how they rest on disk."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs
import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from outlast.errors import BadInput, Malformed, WrongPassphrase

MAX_WORK_FACTOR = 22
"""The largest scrypt log2(N) that we open: 16 s and 4 GiB where it was measured. pyrage chooses 18
to 20 so that opening takes a second; a hostile key file could ask for hours."""
_SCRYPT = re.compile(rb"age-encryption\.org/v1\n-> scrypt [A-Za-z0-9+/]+ ([0-9]{1,3})\n")


def home() -> Path:
    """Where keys and what this reader has seen are kept: OUTLAST_HOME, or the system's place."""
    named = os.environ.get("OUTLAST_HOME")
    return Path(named) if named else platformdirs.user_data_path("outlast", appauthor=False)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One private key on disk: sealed with a passphrase (`.age`), or plain."""

    path: Path

    @classmethod
    def find(cls, folder: Path, name: str) -> Self:
        """The key `name` in `folder`, sealed or plain.

        Raises:
            BadInput: it isn't there.
        """
        for path in (folder / f"{name}.age", folder / f"{name}.key"):
            try:
                path.stat()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise BadInput(f"{path} can't be read: {error.strerror}") from error
            return cls(path)
        raise BadInput(
            f"the {name} key of this work is not in {folder}",
            "put the key file back there, or set OUTLAST_HOME to where your keys are",
        )

    @classmethod
    def create(
        cls, folder: Path, name: str, key: Ed25519PrivateKey, passphrase: str | None
    ) -> Self:
        """Write `key` for its owner's eyes only; None: without a passphrase.

        The sealed form is an age file (scrypt and ChaCha20-Poly1305) around the 32 raw bytes,
        which `age -d` opens too.

        Raises:
            BadInput: a key of that name is there already.
        """
        raw = key.private_bytes_raw()
        if passphrase is None:
            file, body = cls(folder / f"{name}.key"), raw.hex().encode() + b"\n"
        else:
            file, body = cls(folder / f"{name}.age"), pyrage.passphrase.encrypt(raw, passphrase)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise BadInput(f"there is a key at {file.path} already") from None
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(body)
                out.flush()
                os.fsync(out.fileno())
        except BaseException:
            file.path.unlink()  # a key that is cut short would never be replaced
            raise
        return file

    @property
    def sealed(self) -> bool:
        """Whether a passphrase is needed to open it."""
        return self.path.suffix == ".age"

    def open(self, ask: Callable[[], str]) -> CryptoSigner:
        """The key, ready to sign. `ask` is called for the passphrase if there is one.

        Raises:
            WrongPassphrase: it doesn't open the key, or the file is damaged: nobody can tell.
            Malformed: the file is no key, or asks for too much work.
            BadInput: it can't be read.
        """
        try:
            body = self.path.read_bytes()
        except OSError as error:
            raise BadInput(f"{self.path} can't be read: {error.strerror}") from error
        if not self.sealed:
            return _signer(_from_hex(body, self.path))
        found = _SCRYPT.match(body)
        if not found or int(found[1]) > MAX_WORK_FACTOR:
            raise Malformed(f"{self.path} is no key that outlast wrote", "restore it from a copy")
        try:
            raw = pyrage.passphrase.decrypt(body, ask())
        except pyrage.DecryptError:
            raise WrongPassphrase(
                f"the passphrase doesn't open {self.path}", "try again; capitals matter"
            ) from None
        return _signer(raw)


def _from_hex(body: bytes, path: Path) -> bytes:
    try:
        return bytes.fromhex(body.decode())
    except ValueError:
        raise Malformed(f"{path} is no key that outlast wrote", "restore it from a copy") from None


def _signer(raw: bytes) -> CryptoSigner:
    try:
        return CryptoSigner(Ed25519PrivateKey.from_private_bytes(raw))
    except ValueError:
        raise Malformed("a private key has 32 bytes", "restore it from a copy") from None
