"""A second writer of the formats, from `spec/` alone: nothing here imports outlast.

What it writes is right or wrong by the text of the specification. `generate.py` builds the
vectors with it, and the tests hold the vectors and the package together.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import zfec
from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAGIC = b"\x89OUTLAST"
NEVER = "9999-12-31T00:00:00Z"


def noise(label: str, size: int) -> bytes:
    """Bytes that look random and are always the same: BLAKE3 of the label, drawn out."""
    return blake3(b"outlast vector: " + label.encode()).digest(length=size)


def compact(value: Mapping[str, Any], **options: Any) -> bytes:
    """JSON with sorted keys and no spaces, in UTF-8."""
    options = {"ensure_ascii": False, **options}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), **options).encode()


# --- erasure code ------------------------------------------------------------------------------


def encode(k: int, n: int, data: Sequence[bytes]) -> list[bytes]:
    """All n rows made from k data symbols; zfec is the oracle."""
    return [bytes(row) for row in zfec.Encoder(k, n).encode(list(data), range(n))]


def matrix(k: int, n: int) -> list[bytes]:
    """The generator matrix: n rows of k coefficients."""
    return encode(k, n, [bytes(i == j for i in range(k)) for j in range(k)])


# --- volumes and shares ------------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """An inner node of a hash tree."""
    return blake3(b"\x01" + left + right).digest()


def tree(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves, split at the largest power of two below their number."""
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node(tree(leaves[:middle]), tree(leaves[middle:]))


def prove(leaves: Sequence[bytes], first: int, count: int) -> list[bytes]:
    """The roots of the largest subtrees without a leaf of [first, first + count), in order."""
    if first >= len(leaves) or first + count <= 0:
        return [tree(leaves)]
    if len(leaves) == 1:
        return []
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    left = prove(leaves[:middle], first, count)
    return left + prove(leaves[middle:], first - middle, count)


