"""What a root must satisfy beyond TUF's own rules."""

from itertools import product
from typing import Any

import pytest
from trust_forge import AUTHOR, OTHER, ROOT, custodians, root_of

from outlast.errors import NotGenuine
from outlast.trust.rules import check_root
from writer import Key, public_key, role, root, solo

# Edwards25519 (RFC 8032, 5.1), plainly.
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SQRT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P)
    return x % P, y % P


def on_curve(y: int) -> list[Point]:
    """The points with this y: none, one, or two."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * SQRT_OF_MINUS_1 % P
    return sorted({(x, y), (-x % P, y)}) if x * x % P == square else []


def points_of_small_order() -> set[Point]:
    """The eight: L times any point has only its part of small order left (L is the group's)."""
    order = 2**252 + 27742317777372353535851937790883648493
    found: set[Point] = set()
    y = 2
    while len(found) < 8:
        for point in on_curve(y):
            left, power, rest = (0, 1), point, order
            while rest:
                if rest & 1:
                    left = add(left, power)
                power, rest = add(power, power), rest >> 1
            multiple = left
            for _ in range(8):
                found.add(multiple)
                multiple = add(multiple, left)
        y += 1
    return found


def encodings(point: Point) -> list[bytes]:
    """All 32 bytes that some decoder takes for the point."""
    x, y = point
    ys = [y] if y >= 19 else [y, y + P]
    signs = [x & 1] if x else [0, 1]
    return [(each | sign << 255).to_bytes(32, "little") for each, sign in product(ys, signs)]


def with_key(public: str) -> dict[str, Any]:
    """A root that lists one more key."""
    signed = solo(ROOT, AUTHOR)
    return {**signed, "keys": {**signed["keys"], "00" * 32: public_key(b"")
            | {"keyval": {"public": public}}}}  # fmt: skip


def custodial(threshold: int, count: int) -> dict[str, Any]:
    keys = custodians(count)
    online = dict.fromkeys(("targets", "snapshot", "timestamp"), role(AUTHOR))
    return root(1, {"root": role(*keys, threshold=threshold), **online}, [*keys, AUTHOR])


def test_sound_roots() -> None:
    check_root(root_of(solo(ROOT, AUTHOR)))
    check_root(root_of(with_key(OTHER.public.hex())))


def test_points_of_small_order() -> None:
    points = points_of_small_order()
    keys = [key for point in points for key in encodings(point)]
    assert len(points) == 8
    assert len(set(keys)) == 14
    for key in keys:
        with pytest.raises(NotGenuine, match="anyone could sign"):
            check_root(root_of(with_key(key.hex())))


@pytest.mark.parametrize("y", [P + 2, P + 18, 2**255 - 1])
def test_keys_that_arent_in_their_one_form(y: int) -> None:
    for sign in (0, 1):
        with pytest.raises(NotGenuine, match="anyone could sign"):
            check_root(root_of(with_key((y | sign << 255).to_bytes(32, "little").hex())))


@pytest.mark.parametrize(
    "public",
    ["", "00", "zz" * 32, "AB" * 32, "ab" * 33, " " + "ab" * 32, "ab" * 32 + "\n", "é" * 64],
    ids=ascii,
)
def test_keys_that_are_none(public: str) -> None:
    with pytest.raises(NotGenuine, match="a key that is none"):
        check_root(root_of(with_key(public)))


@pytest.mark.parametrize(
    ("keytype", "scheme"),
    [("rsa", "rsassa-pss-sha256"), ("ecdsa", "ecdsa-sha2-nistp256")],
)
def test_keys_of_other_kinds(keytype: str, scheme: str) -> None:
    signed = with_key(OTHER.public.hex())
    signed["keys"]["00" * 32] |= {"keytype": keytype, "scheme": scheme}
    with pytest.raises(NotGenuine, match="only Ed25519"):
        check_root(root_of(signed))


@pytest.mark.parametrize("count", range(1, 8))
def test_custodians_act_by_majority(count: int) -> None:
    for threshold in range(1, count + 1):
        signed = root_of(custodial(threshold, count))
        if threshold > count / 2:
            check_root(signed)
        else:
            with pytest.raises(NotGenuine, match=f"lets {threshold} of {count} root keys act"):
                check_root(signed)
    with pytest.raises(NotGenuine, match="nobody can meet"):
        check_root(root_of(custodial(count + 1, count)))


@pytest.mark.parametrize("name", ["root", "targets", "snapshot", "timestamp"])
def test_every_role(name: str) -> None:
    keys = [Key("one"), Key("two")]
    signed = root(1, solo(ROOT, AUTHOR)["roles"], [ROOT, AUTHOR, *keys])

    def check(value: dict[str, Any]) -> None:
        check_root(root_of({**signed, "roles": {**signed["roles"], name: value}}))

    check(role(*keys, threshold=2))
    with pytest.raises(NotGenuine, match=f"1 of 2 {name} keys"):
        check(role(*keys, threshold=1))
    with pytest.raises(NotGenuine, match=f"{name} threshold that nobody can meet"):
        check(role(keys[0], threshold=2))
    with pytest.raises(NotGenuine, match=f"a {name} key that it doesn't have"):
        check({"keyids": [keys[0].id, "ff" * 32], "threshold": 2})
    signed["keys"]["11" * 32] = keys[0].value
    with pytest.raises(NotGenuine, match=f"counts one {name} key twice"):
        check({"keyids": [keys[0].id, "11" * 32], "threshold": 2})


def test_an_author_who_could_replace_her_own_keys() -> None:
    with pytest.raises(NotGenuine, match="replace its own keys"):
        check_root(root_of(solo(ROOT, ROOT)))
    two = custodians(2)
    roles = {"root": role(*two, AUTHOR, threshold=2), **dict.fromkeys(
        ("targets", "snapshot", "timestamp"), role(AUTHOR))}  # fmt: skip
    with pytest.raises(NotGenuine, match="replace its own keys"):
        check_root(root_of(root(1, roles, [*two, AUTHOR])))


@pytest.mark.parametrize("value", [False, None])
def test_parts_without_versions_in_their_names(value: object) -> None:
    signed = solo(ROOT, AUTHOR)
    del signed["consistent_snapshot"]
    with pytest.raises(NotGenuine, match="another way"):
        check_root(root_of(signed if value is None else {**signed, "consistent_snapshot": value}))
