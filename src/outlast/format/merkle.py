"""A share's root: the hash tree over its symbols' hashes.

The shape is that of RFC 9162, 2.1: a tree over m > 1 leaves splits at the largest power of two
below m. Leaves are the symbols' BLAKE3 hashes; a node is BLAKE3(0x01 ‖ left ‖ right). A symbol
can't pass for a node: its length is a multiple of 64, a node's input is 65 bytes.
"""

from blake3 import blake3

from outlast.errors import Malformed

HASH = 32
"""Bytes of a hash."""


def root(leaves: bytes) -> bytes:
    """The root over `leaves`, whole hashes end to end, at least one."""
    level = [leaves[at : at + HASH] for at in range(0, len(leaves), HASH)]
    # Pairing from the left and carrying an odd one up gives RFC 9162's shape, without recursion.
    while len(level) > 1:
        above = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def prove(leaves: bytes, first: int, count: int) -> bytes:
    """The nodes that lead from leaves [first, first + count) to the root, left to right."""
    proof: list[bytes] = []

    def walk(low: int, high: int) -> None:
        if high <= first or low >= first + count:
            proof.append(root(leaves[low * HASH : high * HASH]))
        elif high - low > 1:
            middle = low + _split(high - low)
            walk(low, middle)
            walk(middle, high)

    walk(0, len(leaves) // HASH)
    return b"".join(proof)


def root_from(run: bytes, first: int, total: int, proof: bytes) -> bytes:
    """The root of a tree of `total` leaves, from a run of them and `prove`'s nodes.

    Raises:
        Malformed: the proof has too few or too many nodes for this run.
    """
    count = len(run) // HASH
    if first == 0 and count == total and not proof:
        return root(run)
    nodes = iter([proof[at : at + HASH] for at in range(0, len(proof), HASH)])

    def walk(low: int, high: int) -> bytes:
        if high <= first or low >= first + count:
            node = next(nodes, None)
            if node is None:
                raise Malformed("the share's hash proof is too short")
            return node
        if high - low == 1:
            at = (low - first) * HASH
            return run[at : at + HASH]
        middle = low + _split(high - low)
        left = walk(low, middle)
        return _node(left, walk(middle, high))

    found = walk(0, total)
    if next(nodes, None) is not None:
        raise Malformed("the share's hash proof is too long")
    return found


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return blake3(b"\x01" + left + right).digest()
