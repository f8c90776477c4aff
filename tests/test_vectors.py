"""The golden vectors: the generator makes just these, and the package answers as they say."""

import base64
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from outlast import errors
from outlast.coding import Code, engines
from outlast.errors import BadInput, Malformed, NotEnough, OutlastError, UnsafePath
from outlast.format import index, items, kit, manifest, merkle
from outlast.format.geometry import Geometry
from outlast.format.link import format_link, parse_link
from outlast.format.manifest import Volume
from outlast.format.paths import SafePath, check_together, collision_key
from outlast.format.share import ShareHead
from outlast.trust.memory import Seen
from outlast.trust.resolver import resolve

VECTORS = Path(__file__).parent.parent / "vectors"
sys.path.insert(0, str(VECTORS))

import generate  # noqa: E402


def texts(folder: str) -> list[Any]:
    paths = sorted((VECTORS / folder).glob("*.txt"))
    assert len(paths) > 10
    return [pytest.param(path, id=path.stem) for path in paths]


def cases(folder: str) -> list[Any]:
    paths = sorted((VECTORS / folder).glob("*.json"))
    assert paths
    return [pytest.param(path, id=path.stem) for path in paths]


def read(path: Path) -> tuple[dict[str, str], bytes]:
    """A vector's fields, and its bytes."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    lines = (line.partition(": ") for line in head.decode().splitlines())
    fields = {name: value for name, _, value in lines}
    return fields, base64.decodebytes(body) if fields.get("body") == "base64" else body


def refused_as(fields: Mapping[str, Any]) -> Any:
    """The context in which a vector's error must come up: of just this class, with its word."""
    kind = getattr(errors, fields["expect"])

    class Exactly:
        def __enter__(self) -> None: ...

        def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
            assert type(error) is kind, f"{fields['about']}: {error!r}"
            assert fields["word"] in str(error)
            return True

    return Exactly()


def numbers(field: str) -> list[int]:
    return [int(number) for number in field.split()]


def test_generator_makes_what_is_here() -> None:
    made = generate.make()
    here = {name: path.read_bytes() for name, path in generate.present().items()}
    assert made.keys() == here.keys()
    assert [name for name in made if made[name] != here[name]] == []


def test_vectors_stay_small() -> None:
    assert sum(path.stat().st_size for path in generate.present().values()) < 2_000_000


# --- erasure code and hash trees ---


@pytest.mark.parametrize("path", cases("erasure"))
def test_erasure(path: Path) -> None:
    case = json.loads(path.read_text())
    k, n = case["k"], case["n"]
    rows = [bytes.fromhex(row) for row in case["rows"]]
    assert len(rows) == n
    if "have" not in case:
        assert [Code(k, n).coefficients(row) for row in range(n)] == rows
        return
    for engine in engines():
        code = Code(k, n, engine=engine)
        made = [bytearray(len(rows[0])) for _ in range(n)]
        code.encode(rows[:k], range(n), made)
        assert made == rows
        for have in case["have"]:
            again = [bytearray(len(rows[0])) for _ in range(n)]
            code.decode(have, [rows[row] for row in have], range(n), again)
            assert again == rows


@pytest.mark.parametrize("case", json.loads((VECTORS / "merkle.json").read_text())["trees"])
def test_merkle(case: dict[str, Any]) -> None:
    leaves = b"".join(map(bytes.fromhex, case["leaves"]))
    total, root = len(case["leaves"]), bytes.fromhex(case["root"])
    assert merkle.root(leaves) == root
    assert case["runs"]
    for run in case["runs"]:
        first, count = run["first"], run["count"]
        proof = b"".join(map(bytes.fromhex, run["proof"]))
        assert merkle.prove(leaves, first, count) == proof
        part = leaves[32 * first : 32 * (first + count)]
        assert merkle.root_from(part, first, total, proof) == root


# --- shares ---


def share_head(body: bytes, volume: bytes) -> ShareHead:
    """A head as a reader of `volume` takes it."""
    head = ShareHead.parse(body)
    assert ShareHead.measure(body) == head.length
    if head.volume != volume:
        raise Malformed("a share of another volume")
    return head


