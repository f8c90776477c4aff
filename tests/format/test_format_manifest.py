"""Manifests: values in, values out, and refusals. Single failures are in vectors/manifest."""

import hashlib
import json
from typing import Any

import pytest
from format_samples import Sample
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed, OutlastError
from outlast.format import manifest
from outlast.format.geometry import Geometry
from outlast.format.manifest import Manifest, Volume
from outlast.format.paths import SafePath

HASHES = st.binary(min_size=32, max_size=32)
LARGE = st.integers(0, 2**53 - 1)
KEYS = st.text(st.characters(max_codepoint=127), max_size=8).filter(
    lambda key: (
        key not in ("format", "edition", "month", "title", "languages", "previous")
        and key not in ("volumes", "removed", "files", "bytes", "id", "k", "n", "symbol", "size")
        and key != "index"
    )
)
EXTRA = st.dictionaries(KEYS, st.none() | st.integers() | st.lists(st.booleans()), max_size=3)


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    k = draw(st.integers(1, 32))
    geometry = Geometry(
        k=k, n=draw(st.integers(k, 256)), symbol=65536, size=draw(st.integers(1, 2**36))
    )
    return Volume(
        id=draw(HASHES),
        geometry=geometry,
        index_size=draw(st.integers(1, geometry.size)),
        index_hash=draw(HASHES),
        extra=draw(EXTRA),
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    edition = draw(st.integers(1, 3) | st.integers(1, 2**53 - 1))
    shown = st.characters(categories=["L", "N", "P", "S", "Zs"])
    return Manifest(
        edition=edition,
        month=f"{draw(st.integers(0, 9999)):04}-{draw(st.integers(1, 12)):02}",
        title=draw(st.text(shown, max_size=50)),
        languages=tuple(draw(st.lists(st.sampled_from(["en", "zh-Hant", "de-1996"])))),
        previous=None if edition == 1 else draw(HASHES),
        volumes=tuple(draw(st.lists(volumes(), max_size=3, unique_by=lambda each: each.id))),
        removed=frozenset(map(SafePath, draw(st.sets(st.sampled_from(["a", "b/c", "名"]))))),
        files=draw(LARGE),
        size=draw(LARGE),
        extra=draw(EXTRA),
    )


@settings(deadline=None)
@given(manifests())
def test_round_trip(value: Manifest) -> None:
    packed = value.pack()
    found = manifest.parse(packed)
    assert found == value
    assert found.extra == value.extra
    assert [each.extra for each in found.volumes] == [each.extra for each in value.volumes]
    assert found.pack() == packed
    assert manifest.digest(packed) == hashlib.sha256(packed).digest()


def example(**values: Any) -> bytes:
    """A manifest, with other values for some keys."""
    volume = Sample.make(1, 2, 64, 100).volume
    packed = Manifest(
        edition=2,
        month="2027-03",
        title="The names",
        languages=("en",),
        previous=bytes(32),
        volumes=(volume,),
        removed=frozenset([SafePath("old.txt")]),
        files=1,
        size=99,
    ).pack()
    return json.dumps({**json.loads(packed), **values}, separators=(",", ":")).encode()


def test_cut_short_anywhere() -> None:
    packed = example()
    manifest.parse(packed)
    for length in range(len(packed)):
        with pytest.raises(Malformed):
            manifest.parse(packed[:length])


def test_flipped_bits_raise_nothing_else() -> None:
    packed = example()
    refused = 0
    for at in range(len(packed)):
        for bit in range(8):
            body = bytearray(packed)
            body[at] ^= 1 << bit
            try:
                manifest.parse(bytes(body)).pack()
            except OutlastError:
                refused += 1
    assert refused > len(packed) * 2  # what passes, the signature refuses


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**54) | st.text(max_size=5) | st.just("../x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(json.loads(example()))), VALUES)
def test_any_value_anywhere_raises_nothing_else(key: str, value: Any) -> None:
    try:
        manifest.parse(example(**{key: value}))
    except OutlastError:
        return
    assert key != "format" or value == manifest.FORMAT


@settings(deadline=None)
@given(st.sampled_from(["id", "k", "n", "symbol", "size", "index", "more"]), VALUES)
def test_any_value_in_a_volume_raises_nothing_else(key: str, value: Any) -> None:
    volume = json.loads(example())["volumes"][0]
    try:
        found = manifest.parse(example(volumes=[{**volume, key: value}]))
    except OutlastError:
        return
    assert isinstance(found.volumes[0].geometry, Geometry)


def test_caps() -> None:
    volume = json.loads(example())["volumes"][0]
    many = [{**volume, "id": f"{number:064x}"} for number in range(manifest.MAX_VOLUMES + 1)]
    assert len(manifest.parse(example(volumes=many[1:])).volumes) == manifest.MAX_VOLUMES
    with pytest.raises(Malformed, match="10001 volumes"):
        manifest.parse(example(volumes=many))
    padding = "x" * (manifest.MAX_MANIFEST - len(example(hue="")))
    assert manifest.parse(example(hue=padding)).extra == {"hue": padding}
    with pytest.raises(Malformed, match="larger than"):
        manifest.parse(example(hue=padding + "x"))


def test_target_names() -> None:
    numbers = (1, 7, 999_999, 1_000_000)
    expected = ["edition-000001.json", "edition-000007.json", "edition-999999.json"]
    assert [manifest.target_name(each) for each in numbers] == [*expected, "edition-1000000.json"]
