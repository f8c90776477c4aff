"""The head that may be believed, from kits that anyone may have written."""

import contextlib
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_forge import (
    AUTHOR,
    FOUNDING,
    NAME,
    OTHER,
    ROOT,
    ROOT_1,
    ROOT_2,
    THIEF,
    chain,
    edition,
    kit,
    manifests,
    only,
)

from outlast.errors import Forked, Malformed, NotEnough, NotGenuine, OutlastError, RolledBack
from outlast.trust.memory import Seen
from outlast.trust.resolver import claimed_names, resolve
from writer import Key, compact, manifest, name_of, pin, role, root, sign, solo

ONE, TWO, THREE = kit(1), kit(2), kit(3)
PARTS = sorted(TWO)


def spots(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [at, *(spot for key, each in inner for spot in spots(each, (*at, key)))]


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The JSON value with something else at one spot; with a key more if `new` is a pair."""
    if not at:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = put(value[at[0]], at[1:], new)
    return copy


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=4)
    | st.sampled_from([2**31, 2**64, 10**400, "\ud800", "../../x", "root", "sha256", "00" * 32]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["x", "_type", "keyid", "\ud800", "\0"]), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, bytes]:
    """Version 2's kit with junk at some spot of some of its parts, and parts under other names."""
    parts = dict(TWO)
    for name in draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3, unique=True)):
        value = json.loads(parts[name])
        for _ in range(draw(st.integers(1, 3))):
            spot = draw(st.sampled_from(spots(value)))
            value = put(value, spot, draw(JUNK))
        parts[name] = json.dumps(value).encode()
    if draw(st.booleans()):
        a, b = draw(st.sampled_from(PARTS)), draw(st.sampled_from(PARTS))
        parts[a], parts[b] = parts[b], parts[a]
    return parts


@settings(deadline=None, max_examples=250)
@given(spoiled())
def test_junk_doesnt_stop_an_honest_kit(junk: dict[str, bytes]) -> None:
    for kits in ([junk, TWO], [TWO, junk]):
        head = resolve(NAME, kits)
        assert head.seen == Seen(1, 2)
        assert head.manifest(2)[1] == TWO["edition-000002.json"]
    assert NAME in claimed_names([junk, TWO])


@settings(deadline=None, max_examples=150)
@given(spoiled())
def test_junk_alone_is_refused_or_does_no_harm(junk: dict[str, bytes]) -> None:
    claimed_names([junk])
    try:
        head = resolve(NAME, [junk])
    except OutlastError:
        return
    assert head.seen in (Seen(1, 2), Seen(1, 0))
    if head.seen.version:
        assert head.editions.keys() == {1, 2}


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PARTS), st.integers(0), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_does_no_harm(part: str, at: int, bit: int) -> None:
    body = bytearray(TWO[part])
    body[at % len(body)] ^= 1 << bit
    try:
        head = resolve(NAME, [{**TWO, part: bytes(body)}])
        assert head.manifest(2)[1] == TWO["edition-000002.json"]
    except OutlastError:
        return
    assert head.seen == Seen(1, 2)
    assert resolve(NAME, [head.parts]).editions == head.editions


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(PARTS), st.binary(max_size=50)), max_size=5))
def test_bytes_that_are_no_metadata(kits: list[dict[str, bytes]]) -> None:
    with pytest.raises((NotEnough, NotGenuine)):
        resolve(NAME, kits)
    assert resolve(NAME, [*kits, TWO]).seen == Seen(1, 2)


def test_a_flood_of_junk_hides_nothing_and_takes_little_time() -> None:
    junk = [{part: b"%d " % number + TWO[part] for part in PARTS} for number in range(500)]
    large = [{part: b"[%s0]" % (b"[]," * 2_000_000)} for part in PARTS]
    start = time.monotonic()
    assert resolve(NAME, [*junk, *large, TWO]).seen == Seen(1, 2)
    assert time.monotonic() - start < 5


