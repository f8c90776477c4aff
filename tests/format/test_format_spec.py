"""The numbers in `spec/` are those of the code."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from outlast.coding import Code
from outlast.coding.field import interpolation
from outlast.format import document, geometry, index, items, kit, manifest, paths, share
from outlast.trust import resolver

SPEC = Path(__file__).parent.parent.parent / "spec"


def text(name: str) -> str:
    """A page, its line breaks as spaces."""
    return re.sub(r"\s+", " ", (SPEC / f"{name}.md").read_text())


def caps() -> dict[str, str]:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", text_lines("README"), re.MULTILINE)
    return dict(rows)


def text_lines(name: str) -> str:
    return (SPEC / f"{name}.md").read_text()


def bytes_of(words: str) -> int:
    number, unit = words.split()[:2]
    return int(number.replace(",", "")) * {"KiB": 2**10, "MiB": 2**20}[unit.strip(",;")]


def test_caps() -> None:
    said = caps()
    assert int(said["rows (n) of a volume"]) == geometry.MAX_ROWS
    assert bytes_of(said["symbol"]) == geometry.MAX_SYMBOL
    assert f"a multiple of {geometry.ALIGN} bytes" in said["symbol"]
    assert bytes_of(said["segment (k · symbol)"]) == geometry.MAX_SEGMENT
    assert said["segments of a volume"] == "2^20"
    assert geometry.MAX_SEGMENTS == 2**20
    assert int(said["nodes in a slice's proof"]) == share.MAX_PROOF
    assert bytes_of(said["kit"]) == kit.MAX_KIT
    assert f"{kit.MAX_PARTS:,} parts" in said["kit"]
    assert bytes_of(said["manifest"]) == manifest.MAX_MANIFEST
    for piece in (f"{manifest.MAX_VOLUMES:,} volumes", f"{manifest.MAX_LANGUAGES} languages"):
        assert piece in said["manifest"]
    assert bytes_of(said["index"]) == index.MAX_INDEX
    assert f"a line {document.MAX_LINE // 1024} KiB" in said["index"]
    path = f"{paths.MAX_PATH:,} bytes, {paths.MAX_DEPTH} parts, {paths.MAX_PART} bytes a part"
    assert said["path"] == path
    assert bytes_of(said["root"]) == resolver._LARGEST["root"]
    largest = {resolver._LARGEST[kind] for kind in ("timestamp", "snapshot")}
    assert {bytes_of(said["timestamp, snapshot"])} == largest
    assert bytes_of(said["targets"]) == resolver._LARGEST["targets"]
    assert said["version of signed metadata"] == "2^31 - 1"
    assert resolver.MAX_VERSION == 2**31 - 1
    assert int(said["changes of keys"]) == resolver.MAX_ROTATIONS


def test_the_example_of_the_erasure_code() -> None:
    example = text("erasure")
    code = Code(2, 4)
    for row in (2, 3):
        one, two = code.coefficients(row)
        assert f"row {row} = {one} · row 0 + {two} · row 1" in example
    rows = [bytearray(1) for _ in range(4)]
    code.encode([b"\x41", b"\x42"], range(4), rows)
    assert f"c3 + 84 = {rows[2].hex()}" in example
    assert f"58 + 15 = {rows[3].hex()}" in example
    back = interpolation((2, 3), (0,))
    assert f"row 0 is {back[:1].hex()} · 47 + {back[1:].hex()} · 4d = 41" in example


@pytest.mark.parametrize(("page", "kind"), [("share", share.KIND), ("kit", kit.KIND)])
def test_byte_tables(page: str, kind: bytes) -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| ", text_lines(page), re.MULTILINE)
    spans = [(int(offset), int(size)) for offset, size in rows]
    assert spans[0] == (0, len(share.MAGIC))
    assert all(at + size == after for (at, size), (after, _) in pairwise(spans))
    assert sum(spans[-1]) == (share.FIXED if page == "share" else kit.FIXED)
    magic = " ".join(f"{byte:02x}" for byte in share.MAGIC)
    assert f"| {magic} (" in text(page)
    assert f"| 1 | byte | {kind.hex()} (`{kind.decode()}`) |" in text(page)


def test_default_rows() -> None:
    ladder = [f"{k}, {n}" for _, k, n in geometry._LADDER] + ["{}, {}".format(*geometry._LARGE)]
    assert f"| k, n | {' | '.join(ladder)} |" in text("share")
    sizes = [f"{size >> 10} KiB" if size < 2**20 else f"{size >> 20} MiB"
             for size, _, _ in geometry._LADDER]  # fmt: skip
    assert f"| up to | {' | '.join(sizes)} | more |" in text("share")
    assert f"symbols of {geometry.SYMBOL:,} bytes" in text("share")


def test_formats_and_names() -> None:
    assert f'`"{manifest.FORMAT}"`' in text("manifest")
    assert f'{{"format":"{index.FORMAT}"}}' in text("index")
    assert f"`{index.FOLDER}`" in text("index")
    assert index.NO_BYTES.hex()[:32] in text("index")
    assert f"`{index._TYPE.pattern}`" in text("index")
    assert manifest.LANGUAGE.pattern.replace("(?:", "(") in text("manifest")
    for page in SPEC.glob("*.md"):
        for name in re.findall(r"\]\((\w+\.md)\)", page.read_text()):
            assert (SPEC / name).exists()
    assert "outlast-LINK/VOLUME-ROW.share" in text("carrier")
    assert items.share_name(bytes(32), bytes(32), 7) == f"outlast-{'a' * 16}/{'0' * 16}-007.share"


def test_every_page_is_in_the_readme_and_names_its_vectors() -> None:
    vectors = SPEC.parent / "vectors"
    for page in SPEC.glob("*.md"):
        if page.name == "README.md":
            continue
        assert f"[{page.name}]({page.name})" in text("README")
        said = re.findall(r"`([\w/*-]+\.(?:json|txt|kit))`", text(page.stem).split("Vectors: ")[-1])
        assert said
        for pattern in said:
            assert list(vectors.glob(pattern)), pattern
