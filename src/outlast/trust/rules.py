"""What a root must satisfy beyond The Update Framework's own rules."""

from tuf.api.metadata import Root

from outlast.errors import NotGenuine

ROLES = ("root", "targets", "snapshot", "timestamp")

# The encodings of the curve's eight points of small order, two of them also in their
# non-canonical forms: under such a key, signatures exist that verify for (almost) any message.
_P = 2**255 - 19
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
_SMALL_ORDER = frozenset(
    (y | sign << 255).to_bytes(32, "little")
    for y in (0, 1, _P - 1, _P, _P + 1, _Y8, _P - _Y8)
    for sign in (0, 1)
)


def check_root(root: Root) -> None:
    """Refuse a root under which less than a majority of distinct, sound keys could act.

    Raises:
        NotGenuine: another key type than Ed25519, a small-order key, one key under two ids, or a
            root threshold of half the keys or fewer.
    """
    public: dict[str, bytes] = {}
    for keyid, key in root.keys.items():
        if (key.keytype, key.scheme) != ("ed25519", "ed25519"):
            raise NotGenuine(
                f"a root of this work names a {key.keytype!r} key; only Ed25519 counts"
            )
        try:
            public[keyid] = bytes.fromhex(key.keyval["public"])
        except (KeyError, TypeError, ValueError):
            raise NotGenuine("a root of this work names a key that is none") from None
        if len(public[keyid]) != 32 or public[keyid] in _SMALL_ORDER:
            raise NotGenuine("a root of this work names a key that anyone could sign for")
    for name in ROLES:
        role = root.roles[name]
        if len({public.get(keyid) for keyid in role.keyids}) != len(role.keyids):
            raise NotGenuine(f"a root of this work counts one {name} key twice")
        if not 1 <= role.threshold <= len(role.keyids):
            raise NotGenuine(f"a root of this work has a {name} threshold that nobody can meet")
    custodians = root.roles["root"]
    if custodians.threshold * 2 <= len(custodians.keyids):
        raise NotGenuine(
            f"a root of this work lets {custodians.threshold} of {len(custodians.keyids)} "
            "custodians act: less than a majority"
        )