def test_parts_may_come_from_anywhere() -> None:
    kits = [{name: body} for name, body in {**ONE, **TWO}.items()]
    head = resolve(NAME, kits)
    assert head.seen == Seen(1, 2)
    assert [head.manifest(number)[1] for number in (1, 2)] == manifests(2)


def test_parts_with_names_that_mean_nothing() -> None:
    odd = {"../../etc/passwd": b"x", "0.root.json": ROOT_1["1.root.json"], "targets.json": b"{}"}
    head = resolve(NAME, [{**TWO, **odd}])
    assert head.seen == Seen(1, 2)
    assert sorted(head.parts) == sorted(only(TWO, "root", "timestamp", "snapshot", "targets"))


def test_a_head_can_be_resolved_again_from_its_parts() -> None:
    head = resolve(NAME, [ONE, TWO])
    assert resolve(NAME, [head.parts]).seen == head.seen


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    resolve(NAME, [TWO])
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with contextlib.suppress(OutlastError):
        assert resolve(NAME, [TWO]).seen == Seen(1, 2)


# --- which head ---


def test_the_highest_head_is_chosen() -> None:
    kits = [kit(count) for count in (3, 1, 5, 2, 4)]
    head = resolve(NAME, kits)
    assert (head.seen, head.announced, head.latest) == (Seen(1, 5), 5, 5)


def test_versions_may_leap() -> None:
    assert resolve(NAME, [ONE, edition(1000, manifests(2))]).seen == Seen(1, 1000)


def test_a_head_whose_parts_are_missing_is_announced() -> None:
    head = resolve(NAME, [TWO, only(THREE, "timestamp")])
    assert (head.seen, head.announced) == (Seen(1, 2), 3)
    assert resolve(NAME, [TWO, only(THREE, "timestamp", "snapshot")]).announced == 3


@pytest.mark.parametrize("missing", ["snapshot", "targets"])
def test_a_head_without_all_its_parts(missing: str) -> None:
    parts = {name: body for name, body in TWO.items() if missing not in name}
    with pytest.raises(NotEnough, match="incomplete"):
        resolve(NAME, [parts])
    with pytest.raises(NotEnough, match="incomplete"):
        resolve(NAME, [parts], seen=Seen(1, 1))


@pytest.mark.parametrize("kits", [1, 2, 5])
def test_a_fork_is_found_among_any_versions(kits: int) -> None:
    other = [*manifests(1), compact(manifest(2, previous="00" * 32))]
    later = [kit(version) for version in range(3, 3 + kits)]
    with pytest.raises(Forked, match="states of version 2"):
        resolve(NAME, [TWO, edition(2, other), *later])


def test_another_signature_under_the_same_state_is_no_fork() -> None:
    stamp = json.loads(TWO["timestamp.json"])
    spare = {"keyid": "00" * 32, "sig": "00" * 64}
    stamp["signatures"].append(spare)
    again = {**TWO, "timestamp.json": json.dumps(stamp, indent=3).encode()}
    assert resolve(NAME, [TWO, again]).seen == Seen(1, 2)
    assert resolve(NAME, [again]).seen == Seen(1, 2)


def test_history_cant_be_rewritten() -> None:
    first, second = manifests(2)
    changed = compact(manifest(1, title="Other names"))
    with pytest.raises(Forked, match="manifests of version 1"):
        resolve(NAME, [TWO, edition(3, [changed, second])])
    # Nor may a fork be covered by a version on top of it.
    with pytest.raises(Forked, match="manifests of version 1"):
        resolve(NAME, [ONE, edition(9, [changed, second, first])])


# --- what was seen before ---


def test_less_than_was_seen() -> None:
    assert resolve(NAME, [TWO], seen=Seen(1, 2)).seen == Seen(1, 2)
    for seen in (Seen(1, 3), Seen(2, 0), Seen(2, 2)):
        with pytest.raises(RolledBack):
            resolve(NAME, [TWO], seen=seen)