@dataclass(frozen=True)
class Volume:
    """A volume with all its shares, in memory."""

    k: int
    n: int
    symbol: int
    stream: bytes
    """The files' bytes, then the index."""
    index: bytes

    @cached_property
    def rows(self) -> list[list[bytes]]:
        """Row → segment → symbol."""
        rows: list[list[bytes]] = [[] for _ in range(self.n)]
        size = self.k * self.symbol
        for at in range(0, len(self.stream), size):
            data = self.stream[at : at + size]
            length = -(-len(data) // (64 * self.k)) * 64
            data += bytes(self.k * length - len(data))
            cut = [data[row * length : (row + 1) * length] for row in range(self.k)]
            for row, symbol in zip(rows, encode(self.k, self.n, cut), strict=True):
                row.append(symbol)
        return rows

    def hashes(self, row: int) -> list[bytes]:
        """The hashes of one row's symbols."""
        return [blake3(symbol).digest() for symbol in self.rows[row]]

    @cached_property
    def roots(self) -> list[bytes]:
        """The root of each share."""
        return [tree(self.hashes(row)) for row in range(self.n)]

    @cached_property
    def id(self) -> bytes:
        """The volume's id."""
        numbers = struct.pack("<HHIQ", self.k, self.n, self.symbol, len(self.stream))
        return blake3(b"outlast volume 1\n" + numbers + b"".join(self.roots)).digest()

    def listed(self) -> dict[str, Any]:
        """As a manifest lists it."""
        return {
            "id": self.id.hex(),
            "k": self.k,
            "n": self.n,
            "symbol": self.symbol,
            "size": len(self.stream),
            "index": {"size": len(self.index), "hash": blake3(self.index).hexdigest()},
        }

    def share(
        self,
        row: int,
        first: int = 0,
        count: int | None = None,
        /,
        *,
        kit: bytes = b"",
        **instead: Any,
    ) -> bytes:
        """A share or a slice; `instead` puts other values where the right ones belong."""
        segments = len(self.rows[row])
        count = segments - first if count is None else count
        leaves = self.hashes(row)
        parts = {
            "roots": b"".join(self.roots),
            "hashes": b"".join(leaves[first : first + count]),
            "proof": b"".join(prove(leaves, first, count)),
            "symbols": b"".join(self.rows[row][first : first + count]),
        }
        fields = {
            "magic": MAGIC,
            "kind": b"S",
            "version": 1,
            "row": row,
            "k": self.k,
            "n": self.n,
            "symbol": self.symbol,
            "first": first,
            "count": count,
            "nodes": len(parts["proof"]) // 32,
            "size": len(self.stream),
            "volume": self.id,
        }
        for name, value in instead.items():
            (parts if name in parts else fields)[name] = value
        return struct.pack("<8scBHHHIIIIQ32s", *fields.values()) + b"".join(parts.values()) + kit


def file_row(path: str, body: bytes, offset: int, kind: str, **more: str) -> dict[str, Any]:
    """A file's line in an index."""
    return {
        "path": path,
        "size": len(body),
        "hash": blake3(body).hexdigest(),
        "type": kind,
        "offset": offset,
        **more,
    }


def index(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """An index."""
    return lines({"format": "outlast index 1"}, *rows)


def lines(*values: Mapping[str, Any]) -> bytes:
    """One JSON object to a line."""
    return b"".join(compact(value) + b"\n" for value in values)


# --- kits and manifests ------------------------------------------------------------------------


def kit(
    parts: Mapping[str, bytes] | Sequence[tuple[str, bytes]],
    *,
    magic: bytes = MAGIC,
    kind: bytes = b"K",
    version: int = 1,
    count: int | None = None,
    total: int | None = None,
) -> bytes:
    """A kit of parts: a mapping is sorted, a list of pairs is taken as it is."""
    pairs = sorted(parts.items()) if isinstance(parts, Mapping) else list(parts)
    table = b"".join(
        bytes([len(name)]) + name.encode("latin-1") + struct.pack("<I", len(body))
        for name, body in pairs
    )
    body = table + b"".join(body for _, body in pairs)
    count = len(pairs) if count is None else count
    total = 16 + len(body) if total is None else total
    return struct.pack("<8scBHI", magic, kind, version, count, total) + body


def manifest(edition: int, **more: Any) -> dict[str, Any]:
    """A manifest as a value, of an edition without files unless `more` says otherwise."""
    return {
        "format": "outlast manifest 1",
        "edition": edition,
        "month": "2027-03",
        "title": "The names",
        "languages": ["en", "zh-Hans"],
        "previous": None,
        "volumes": [],
        "removed": [],
        "files": 0,
        "bytes": 0,
        **more,
    }


# --- signatures --------------------------------------------------------------------------------


def canonical(value: Any) -> str:
    """OLPC canonical JSON."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case dict():
            return (
                "{" + ",".join(f"{canonical(k)}:{canonical(value[k])}" for k in sorted(value)) + "}"
            )
        case _:
            raise TypeError(value)


class Key:
    """An Ed25519 key from a label."""

    def __init__(self, label: str) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(
            hashlib.sha256(b"outlast vector key: " + label.encode()).digest()
        )
        self.public = self.private.public_key().public_bytes_raw()

    @property
    def value(self) -> dict[str, Any]:
        """As a root lists it."""
        return public_key(self.public)

    @property
    def id(self) -> str:
        """Its usual id."""
        return key_id(self.value)

    def sign(self, message: bytes) -> bytes:
        """A signature."""
        return self.private.sign(message)


class Forger:
    """The key whose point is the neutral element: one signature of it fits every message."""

    public = bytes([1]) + bytes(31)
    value = property(Key.value.fget)
    id = property(Key.id.fget)

    def sign(self, _: bytes) -> bytes:
        """That signature."""
        return bytes([1]) + bytes(63)


def public_key(public: bytes) -> dict[str, Any]:
    """An Ed25519 key as a root lists it."""
    return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public.hex()}}


def key_id(value: Mapping[str, Any]) -> str:
    """The usual id of a key."""
    return hashlib.sha256(canonical(dict(value)).encode()).hexdigest()


def sign(signed: Mapping[str, Any], *keys: Key | Forger, **under: Key) -> bytes:
    """Signed metadata; `under` signs with a key in the name of another key id."""
    message = canonical(dict(signed)).encode()
    pairs = [(key.id, key) for key in keys] + list(under.items())
    signatures = [{"keyid": keyid, "sig": key.sign(message).hex()} for keyid, key in pairs]
    return compact({"signatures": signatures, "signed": dict(signed)}, ensure_ascii=True)


def root(
    version: int, roles: Mapping[str, Mapping[str, Any]], keys: Sequence[Any], **more: Any
) -> dict[str, Any]:
    """The signed part of a root."""
    return {
        "_type": "root",
        "spec_version": "1.0.31",
        "version": version,
        "expires": NEVER,
        "consistent_snapshot": True,
        "keys": {key.id: key.value for key in keys},
        "roles": {name: dict(role) for name, role in roles.items()},
        **more,
    }


def role(*keys: Any, threshold: int = 1) -> dict[str, Any]:
    """A role of a root."""
    return {"keyids": [key.id for key in keys], "threshold": threshold}


def solo(root_key: Key, author: Key, version: int = 1, **more: Any) -> dict[str, Any]:
    """A root in solo mode."""
    roles = {
        "root": role(root_key),
        **dict.fromkeys(("targets", "snapshot", "timestamp"), role(author)),
    }
    return root(version, roles, [root_key, author], **more)


def name_of(signed_root: Mapping[str, Any]) -> bytes:
    """The name of the work that a root founds."""
    return hashlib.sha256(canonical(dict(signed_root)).encode()).digest()


def pin(body: bytes, **version: int) -> dict[str, Any]:
    """How signed metadata points at other bytes."""
    return {"length": len(body), "hashes": {"sha256": hashlib.sha256(body).hexdigest()}, **version}


def head(
    version: int,
    editions: Mapping[int, bytes],
    author: Key | Forger,
    *,
    change: Callable[[str, dict[str, Any]], None] = lambda _kind, _signed: None,
) -> dict[str, bytes]:
    """Targets, snapshot and timestamp of one version, over the editions' manifests.

    `change` may alter each signed part before it is signed.
    """

    def part(kind: str, **more: Any) -> bytes:
        signed = {
            "_type": kind,
            "spec_version": "1.0.31",
            "version": version,
            "expires": NEVER,
            **more,
        }
        change(kind, signed)
        return sign(signed, author)

    names = {f"edition-{number:06d}.json": body for number, body in editions.items()}
    targets = part("targets", targets={name: pin(body) for name, body in names.items()})
    snapshot = part("snapshot", meta={"targets.json": pin(targets, version=version)})
    timestamp = part("timestamp", meta={"snapshot.json": pin(snapshot, version=version)})
    return {
        "timestamp.json": timestamp,
        f"{version}.snapshot.json": snapshot,
        f"{version}.targets.json": targets,
    }


def link(name: bytes) -> str:
    """The link of a name."""
    import base64

    return "outlast:" + base64.b32encode(name).decode().rstrip("=").lower()
