"""Private keys at rest."""

import base64
import hashlib
import hmac
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from securesystemslib.signer import CryptoSigner

from outlast.errors import BadInput, Malformed, OutlastError, WrongPassphrase
from outlast.trust.keys import MAX_WORK_FACTOR, KeyFile, home

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.private_bytes_raw()


def age_file(raw: bytes, passphrase: str, *, work: int = 10, claimed: str = "") -> bytes:
    """An age file by the text of its specification (C2SP age.md), as cheap to open as is wanted."""

    def b64(data: bytes) -> bytes:
        return base64.b64encode(data).rstrip(b"=")

    def derive(salt: bytes, info: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, info).derive(file_key)

    file_key, salt, nonce = bytes(range(16)), bytes(16), bytes(range(16))
    wrapping = hashlib.scrypt(
        passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + salt, n=2**work, r=8, p=1
    )[:32]
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    header = b"age-encryption.org/v1\n-> scrypt %s %s\n%s\n---" % (
        b64(salt), (claimed or str(work)).encode(), b64(wrapped),
    )  # fmt: skip
    mac = hmac.digest(derive(b"", b"header"), header, "sha256")
    payload = ChaCha20Poly1305(derive(nonce, b"payload")).encrypt(bytes(11) + b"\1", raw, None)
    return header + b" " + b64(mac) + b"\n" + nonce + payload


def never() -> str:
    raise AssertionError("the passphrase was asked for")


def sealed(folder: Path, body: bytes) -> KeyFile:
    (folder / "author.age").write_bytes(body)
    return KeyFile.find(folder, "author")


def same_key(signer: CryptoSigner) -> bool:
    return signer.public_key.keyval["public"] == KEY.public_key().public_bytes_raw().hex()


@pytest.fixture
def loose_mask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("loose_mask")
def test_plain(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "keys"
    file = KeyFile.create(folder, "author", KEY, None)
    assert not file.sealed
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == [file.path]
    assert KeyFile.find(folder, "author") == file
    assert same_key(file.open(never))


@pytest.mark.usefixtures("loose_mask")
def test_sealed(tmp_path: Path) -> None:
    file = KeyFile.create(tmp_path, "author", KEY, "correct horse 马")
    body = file.path.read_bytes()
    assert file.sealed
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert RAW not in body
    assert RAW.hex().encode() not in body
    # The work that pyrage chose must be work that we open, also on a machine twice as fast.
    assert int(body.split(b"\n")[1].split()[-1]) < MAX_WORK_FACTOR
    assert same_key(file.open(lambda: "correct horse 马"))


def test_any_age_file_opens(tmp_path: Path) -> None:
    file = sealed(tmp_path, age_file(RAW, "secret"))
    assert same_key(file.open(lambda: "secret"))


@pytest.mark.parametrize("passphrase", ["", "Secret", "secret ", "secre", "\0", "x" * 10_000])
def test_wrong_passphrase(tmp_path: Path, passphrase: str) -> None:
    file = sealed(tmp_path, age_file(RAW, "secret"))
    with pytest.raises(WrongPassphrase, match="doesn't open"):
        file.open(lambda: passphrase)


def test_a_hostile_work_factor_is_refused_at_once(tmp_path: Path) -> None:
    for claimed in (str(MAX_WORK_FACTOR + 1), "30", "64", "255", "999", "1000", "023", "-1", "1e3"):
        file = sealed(tmp_path, age_file(RAW, "secret", claimed=claimed))
        start = time.monotonic()
        with pytest.raises(Malformed, match="no key that outlast wrote"):
            file.open(never)
        assert time.monotonic() - start < 0.5


def test_damage_anywhere_is_noticed(tmp_path: Path) -> None:
    good = age_file(RAW, "secret", work=4)
    for at in range(len(good)):
        body = bytearray(good)
        body[at] ^= 1
        if b" scrypt" in body and body[:60].count(b"\n") == 2:
            # A flipped bit in the work factor asks for up to 2^15 more: opened once is enough.
            number = bytes(body).split(b"\n")[1].split(b" ")[-1]
            if number.isdigit() and number != b"4" and int(number) <= MAX_WORK_FACTOR:
                continue
        with pytest.raises(OutlastError):
            sealed(tmp_path, bytes(body)).open(lambda: "secret")
    for length in range(0, len(good), 7):
        with pytest.raises(OutlastError):
            sealed(tmp_path, good[:length]).open(lambda: "secret")


def test_a_sealed_file_with_something_else_in_it(tmp_path: Path) -> None:
    for raw in (b"", RAW[:31], RAW + b"\0"):
        with pytest.raises(Malformed, match="32 bytes"):
            sealed(tmp_path, age_file(raw, "secret")).open(lambda: "secret")


@pytest.mark.parametrize("body", [b"", b"zz", b"00" * 31, b"00" * 33, b"\xff\xfe", RAW, b"0" * 63])
def test_a_plain_file_with_something_else_in_it(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "author.key").write_bytes(body)
    with pytest.raises(Malformed):
        KeyFile.find(tmp_path, "author").open(never)


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    file = KeyFile.create(tmp_path, "author", KEY, None)
    with pytest.raises(BadInput, match="already"):
        KeyFile.create(tmp_path, "author", Ed25519PrivateKey.generate(), None)
    assert same_key(file.open(never))
    assert list(tmp_path.glob("*")) == [file.path]


def test_no_key_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the root key of this work is not in"):
        KeyFile.find(tmp_path, "root")
    file = KeyFile.create(tmp_path, "author", KEY, None)
    file.path.unlink()
    with pytest.raises(BadInput, match="can't be read"):
        file.open(never)


def test_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert same_key(KeyFile.create(tmp_path, "root", KEY, None).open(never))


def test_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAST_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.setenv("OUTLAST_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert "outlast" in home().parts