def test_who_has_seen_new_keys_doesnt_take_old_ones() -> None:
    thief = edition(10**6, manifests(3))  # signed with the author's key, stolen and replaced
    new = edition(3, manifests(3), OTHER, ROOT_1 | ROOT_2)
    assert resolve(NAME, [thief]).seen == Seen(1, 10**6)
    with pytest.raises(RolledBack, match="keys 2"):
        resolve(NAME, [thief], seen=Seen(2, 3))
    assert resolve(NAME, [thief, new], seen=Seen(2, 3)).seen == Seen(2, 3)
    # A version that a thief set sky-high under the old keys binds nobody under the new ones.
    assert resolve(NAME, [thief, new], seen=Seen(1, 10**6)).seen == Seen(2, 3)


def test_a_version_too_high_to_be_followed_doesnt_count() -> None:
    assert resolve(NAME, [edition(2**31 - 1, manifests(1))]).seen.version == 2**31 - 1
    leap = edition(2**31, manifests(1))
    with pytest.raises(NotGenuine, match="not signed by this work's author"):
        resolve(NAME, [leap])
    assert resolve(NAME, [leap, ONE]).seen == Seen(1, 1)


# --- roots ---


def test_many_rotations_and_too_many() -> None:
    head = resolve(NAME, [edition(1, manifests(1), OTHER, roots=chain(257))])
    assert head.seen == Seen(257, 1)  # 256 rotations
    assert len(only(head.parts, "root")) == 257
    with pytest.raises(NotGenuine, match="changed more than 256 times"):
        resolve(NAME, [edition(1, manifests(1), OTHER, roots=chain(258))])


def test_a_gap_in_the_chain_ends_it() -> None:
    roots = {name: body for name, body in chain(3).items() if name != "2.root.json"}
    assert resolve(NAME, [edition(1, manifests(1), roots=roots)]).seen == Seen(1, 1)


def test_a_new_root_needs_a_majority_of_the_old_one_and_of_its_own() -> None:
    old, new = [Key(f"old {at}") for at in range(3)], [Key(f"new {at}") for at in range(3)]
    online = dict.fromkeys(("targets", "snapshot", "timestamp"), role(AUTHOR))
    first = root(1, {"root": role(*old, threshold=2), **online}, [*old, AUTHOR])
    second = root(2, {"root": role(*new, threshold=2), **online}, [*new, AUTHOR])
    name = name_of(first)
    roots = {"1.root.json": sign(first, *old)}

    def reached(*keys: Key) -> int:
        rotated = {**roots, "2.root.json": sign(second, *keys)}
        return resolve(name, [edition(1, manifests(1), roots=rotated)]).seen.root

    assert reached(*old[:2], *new[:2]) == 2
    assert reached(*old, *new) == 2
    assert reached(old[0], *new) == 1
    assert reached(*old, new[0]) == 1
    assert reached(*old) == 1
    assert reached(*new) == 1
    assert reached(THIEF, *new) == 1


@pytest.mark.parametrize(
    "change",
    [{"expires": "2030-01-01T00:00:00Z"}, {"spec_version": "2.0.0"}, {"hue": "x" * 2**16}],
    ids=lambda change: next(iter(change)),
)
def test_new_keys_that_this_version_cant_read_end_the_old_ones(change: dict[str, str]) -> None:
    """Custodians replaced a stolen key, in a form of tomorrow: the thief mustn't be believed."""
    tomorrow = {"2.root.json": sign({**solo(ROOT, OTHER, 2), **change}, ROOT)}
    thief = edition(9, manifests(3))
    with pytest.raises(NotGenuine):
        resolve(NAME, [thief, tomorrow])


def test_a_root_for_which_one_key_signs_under_anothers_id() -> None:
    old = [Key(f"old {at}") for at in range(3)]
    online = dict.fromkeys(("targets", "snapshot", "timestamp"), role(AUTHOR))
    signed = root(1, {"root": role(*old, threshold=2), **online}, [*old, AUTHOR])
    body = sign(signed, old[0], **{old[1].id: old[0]})
    with pytest.raises(NotGenuine, match="not the work you asked for"):
        resolve(name_of(signed), [{"1.root.json": body}])


