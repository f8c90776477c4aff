"""What a root must satisfy beyond The Update Framework's own rules."""

import re

from tuf.api.metadata import Root

from outlast.errors import NotGenuine

ONLINE = ("targets", "snapshot", "timestamp")

_P = 2**255 - 19
# The curve's points of small order, by their y: under such a key, signatures exist that verify
# for (almost) any message.
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
_HEX = re.compile(r"[0-9a-f]{64}")


def check_root(root: Root) -> None:
    """Refuse a root under which less than a majority of distinct, sound keys could act.

    Raises:
        NotGenuine: another key type than Ed25519; a key that is none, of small order, or not in
            its one canonical form; one key under two ids; a role with a key that isn't there, or
            a threshold of half its keys or fewer; a root key that also signs editions.
    """
    if root.consistent_snapshot is not True:
        raise NotGenuine("a root of this work names its parts in another way than works do")
    public = {
        keyid: _public(key.keytype, key.scheme, key.keyval) for keyid, key in root.keys.items()
    }
    for name in ("root", *ONLINE):
        role = root.roles[name]
        if not public.keys() >= set(role.keyids):
            raise NotGenuine(f"a root of this work names a {name} key that it doesn't have")
        if len({public[keyid] for keyid in role.keyids}) != len(role.keyids):
            raise NotGenuine(f"a root of this work counts one {name} key twice")
        if role.threshold > len(role.keyids):
            raise NotGenuine(f"a root of this work has a {name} threshold that nobody can meet")
        if role.threshold * 2 <= len(role.keyids):
            raise NotGenuine(
                f"a root of this work lets {role.threshold} of {len(role.keyids)} {name} keys act: "
                "less than a majority"
            )
    custodians = {public[keyid] for keyid in root.roles["root"].keyids}
    if any(public[keyid] in custodians for keyid in root.roles["targets"].keyids):
        raise NotGenuine("a root of this work lets its author replace its own keys")


def _public(keytype: str, scheme: str, keyval: dict[str, object]) -> bytes:
    if (keytype, scheme) != ("ed25519", "ed25519"):
        raise NotGenuine(f"a root of this work names a {keytype!a} key; only Ed25519 counts")
    written = keyval.get("public")
    if not isinstance(written, str) or not _HEX.fullmatch(written):
        raise NotGenuine("a root of this work names a key that is none")
    key = bytes.fromhex(written)
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    if y >= _P or y in _SMALL_ORDER:
        raise NotGenuine("a root of this work names a key that anyone could sign for")
    return key
