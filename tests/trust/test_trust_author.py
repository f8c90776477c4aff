"""Founding a work, and signing its editions."""

import json

import pytest
from trust_forge import AUTHOR, NAME, OTHER, ROOT, ROOT_1, ROOT_2, kit, manifests, signer
from tuf.api.metadata import SPECIFICATION_VERSION, Metadata

from outlast.trust.author import found, publish
from outlast.trust.memory import Seen
from outlast.trust.resolver import resolve

same_tuf = pytest.mark.skipif(
    ".".join(SPECIFICATION_VERSION) != "1.0.31", reason="this tuf writes another version"
)


def history(count: int) -> list[dict[str, bytes]]:
    """The kits of editions 1 to `count`, as the author makes them."""
    kits, parts = [], dict(ROOT_1)
    for number, body in enumerate(manifests(count), 1):
        parts = publish(parts, signer(AUTHOR), number, body)
        kits.append(parts)
    return kits


@same_tuf
def test_a_work_is_founded_just_as_the_second_writer_does() -> None:
    assert found(signer(ROOT), signer(AUTHOR)) == (NAME, ROOT_1)


@same_tuf
def test_editions_are_signed_just_as_the_second_writer_does() -> None:
    for number, parts in enumerate(history(3), 1):
        assert parts == kit(number)


def test_every_edition_lists_all_before_it_again() -> None:
    kits = history(7)
    for number, parts in enumerate(kits, 1):
        head = resolve(NAME, [parts])
        assert head.seen == Seen(1, number)
        assert sorted(head.editions) == list(range(1, number + 1))
    # So all of them verify under the last head, wherever their manifests come from.
    head = resolve(NAME, reversed(kits))
    assert [head.manifest(number)[1] for number in range(1, 8)] == manifests(7)


def test_a_kit_brings_roots_head_and_its_own_manifest_only() -> None:
    (*_, parts) = history(3)
    names = ["1.root.json", "3.snapshot.json", "3.targets.json", "edition-000003.json"]
    assert sorted(parts) == [*names, "timestamp.json"]


@pytest.mark.parametrize("edition", [1, 2, 4])
def test_only_the_next_edition_is_signed(edition: int) -> None:
    (*_, parts) = history(2)
    with pytest.raises(ValueError, match="isn't the next one"):
        publish(parts, signer(AUTHOR), edition, b"{}")


def test_the_first_edition_is_1() -> None:
    with pytest.raises(ValueError, match="isn't the next one"):
        publish(ROOT_1, signer(AUTHOR), 2, b"{}")


def test_another_author_goes_on_after_a_rotation() -> None:
    (*_, parts) = history(2)
    third = publish({**parts, **ROOT_2}, signer(OTHER), 3, manifests(3)[2])
    head = resolve(NAME, [parts, third])
    assert head.seen == Seen(2, 3)
    assert sorted(head.editions) == [1, 2, 3]
    assert head.manifest(2)[1] == manifests(2)[1]


def test_what_is_signed_gives_no_time_and_no_name_away() -> None:
    for body in history(1)[0].values():
        text = body.decode()
        assert "9999-12-31T00:00:00Z" in text or "outlast manifest" in text
        metadata = json.loads(text).get("signed", {})
        keys = {"_type", "spec_version", "version", "expires", "meta", "targets"}
        assert metadata.keys() <= keys | {"keys", "roles", "consistent_snapshot"}


def test_signed_metadata_is_what_tuf_itself_verifies() -> None:
    parts = history(1)[0]
    root = Metadata.from_bytes(parts["1.root.json"])
    for role in ("timestamp", "1.snapshot", "1.targets"):
        part = Metadata.from_bytes(parts[f"{role}.json"])
        root.signed.verify_delegate(part.signed.type, part.signed_bytes, part.signatures)
