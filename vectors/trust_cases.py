"""Vectors of trust: whole kits, honest and hostile, and what a reader must answer."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from form import Case, table
from writer import (
    Forger,
    Key,
    Volume,
    compact,
    head,
    key_id,
    kit,
    link,
    manifest,
    name_of,
    pin,
    public_key,
    role,
    root,
    sign,
    solo,
)

Parts = dict[str, bytes]

ORDER_8 = (
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
)
"""Two of the four points of order 8, which differ in y and in the sign of x."""

ROOT, AUTHOR = Key("root"), Key("author")
OTHER, THIEF = Key("another author"), Key("thief")
CUSTODIANS = [Key(f"custodian {number}") for number in range(5)]
WITNESSES = [Key(f"witness {number}") for number in range(3)]

FOUNDING = solo(ROOT, AUTHOR)
NAME = name_of(FOUNDING)
ROOT_1 = {"1.root.json": sign(FOUNDING, ROOT)}
ROOT_2 = {"2.root.json": sign(solo(ROOT, OTHER, 2), ROOT)}


def after(edition: int, before: bytes, **more: object) -> bytes:
    """The manifest of an edition that follows another one."""
    return compact(manifest(edition, previous=hashlib.sha256(before).hexdigest(), **more))


FIRST = compact(manifest(1))
SECOND = after(2, FIRST)
THIRD = after(3, SECOND)
ANOTHER = after(2, FIRST, title="Other names")


def edition(
    version: int,
    manifests: Sequence[bytes],
    author: Key | Forger = AUTHOR,
    roots: Mapping[str, bytes] = ROOT_1,
    **options: Any,
) -> Parts:
    """A kit's parts: roots, a head over editions 1, 2 …, and the newest one's manifest."""
    editions = dict(enumerate(manifests, 1))
    newest = f"edition-{len(manifests):06d}.json"
    return {**roots, **head(version, editions, author, **options), newest: manifests[-1]}


BOTH = edition(2, [FIRST, SECOND])
SERVED = {"version": 2, "editions": [None, SECOND]}


def first_edition(volume: Volume) -> tuple[bytes, Parts]:
    """The manifest and the kit of a first edition that has one volume."""
    packed = compact(manifest(1, volumes=[volume.listed()], files=3, bytes=1500))
    return packed, edition(1, [packed])


def under(founding: Mapping[str, Any], *signers: Any, author: Any = AUTHOR) -> tuple[bytes, Parts]:
    """The name of another work, and the kit of its first edition."""
    roots = {"1.root.json": sign(founding, *signers)}
    return name_of(founding), edition(1, [FIRST], author, roots)


def again(part: str, *keys: Any, parts: Parts = BOTH, **others: Any) -> Parts:
    """`parts` with other signatures under one of them."""
    return {**parts, part: sign(json.loads(parts[part])["signed"], *keys, **others)}


def custodial(threshold: int, count: int) -> dict[str, Any]:
    """A root that `threshold` of `count` custodians hold."""
    keys = CUSTODIANS[:count]
    author = dict.fromkeys(("targets", "snapshot", "timestamp"), role(AUTHOR))
    return root(1, {"root": role(*keys, threshold=threshold), **author}, [*keys, AUTHOR])


class Book:
    """The cases, and the kits that they name."""

    def __init__(self) -> None:
        self.kits: dict[str, bytes] = {}
        self.cases: dict[str, dict[str, Any]] = {}

    def kit(self, name: str, parts: Mapping[str, bytes]) -> str:
        """Keep a kit; the name of its file."""
        self.kits[name] = kit(parts)
        return f"{name}.kit"

    def accept(
        self,
        title: str,
        about: str,
        *kits: str,
        version: int,
        editions: Sequence[bytes | None],
        root: int = 1,
        announced: int | None = None,
        alone: bool = True,
        **more: Any,
    ) -> None:
        """A head must come out. `editions` are the manifests that can be had, from edition 1."""
        self._case(
            title,
            about,
            kits,
            expect="accept",
            head=(root, version),
            announced=version if announced is None else announced,
            solo=alone,
            editions={
                str(number): hashlib.sha256(body).hexdigest() if body else None
                for number, body in enumerate(editions, 1)
            },
            **more,
        )

    def refuse(
        self, title: str, about: str, error: str, word: str, *kits: str, **more: Any
    ) -> None:
        """An error must come out."""
        self._case(title, about, kits, expect=error, word=word, **more)

    def refuse_kit(
        self, title: str, about: str, error: str, word: str, parts: Parts, **more: Any
    ) -> None:
        """The same of one kit, made for this case."""
        self.refuse(title, about, error, word, self.kit(title, parts), **more)

    def refuse_root(
        self,
        title: str,
        about: str,
        word: str,
        founding: Mapping[str, Any],
        *signers: Any,
        author: Any = AUTHOR,
    ) -> None:
        """The same of a work that a root founds."""
        name, parts = under(founding, *signers, author=author)
        self.refuse_kit(title, about, "NotGenuine", word, parts, name=name)

    def _case(
        self,
        title: str,
        about: str,
        kits: Sequence[str],
        *,
        name: bytes = NAME,
        seen: tuple[int, int] = (0, 0),
        **more: Any,
    ) -> None:
        if title in self.cases:
            raise ValueError(f"two cases are called {title}")
        self.cases[title] = {"about": about, "link": link(name), "seen": seen, "kits": kits, **more}


def vectors() -> Iterator[Case]:
    book = Book()
    for chapter in (honest, many, rotation, signatures, pins, manifests, roots, libraries):
        chapter(book)
    for name, packed in book.kits.items():
        yield f"trust/kits/{name}.kit", packed
    for name, case in book.cases.items():
        yield table(f"trust/{name}.json", case)


def honest(book: Book) -> None:
    """One kit, and nobody lies."""
    about = "one kit; edition 1's manifest isn't in it"
    book.accept("good", about, book.kit("edition-2", BOTH), **SERVED)
    about = "founded, and nothing published yet"
    book.accept("good-founded", about, book.kit("founded", ROOT_1), version=0, editions=[])
    book.accept(
        "good-seen", "as new as what was seen before", "edition-2.kit", seen=(1, 2), **SERVED
    )
    parts = {**BOTH, "timestamp.json": BOTH["timestamp.json"][:-1] + b',"unsigned":1}'}
    about = "a key outside of what is signed"
    book.accept("good-unsigned-key", about, book.kit("unsigned-key", parts), **SERVED)

    name, parts = under(custodial(2, 3), *CUSTODIANS[:2])
    packed, about = book.kit("custodians", parts), "two of three custodians signed the root"
    book.accept("good-custodians", about, packed, name=name, version=1, editions=[FIRST])

    name, parts = witnessed()
    parts = again("timestamp.json", *WITNESSES[:2], parts=parts)
    packed, about = book.kit("witnessed", parts), "two of three witnesses signed the timestamp"
    book.accept(
        "good-witnessed", about, packed, name=name, version=1, editions=[FIRST], alone=False
    )


def witnessed() -> tuple[bytes, Parts]:
    """A work whose timestamps two of three witnesses sign; here the author did."""
    roles = {
        "root": role(ROOT),
        "targets": role(AUTHOR),
        "snapshot": role(AUTHOR),
        "timestamp": role(*WITNESSES, threshold=2),
    }
    return under(root(1, roles, [ROOT, AUTHOR, *WITNESSES]), ROOT)


def many(book: Book) -> None:
    """Several kits, from anyone."""
    one, two = book.kit("edition-1", edition(1, [FIRST])), "edition-2.kit"
    both = {"version": 2, "editions": [FIRST, SECOND]}
    book.accept("good-older-and-newer", "the newer head of two kits", one, two, **both)
    book.accept("good-newer-and-older", "in the other order", two, one, **both)
    halves = [
        book.kit(f"half-{at}", {name: BOTH[name] for name in list(BOTH)[at::2]}) for at in (0, 1)
    ]
    book.accept("good-in-halves", "each kit has half of the parts", *halves, **SERVED)
    junk = book.kit("junk", dict.fromkeys(BOTH, b"{}") | {"edition-000001.json": b"\x00\xff"})
    mixed = book.kit("mixed-up", dict(zip(BOTH, reversed(BOTH.values()), strict=True)))
    about = "parts that are no metadata, and parts under each other's names"
    book.accept("good-among-junk", about, junk, mixed, two, **SERVED)
    name, parts = under(solo(ROOT, THIEF), ROOT, author=THIEF)
    other = book.kit("another-work", parts)
    about = "another work's kit beside it, which happens to have the same first manifest"
    book.accept("good-among-other-works", about, other, two, **both)
    about = "the link of another work"
    not_this = ("NotGenuine", "not the work you asked for")
    book.refuse("wrong-name", about, *not_this, two, name=name)
    about, flipped = "the last bit of the name is another", NAME[:-1] + bytes([NAME[-1] ^ 1])
    book.refuse("wrong-name-by-a-bit", about, *not_this, two, name=flipped)
    book.refuse("no-kits", "no kit at all", "NotEnough", "no kit")
    fork = book.kit("another-edition-2", edition(2, [FIRST, ANOTHER]))
    about = "two heads of version 2, both signed"
    word = "states of version 2"
    book.refuse("forked", about, "Forked", word, two, fork)
    about = "two heads of version 2, both signed, and a version 3 above them"
    three = book.kit("edition-3", edition(3, [FIRST, SECOND, THIRD]))
    book.refuse("forked-below", about, "Forked", word, two, fork, three)
    about = "version 3 lists another edition 2 than version 2"
    rewritten = book.kit("edition-2-rewritten", edition(3, [FIRST, ANOTHER, after(3, ANOTHER)]))
    book.refuse("forked-history", about, "Forked", "manifests of version 2", two, rewritten)
    about = "version 3 is signed for, and its parts are nowhere: version 2 with that announced"
    parts = edition(3, [FIRST, SECOND, THIRD])
    packed = book.kit("announced", {"timestamp.json": parts["timestamp.json"]})
    book.accept("announced", about, packed, two, announced=3, **SERVED)
    about = "older than what was seen before"
    book.refuse("rolled-back", about, "RolledBack", "version 2", one, seen=(1, 2))
    about = "nothing published where something was seen"
    book.refuse(
        "rolled-back-to-nothing", about, "RolledBack", "version 2", "founded.kit", seen=(1, 2)
    )


def rotation(book: Book) -> None:
    """New keys."""
    two = "edition-2.kit"
    kept = {"root": 2, "version": 3, "editions": [None, SECOND, THIRD]}
    rotated = book.kit("rotated", edition(3, [FIRST, SECOND, THIRD], OTHER, ROOT_1 | ROOT_2))
    about = "root 2 names another author, who signed version 3"
    book.accept("rotated", about, two, rotated, **kept)
    nine = book.kit("nine-by-the-old-key", edition(9, [FIRST, ANOTHER]))
    about = "version 9 by the key that was replaced doesn't count"
    book.accept("old-key-after-rotation", about, two, nine, rotated, **kept)
    about = "one kit hides root 2 and goes on with the key that was replaced; another has root 2"
    second = book.kit("root-2", ROOT_2)
    word = "not signed by this work's author"
    book.refuse("hidden-new-root", about, "NotGenuine", word, nine, second)
    about = "who has seen root 2 doesn't take root 1 any more, however high its version"
    book.refuse("rolled-back-keys", about, "RolledBack", "keys 2", nine, seen=(2, 3))
    about = "root 2 begins a new count: who saw version 1,000,000 under root 1 takes version 3"
    book.accept(
        "rotated-after-a-leap",
        about,
        rotated,
        seen=(1, 10**6),
        root=2,
        version=3,
        editions=[None, None, THIRD],
    )
    rival = book.kit("rival-root-2", {"2.root.json": sign(solo(ROOT, THIEF, 2), ROOT)})
    about, word = "two different roots of version 2, both signed", "sets of keys of version 2"
    book.refuse("forked-roots", about, "Forked", word, rotated, rival)
    for title, about, body in (
        (
            "root-2-by-a-stranger",
            "root 1's keys didn't sign it",
            sign(solo(THIEF, OTHER, 2), THIEF),
        ),
        ("root-2-not-by-itself", "its own keys didn't sign it", sign(solo(THIEF, OTHER, 2), ROOT)),
        ("root-3-as-2", "version 3 under the name of version 2", sign(solo(ROOT, OTHER, 3), ROOT)),
    ):
        packed = book.kit(title, {"2.root.json": body})
        book.accept(title, f"a root 2 that doesn't count: {about}", packed, two, **SERVED)


def signatures(book: Book) -> None:
    """Signed by too few, or by the wrong ones."""

    def refuse(title: str, about: str, parts: Parts, name: bytes = NAME) -> None:
        word = "not signed by this work's author"
        book.refuse_kit(title, about, "NotGenuine", word, parts, name=name)

    stamp = "timestamp.json"
    refuse("timestamp-unsigned", "nobody signed the timestamp", again(stamp))
    refuse("timestamp-by-a-stranger", "another key signed it", again(stamp, THIEF))
    about = "another key signed it under the author's key id"
    refuse("timestamp-in-the-authors-name", about, again(stamp, **{AUTHOR.id: THIEF}))
    changed = BOTH[stamp].replace(b'"version":2}', b'"version":3}')
    refuse("timestamp-altered", "its version was changed afterwards", {**BOTH, stamp: changed})
    for title, about, values in (
        ("timestamp-expires", "it expires in 2030", {"expires": "2030-01-01T00:00:00Z"}),
        ("timestamp-far", "its version is above 2^31 - 1", {"version": 2**31}),
    ):
        signed = {**json.loads(BOTH[stamp])["signed"], **values}
        refuse(
            title, f"a timestamp that doesn't count: {about}", {**BOTH, stamp: sign(signed, AUTHOR)}
        )
    signed = json.loads(BOTH[stamp])["signed"]
    signed["meta"]["snapshot.json"]["custom"] = None
    signed["meta"]["snapshot.json"]["length"] = None
    about = "signed with expires T00:00:00Z, and written otherwise: some readers put it right first"
    other = BOTH[stamp].replace(b"T00:00:00Z", b"T0:00:00Z")
    refuse("timestamp-put-right", about, {**BOTH, stamp: other})
    about = "a null that some readers drop before they check the signature"
    refuse("timestamp-null", about, {**BOTH, stamp: sign(signed, AUTHOR)})
    shouted = json.loads(BOTH[stamp])
    shouted["signatures"][0]["sig"] = shouted["signatures"][0]["sig"].upper()
    about = "the right signature, in capitals"
    refuse("timestamp-in-capitals", about, {**BOTH, stamp: compact(shouted)})
    name, parts = witnessed()
    refuse("witness-none", "the author signed it, not the witnesses", parts, name)
    one = again(stamp, WITNESSES[0], parts=parts)
    refuse("witness-alone", "one witness signed it where two must", one, name)
    twice = again(stamp, WITNESSES[0], WITNESSES[0], parts=parts)
    refuse("witness-twice", "one witness signed it twice where two must", twice, name)
    parts = {**BOTH, "1.root.json": sign(FOUNDING)}
    about, word = "root 1 fits the name, and nobody signed it", "not the work you asked for"
    book.refuse_kit("root-unsigned", about, "NotGenuine", word, parts)


Change = Callable[[str, dict[str, Any]], None]


def pointing(at: str, hashes: Mapping[str, str] | None) -> Change:
    """A change that gives the pointer to `at` other hashes; None: none at all."""

    def change(_: str, signed: dict[str, Any]) -> None:
        pointer = signed.get("meta", {}).get(f"{at}.json")
        if pointer:
            del pointer["hashes"]
            if hashes:
                pointer["hashes"] = hashes

    return change


def pins(book: Book) -> None:
    """What a head points at."""

    def refuse(title: str, about: str, parts: Parts) -> None:
        book.refuse_kit(title, about, "NotEnough", "incomplete", parts)

    for at in ("snapshot", "targets"):
        change = pointing(at, None)
        parts = edition(2, [FIRST, SECOND], change=change)
        refuse(f"{at}-without-hash", f"the pointer to the {at} has no hash", parts)
        change = pointing(at, {"sha256": "00" * 32})
        parts = edition(2, [FIRST, SECOND], change=change)
        refuse(f"{at}-wrong-hash", f"the pointer to the {at} has another hash", parts)
        body = BOTH[f"2.{at}.json"]
        weak = hashlib.md5(body, usedforsecurity=False).hexdigest()
        parts = edition(2, [FIRST, SECOND], change=pointing(at, {"md5": weak}))
        refuse(f"{at}-by-md5", f"the pointer to the {at} has no SHA-256", parts)

    def pointless(kind: str, signed: dict[str, Any]) -> None:
        if kind == "snapshot":
            signed["meta"] = {}

    parts = edition(2, [FIRST, SECOND], change=pointless)
    refuse("snapshot-without-targets", "a snapshot that points at no targets", parts)
    parts = {**ROOT_1, "timestamp.json": BOTH["timestamp.json"]}
    refuse("head-incomplete", "a timestamp without its snapshot", parts)
    parts = {**BOTH, "2.targets.json": edition(2, [FIRST, ANOTHER])["2.targets.json"]}
    refuse("targets-of-another-head", "targets that were signed for another head", parts)

    def delegating(kind: str, signed: dict[str, Any]) -> None:
        if kind == "targets":
            signed["delegations"] = {"keys": {}, "roles": []}

    parts = edition(2, [FIRST, SECOND], change=delegating)
    about, word = "the targets hand power on", "hands power on"
    book.refuse_kit("delegations", about, "NotGenuine", word, parts)

    def more_targets(kind: str, signed: dict[str, Any]) -> None:
        if kind == "targets":
            for name in (
                "edition-000000.json",
                "edition-0000002.json",
                "edition-0000003.json",
                "x",
            ):
                signed["targets"][name] = pin(ANOTHER)

    parts = edition(2, [FIRST, SECOND], change=more_targets)
    packed = book.kit("targets-with-other-names", parts)
    about = "targets whose name isn't that of an edition are passed over"
    book.accept("targets-with-other-names", about, packed, **SERVED)


def manifests(book: Book) -> None:
    """What the editions' manifests must be."""
    packed = book.kit("manifest-missing", {k: v for k, v in BOTH.items() if "edition" not in k})
    nothing = {"version": 2, "editions": [None, None]}
    book.accept("manifest-missing", "the newest manifest is nowhere", packed, **nothing)
    packed = book.kit("manifest-altered", {**BOTH, "edition-000002.json": ANOTHER})
    book.accept("manifest-altered", "another manifest under its name", packed, **nothing)
    about = "another manifest under its name, and the right one"
    book.accept("manifest-beside-junk", about, packed, "edition-2.kit", **SERVED)
    word = "doesn't follow"
    about, parts = (
        "edition 2 is signed, and its manifest says 3",
        edition(2, [FIRST, after(3, FIRST)]),
    )
    book.refuse_kit("manifest-of-another", about, "NotGenuine", word, parts, edition=2)
    about, parts = "edition 2 names another edition 1", edition(2, [FIRST, after(2, THIRD)])
    book.refuse_kit("manifest-of-another-past", about, "NotGenuine", word, parts, edition=2)
    about = "an edition that was never signed"
    book.refuse("edition-unknown", about, "NotEnough", "no edition 3", "edition-2.kit", edition=3)