@pytest.mark.parametrize("path", texts("share"))
def test_share(path: Path) -> None:
    fields, body = read(path)
    volume = bytes.fromhex(fields["volume"])
    if fields["expect"] != "accept":
        with refused_as(fields):
            share_head(body, volume)
        return
    head = share_head(body, volume)
    assert head.row == int(fields["row"])
    assert body.startswith(head.pack())
    run = range(head.first, head.first + head.count)
    sound = [
        segment
        for segment in run
        if blake3(body[head.at(segment) : head.at(segment + 1)]).digest() == head.hash_of(segment)
    ]
    assert sound == numbers(fields["sound"])
    if "kit" in fields:
        assert head.end == int(fields["kit"])
        parts = kit.parse(body[head.end :])
        sample = json.loads((VECTORS / "share" / "volume.json").read_text())
        found, _ = resolve(parse_link(sample["link"]), [parts]).manifest(1)
        assert [each.id for each in found.volumes] == [volume]
        assert found.volumes[0].geometry == head.geometry


def test_any_k_good_shares_rebuild_the_volume() -> None:
    sample = json.loads((VECTORS / "share" / "volume.json").read_text())
    listed = sample["volume"]
    geometry = Geometry(k=3, n=6, symbol=listed["symbol"], size=listed["size"])
    assert geometry.segments == sample["segments"]
    lengths = [geometry.symbol_of(segment) for segment in range(geometry.segments)]
    assert lengths == sample["lengths of a symbol"]
    shares = [read(VECTORS / "share" / f"good-row-{row}.txt")[1] for row in range(6)]
    heads = [ShareHead.parse(share) for share in shares]
    assert heads[0].roots.hex() == "".join(sample["roots"])
    stream = b""
    for segment, have in zip(range(geometry.segments), ((5, 1, 3), (4, 0, 2)) * 4, strict=False):
        symbols = [shares[row][heads[row].at(segment) : heads[row].at(segment + 1)] for row in have]
        data = [bytearray(geometry.symbol_of(segment)) for _ in range(3)]
        Code(3, 6).decode(have, symbols, range(3), data)
        stream += b"".join(data)[: geometry.length_of(segment)]
    assert stream == base64.b64decode(sample["stream"])
    packed = stream[-listed["index"]["size"] :]
    assert blake3(packed).hexdigest() == listed["index"]["hash"]
    volume = manifest_volume(bytes.fromhex(listed["id"]), len(stream) - len(packed), packed)
    for entry in index.parse(packed, volume):
        assert blake3(stream[entry.offset :][: entry.size]).digest() == entry.hash


# --- kits, manifests, indexes ---


@pytest.mark.parametrize("path", texts("kit"))
def test_kit(path: Path) -> None:
    fields, body = read(path)
    if fields["expect"] != "accept":
        with refused_as(fields):
            kit.parse(body)
        return
    parts = kit.parse(body)
    assert " ".join(f"{name}={len(part)}" for name, part in parts.items()) == fields["parts"]
    assert kit.pack(parts) == body


@pytest.mark.parametrize("path", texts("manifest"))
def test_manifest(path: Path) -> None:
    fields, body = read(path)
    if fields["expect"] != "accept":
        with refused_as(fields):
            manifest.parse(body)
        return
    found = manifest.parse(body)
    assert found.edition == int(fields["edition"])
    assert json.loads(found.pack()) == json.loads(body)
    if "spaces" not in path.stem:
        assert found.pack() == body


def manifest_volume(name: bytes, stream: int, packed: bytes) -> Volume:
    return Volume(
        id=name,
        geometry=Geometry(k=3, n=6, symbol=128, size=stream + len(packed)),
        index_size=len(packed),
        index_hash=blake3(packed).digest(),
    )


@pytest.mark.parametrize("path", texts("index"))
def test_index(path: Path) -> None:
    fields, body = read(path)
    volume = manifest_volume(bytes.fromhex(fields["volume"]), int(fields["stream"]), body)
    if fields["expect"] != "accept":
        with refused_as(fields):
            index.parse(body, volume)
        return
    entries = index.parse(body, volume)
    assert " ".join(entry.path for entry in entries) == fields["paths"]
    again = [e._replace(volume=index.HERE) if e.volume == volume.id else e for e in entries]
    if "unknown" not in path.stem:
        assert index.pack(again) == body