@pytest.mark.parametrize(
    "change",
    [
        lambda signed: {**signed, "expires": "9999-12-30T00:00:00Z"},
        lambda signed: {**signed, "version": 2},
        lambda signed: {**signed, "spec_version": "2.0.0"},
        lambda signed: {**signed, "x": None, "consistent_snapshot": 1},
    ],
)
def test_a_first_root_that_doesnt_count(change: Callable[[Any], Any]) -> None:
    signed = change(FOUNDING)
    parts = {**TWO, "1.root.json": sign(signed, ROOT)}
    with pytest.raises(NotGenuine):
        resolve(name_of(signed), [parts])


def test_unknown_keys_in_a_root_are_part_of_the_name() -> None:
    signed = {**FOUNDING, "hue": "a later version's"}
    parts = {**TWO, "1.root.json": sign(signed, ROOT)}
    assert resolve(name_of(signed), [parts]).seen == Seen(1, 2)
    with pytest.raises(NotGenuine):
        resolve(NAME, [parts])


@pytest.mark.parametrize(("threshold", "solo_"), [(1, True), (2, False)])
def test_solo_is_who_can_publish_alone(threshold: int, solo_: bool) -> None:
    witnesses = [AUTHOR, OTHER][:threshold]
    roles = {**solo(ROOT, AUTHOR)["roles"], "timestamp": role(*witnesses, threshold=threshold)}
    signed = root(1, roles, [ROOT, AUTHOR, OTHER])
    parts = edition(1, manifests(1), roots={"1.root.json": sign(signed, ROOT)})
    stamp = json.loads(parts["timestamp.json"])["signed"]
    parts["timestamp.json"] = sign(stamp, *witnesses)
    assert resolve(name_of(signed), [parts]).solo is solo_


# --- editions ---


def test_names_of_targets_that_lead_elsewhere() -> None:
    def change(kind: str, signed: dict[str, Any]) -> None:
        if kind == "targets":
            names = ("../edition-000003.json", "/edition-000003.json", "edition-3.json")
            names += ("edition-000003.json/x", "EDITION-000003.json", "edition-٠٠٠٠٠٣.json", "")
            signed["targets"] |= dict.fromkeys(names, pin(b"x"))

    assert resolve(NAME, [edition(2, manifests(2), change=change)]).editions.keys() == {1, 2}


def test_an_edition_pinned_by_another_hash_doesnt_count() -> None:
    def change(kind: str, signed: dict[str, Any]) -> None:
        if kind == "targets":
            signed["targets"]["edition-000002.json"]["hashes"] = {"md5": "00" * 16}

    assert resolve(NAME, [edition(2, manifests(2), change=change)]).editions.keys() == {1}


def test_which_manifests_can_be_had() -> None:
    head = resolve(NAME, [kit(3), {"edition-000001.json": b"another"}])
    assert head.manifest(3)[0].edition == 3
    with pytest.raises(NotEnough, match="on none of these carriers"):
        head.manifest(1)
    for edition_number in (0, -1, 4, 10**12):
        with pytest.raises(NotEnough, match="no edition"):
            head.manifest(edition_number)
    with pytest.raises(NotEnough, match="no edition 1"):
        resolve(NAME, [ROOT_1]).manifest(1)


def test_a_signed_manifest_that_is_none() -> None:
    head = resolve(NAME, [edition(1, [b"not a manifest"])])
    with pytest.raises(Malformed):
        head.manifest(1)


def test_claimed_names() -> None:
    other = solo(ROOT, OTHER)
    kits = [TWO, ONE, {"1.root.json": sign(other, ROOT)}, {"1.root.json": b"{}"}, {}]
    assert claimed_names(kits) == [NAME, name_of(other)]
    assert claimed_names([]) == []
