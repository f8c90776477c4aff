"""Hash trees, beside RFC 9162's recursive definition of their shape."""

import contextlib

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed
from outlast.format.merkle import prove, root, root_from


def leaves_of(count: int) -> list[bytes]:
    return [blake3(b"leaf %d" % at).digest() for at in range(count)]


def reference_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1: MTH(D[n]) = HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n])), leaves as they are."""
    if len(leaves) == 1:
        return leaves[0]
    k = max(2**power for power in range(30) if 2**power < len(leaves))
    return blake3(b"\x01" + reference_root(leaves[:k]) + reference_root(leaves[k:])).digest()


def reference_proof(leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 9162, 2.1.3.1: the audit path of one leaf, from the leaf up."""
    if len(leaves) == 1:
        return []
    k = max(2**power for power in range(30) if 2**power < len(leaves))
    if index < k:
        return [*reference_proof(leaves[:k], index), reference_root(leaves[k:])]
    return [*reference_proof(leaves[k:], index - k), reference_root(leaves[:k])]


@pytest.mark.parametrize("count", [*range(1, 70), 127, 128, 129, 1000])
def test_root_is_the_rfcs(count: int) -> None:
    leaves = leaves_of(count)
    assert root(b"".join(leaves)) == reference_root(leaves)


@pytest.mark.parametrize("count", range(1, 20))
def test_proof_of_one_leaf_has_the_nodes_of_the_rfcs(count: int) -> None:
    leaves = leaves_of(count)
    for index in range(count):
        proof = prove(b"".join(leaves), index, 1)
        nodes = [proof[at : at + 32] for at in range(0, len(proof), 32)]
        assert sorted(nodes) == sorted(reference_proof(leaves, index))


@pytest.mark.parametrize("count", range(1, 15))
def test_every_run_of_a_small_tree_leads_to_its_root_and_no_other_does(count: int) -> None:
    leaves = b"".join(leaves_of(count))
    top = root(leaves)
    for first in range(count):
        for size in range(1, count - first + 1):
            run = leaves[32 * first : 32 * (first + size)]
            proof = prove(leaves, first, size)
            assert root_from(run, first, count, proof) == top
            for at in range(size):
                other = bytearray(run)
                other[32 * at] ^= 1
                assert root_from(bytes(other), first, count, proof) != top
            for at in range(0, len(proof), 32):
                other = bytearray(proof)
                other[at] ^= 1
                assert root_from(run, first, count, bytes(other)) != top


@pytest.mark.parametrize("count", range(2, 12))
def test_a_run_proves_its_place(count: int) -> None:
    """The same hashes and nodes for another place give another root, or don't fit there."""
    leaves = b"".join(leaves_of(count))
    top = root(leaves)
    for first in range(count):
        for size in range(1, count - first + 1):
            run, proof = leaves[32 * first : 32 * (first + size)], prove(leaves, first, size)
            for other in set(range(count - size + 1)) - {first}:
                with contextlib.suppress(Malformed):
                    assert root_from(run, other, count, proof) != top


@pytest.mark.parametrize("count", range(1, 12))
def test_a_proof_has_just_the_nodes_it_needs(count: int) -> None:
    leaves = b"".join(leaves_of(count))
    for first in range(count):
        run, proof = leaves[32 * first : 32 * (first + 1)], prove(leaves, first, 1)
        with pytest.raises(Malformed, match="too long"):
            root_from(run, first, count, proof + bytes(32))
        if proof:
            with pytest.raises(Malformed, match="too short"):
                root_from(run, first, count, proof[:-32])


@settings(deadline=None)
@given(st.integers(1, 5000), st.data())
def test_proofs_stay_short(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, count - 1))
    size = data.draw(st.integers(1, count - first))
    leaves = bytes(32 * count)
    proof = prove(leaves, first, size)
    assert len(proof) // 32 <= 2 * (count - 1).bit_length()
    assert root_from(leaves[: 32 * size], first, count, proof) == root(leaves)