@pytest.mark.parametrize(
    "case",
    json.loads((VECTORS / "merge.json").read_text())["cases"],
    ids=lambda case: case["about"],
)
def test_merge(case: dict[str, Any]) -> None:
    volumes = []
    for each in case["volumes"]:
        rows = [{"format": index.FORMAT}, *each["files"]]
        packed = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        volume = manifest_volume(bytes.fromhex(each["id"]), each["stream"], packed)
        volumes.append((volume, index.parse(packed, volume)))
    removed = [SafePath(path) for path in case["removed"]]
    if "expect" in case:
        with refused_as(case):
            index.merge(volumes, removed)
        return
    table = index.merge(volumes, removed)
    found = {path: [entry.volume.hex(), entry.offset] for path, entry in table.items()}
    assert found == case["files"]


# --- paths, links, names ---


PATHS = json.loads((VECTORS / "paths.json").read_text())


@pytest.mark.parametrize("path", PATHS["accept"], ids=ascii)
def test_path_is_safe(path: str) -> None:
    assert SafePath(path) == path


@pytest.mark.parametrize("case", PATHS["refuse"], ids=lambda case: ascii(case["path"])[:60])
def test_path_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(UnsafePath, match=case["word"]):
        SafePath(case["path"])


@pytest.mark.parametrize("pair", PATHS["collide"], ids=ascii)
def test_paths_collide(pair: list[str]) -> None:
    assert collision_key(pair[0]) == collision_key(pair[1])
    with pytest.raises(UnsafePath, match="one name"):
        check_together(pair)


@pytest.mark.parametrize("pair", PATHS["both file and folder"], ids=ascii)
def test_path_is_both_file_and_folder(pair: list[str]) -> None:
    with pytest.raises(UnsafePath, match="both a file and a folder"):
        check_together(pair)


@pytest.mark.parametrize("pair", PATHS["apart"], ids=ascii)
def test_paths_stand_apart(pair: list[str]) -> None:
    check_together(pair)


def test_links() -> None:
    case = json.loads((VECTORS / "link.json").read_text())
    for each in case["accept"]:
        assert parse_link(each["link"]).hex() == each["name"]
    assert format_link(bytes.fromhex(case["accept"][0]["name"])) == case["accept"][0]["link"]
    for each in case["refuse"]:
        with pytest.raises(BadInput, match=each["word"]):
            parse_link(each["link"])


def test_names() -> None:
    case = json.loads((VECTORS / "names.json").read_text())
    work = bytes.fromhex(case["work"])
    assert items.folder(work) == case["folder"]
    for each in case["shares"]:
        volume = bytes.fromhex(each["volume"])
        assert items.share_name(work, volume, each["row"]) == each["name"]
        named = items.parse_name(each["name"])
        assert named == items.ShareName(volume=volume.hex()[:16], row=each["row"])
    for each in case["kits"]:
        packed = base64.b64decode(each["kit"])
        assert items.kit_name(work, each["edition"], packed) == each["name"]
        named = items.parse_name(each["name"])
        assert isinstance(named, items.KitName)
        assert named.edition == each["edition"]
    for name in case["found in any folder"]:
        assert isinstance(items.parse_name(name), items.ShareName)
    for name in case["none of ours"]:
        assert items.parse_name(name) is None


# --- trust ---


@pytest.mark.parametrize("path", cases("trust"))
def test_trust(path: Path) -> None:
    case = json.loads(path.read_text())
    kits = [kit.parse((VECTORS / "trust" / "kits" / name).read_bytes()) for name in case["kits"]]
    for parts in kits:
        for part, spaces in case.get("spaces", {}).items():
            parts[part] += b" " * spaces
    name = parse_link(case["link"])
    if case["expect"] != "accept":
        with refused_as(case):
            resolve(name, kits, seen=Seen(*case["seen"])).manifest(case.get("edition", 1))
        return
    head = resolve(name, kits, seen=Seen(*case["seen"]))
    assert (head.name, head.seen, head.solo) == (name, tuple(case["head"]), case["solo"])
    assert head.announced == case["announced"]
    assert sorted(head.editions) == sorted(map(int, case["editions"]))
    for number, digest in case["editions"].items():
        if digest is None:
            with pytest.raises(NotEnough, match="on none of these carriers"):
                head.manifest(int(number))
            continue
        found, body = head.manifest(int(number))
        assert (found.edition, hashlib.sha256(body).hexdigest()) == (int(number), digest)


def test_every_refusal_is_one_of_ours() -> None:
    for path in VECTORS.rglob("*.txt"):
        expect = read(path)[0]["expect"]
        assert expect == "accept" or issubclass(getattr(errors, expect), OutlastError)