def roots(book: Book) -> None:
    """Roots that a client of The Update Framework would take."""
    copy, key = "00" * 32, CUSTODIANS[0]
    doubled = custodial(2, 2)
    doubled["keys"] = {key.id: key.value, copy: key.value, AUTHOR.id: AUTHOR.value}
    doubled["roles"]["root"] = {"keyids": [key.id, copy], "threshold": 2}
    parts = edition(1, [FIRST], AUTHOR, {"1.root.json": sign(doubled, key, **{copy: key})})
    about = "two of two custodians who have one key"
    book.refuse_kit(
        "one-key-under-two-ids", about, "NotGenuine", "twice", parts, name=name_of(doubled)
    )
    for threshold, count in ((1, 2), (1, 3), (2, 4)):
        about = f"{threshold} of {count} custodians is no majority"
        title, founding = f"threshold-{threshold}-of-{count}", custodial(threshold, count)
        book.refuse_root(title, about, "majority", founding, *CUSTODIANS[:threshold])
    either = solo(ROOT, AUTHOR)
    either["keys"][OTHER.id] = OTHER.value
    either["roles"]["timestamp"] = role(AUTHOR, OTHER, threshold=1)
    about = "either of two keys signs timestamps alone"
    book.refuse_root("timestamp-1-of-2", about, "majority", either, ROOT)
    founding = custodial(2, 3)
    founding["roles"]["targets"] = role(AUTHOR, threshold=2)
    about = "two signatures of one author"
    book.refuse_root("threshold-unreachable", about, "nobody can meet", founding, *CUSTODIANS[:2])

    forger, anyone = Forger(), "anyone could sign"
    founding = solo(ROOT, forger)
    about = "the author's key is the neutral element"
    book.refuse_root("small-order-author", about, anyone, founding, ROOT, author=forger)
    about = "the root key is the neutral element"
    book.refuse_root("small-order-root", about, anyone, solo(forger, AUTHOR), forger)
    for title, about, word, key in (
        ("small-order-8", "a key of order 8, without a role", anyone,
         public_key(bytes.fromhex(ORDER_8[0]))),
        ("small-order-8-too", "another one", anyone, public_key(bytes.fromhex(ORDER_8[1]))),
        ("ecdsa-key", "a key of another kind", "only Ed25519",
         {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": "-----"}}),
    ):  # fmt: skip
        founding = custodial(2, 3)
        founding["keys"][key_id(key)] = key
        book.refuse_root(title, about, word, founding, *CUSTODIANS[:2])
    about, founding = "names without version numbers", solo(ROOT, AUTHOR, consistent_snapshot=False)
    book.refuse_root("consistent-snapshot-false", about, "another way", founding, ROOT)
    about = "the author's key is the root key too"
    book.refuse_root("author-is-root", about, "its own keys", solo(ROOT, ROOT), ROOT, author=ROOT)
    none = "a key that is none"
    for title, about, word, public in (
        ("key-in-capitals", "a key in capitals", none, AUTHOR.public.hex().upper()),
        ("key-with-space", "a space in a key", none, f"{AUTHOR.public.hex()} "),
        ("key-short", "a key of 31 bytes", none, AUTHOR.public.hex()[2:]),
        ("key-not-canonical", "a y above the field's prime", anyone, "f0" + "ff" * 30 + "7f"),
    ):
        founding = custodial(2, 3)
        founding["keys"]["00" * 32] = public_key(b"") | {"keyval": {"public": public}}
        book.refuse_root(title, about, word, founding, *CUSTODIANS[:2])
    founding = custodial(2, 3)
    del founding["keys"][CUSTODIANS[2].id]
    about, word = "the root role names a key that isn't there", "doesn't have"
    book.refuse_root("key-missing", about, word, founding, *CUSTODIANS[:2])
    word = "not the work you asked for"
    about, founding = "it expired in 2020", solo(ROOT, AUTHOR, expires="2020-01-01T00:00:00Z")
    book.refuse_root("root-expires", f"a root that doesn't count: {about}", word, founding, ROOT)


def libraries(book: Book) -> None:
    """Junk that breaks a reader that trusts its libraries to take anything."""

    def spoiled(part: str, **values: Any) -> Parts:
        metadata = json.loads(BOTH[part])
        metadata["signed"].update(values)
        return {part: json.dumps(metadata).encode()}

    stamp = BOTH["timestamp.json"].replace(b'"sig":"', b'"sig":"zz')
    null = json.loads(BOTH["timestamp.json"])
    null["signatures"][0]["sig"] = None
    deep = json.loads("[" * 500 + "]" * 500)
    for title, about, parts in (
        ("junk-snapshot", "a snapshot that points at nothing", spoiled("2.snapshot.json", meta={})),
        ("junk-fraction", "a number without canonical form", spoiled("1.root.json", x=1.5)),
        ("junk-surrogate", "half a character", spoiled("1.root.json", x="\ud800")),
        ("junk-deep", "500 brackets deep", spoiled("1.root.json", x=deep)),
        ("junk-signature", "a signature that isn't hexadecimal", {"timestamp.json": stamp}),
        ("junk-null", "a signature that is null", {"timestamp.json": compact(null)}),
    ):
        packed = book.kit(title, parts)
        book.accept(title, f"{about}, before the honest kit", packed, "edition-2.kit", **SERVED)
    for part, cap, error, word in (
        ("1.root.json", 2**16, "NotGenuine", "not the work you asked for"),
        ("timestamp.json", 2**14, "NotGenuine", "not signed by this work's author"),
    ):
        for by, over in (("", 1), ("-not", 0)):
            title = f"oversized{by}-{part.split('.')[-2]}"
            spaces = {part: cap - len(BOTH[part]) + over}
            about = f"{part}, with spaces to {cap + over} bytes"
            if over:
                book.refuse(title, about, error, word, "edition-2.kit", spaces=spaces)
            else:
                book.accept(title, about, "edition-2.kit", spaces=spaces, **SERVED)
