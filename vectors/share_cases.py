"""Vectors of what is binary: the erasure code, hash trees, shares and kits."""

import base64
import random
from collections.abc import Iterator

from form import Case, table, text
from trust_cases import NAME, first_edition
from writer import Volume, encode, file_row, index, kit, link, matrix, noise, prove, tree


def vectors() -> Iterator[Case]:
    for cases in (erasure, merkle, shares, kits):
        yield from cases()


# --- erasure code and hash trees ---------------------------------------------------------------


def erasure() -> Iterator[Case]:
    geometries = [(1, 3), (2, 5), (3, 3), (4, 8), (16, 48), (32, 96), (5, 256)]
    for k, n in geometries:
        about = f"the generator matrix of k={k}, n={n}: one line of k coefficients for each row"
        rows = [row.hex() for row in matrix(k, n)]
        yield table(f"erasure/matrix-{k}-{n}.json", {"about": about, "k": k, "n": n, "rows": rows})
    for k, n in geometries[:6]:
        data = [noise(f"erasure {k} {n} {row}", 13) for row in range(k)]
        rows = encode(k, n, data)
        chance = random.Random(k * 1000 + n)
        yield table(
            f"erasure/rows-{k}-{n}.json",
            {
                "about": "all rows of one segment, and choices of k rows that rebuild it",
                "k": k,
                "n": n,
                "rows": [row.hex() for row in rows],
                "have": [list(range(n - k, n)), *(chance.sample(range(n), k) for _ in range(3))],
            },
        )


def merkle() -> Iterator[Case]:
    trees = []
    for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13):
        leaves = [noise(f"leaf {at}", 32) for at in range(count)]
        runs = sorted({(0, count), (0, 1), (count - 1, 1), (count // 2, 1), (1, max(count - 2, 1))})
        trees.append(
            {
                "leaves": [leaf.hex() for leaf in leaves],
                "root": tree(leaves).hex(),
                "runs": [
                    {
                        "first": first,
                        "count": size,
                        "proof": [node.hex() for node in prove(leaves, first, size)],
                    }
                    for first, size in runs
                    if first + size <= count
                ],
            }
        )
    yield table(
        "merkle.json", {"about": "roots, and proofs of runs of leaves, in hex", "trees": trees}
    )


# --- shares ------------------------------------------------------------------------------------

_FILES = {
    "film/第一章.vtt": noise("subtitles", 1584),
    "names/register.csv": b"number,name\n" * 25,
    "names/empty.txt": b"",
}


def sample_volume(k: int = 3, n: int = 6, symbol: int = 128) -> Volume:
    """A volume of three files, seven segments long and with a shorter last one."""
    stream = b"".join(_FILES.values())
    rows, offset = [], 0
    for path, body in _FILES.items():
        rows.append(file_row(path, body, offset, "text/plain"))
        offset += len(body)
    packed = index(rows)
    return Volume(k=k, n=n, symbol=symbol, stream=stream + packed, index=packed)


def shares() -> Iterator[Case]:
    volume, copies = sample_volume(), sample_volume(1, 3, 65536)
    segments = len(volume.rows[0])
    if (segments, len(volume.rows[0][-1])) != (7, 64):
        raise ValueError("the sample volume must have seven segments, the last one shorter")
    _, genuine = first_edition(volume)
    packed = kit(genuine)
    yield table(
        "share/volume.json",
        {
            "about": "the volume of the shares in this folder, as a manifest lists it",
            "link": link(NAME),
            "volume": volume.listed(),
            "segments": segments,
            "lengths of a symbol": [128] * (segments - 1) + [len(volume.rows[0][-1])],
            "roots": [each.hex() for each in volume.roots],
            "stream": base64.b64encode(volume.stream).decode(),
        },
    )

    def accept(name: str, body: bytes, about: str, of: Volume = volume, **fields: object) -> Case:
        return text(
            f"share/{name}.txt", body, expect="accept", about=about, volume=of.id.hex(), **fields
        )

    def refuse(name: str, body: bytes, about: str, word: str) -> Case:
        return text(
            f"share/{name}.txt",
            body,
            expect="Malformed",
            about=about,
            word=word,
            volume=volume.id.hex(),
        )

    everything = " ".join(map(str, range(segments)))
    for row in range(volume.n):
        whole = volume.share(row, kit=packed)
        about = f"row {row} whole, with the kit of its edition behind its symbols"
        yield accept(
            f"good-row-{row}", whole, about, row=row, sound=everything, kit=len(whole) - len(packed)
        )
    copy = copies.share(2)
    about = "k=1 is replication; a volume of one short segment"
    yield accept("good-copy", copy, about, copies, row=2, sound="0")
    for name, first, count in (
        ("good-slice-first", 0, 3),
        ("good-slice-middle", 2, 3),
        ("good-slice-last", segments - 2, 2),
        ("good-slice-one", 4, 1),
        ("good-slice-all-but-the-last", 0, segments - 1),
    ):
        sound = " ".join(map(str, range(first, first + count)))
        about = f"a slice: segments {first} to {first + count - 1} of {segments}"
        yield accept(name, volume.share(1, first, count), about, row=1, sound=sound)

    # What stands before the symbols.
    start = 72 + 32 * (volume.n + segments)
    good = volume.share(1)
    other = bytes(32)
    hashes = b"".join(volume.hashes(1))
    proof = b"".join(prove(volume.hashes(1), 2, 3))
    wrong_root = b"".join([*volume.roots[:5], other])
    for name, body, about, word in (
        ("empty", b"", "nothing at all", "not a share"),
        ("header-short", good[:71], "one byte less than a header", "not a share"),
        ("magic", b"\x00" + good[1:], "another first byte", "not a share"),
        ("kind", good[:8] + b"K" + good[9:], "the kind of a kit", "not a share"),
        ("version", volume.share(1, version=2), "a later version", "version 2"),
        ("row", volume.share(1, row=6), "row 6 of n=6", "row 6"),
        ("k-zero", volume.share(1, k=0), "k=0", "geometry"),
        ("k-above-n", volume.share(1, k=7), "k=7 and n=6", "geometry"),
        ("n-257", volume.share(1, n=257), "n=257", "geometry"),
        ("symbol-zero", volume.share(1, symbol=0), "a symbol of 0 bytes", "symbol of 0"),
        ("symbol-odd", volume.share(1, symbol=100), "not a multiple of 64", "symbol of 100"),
        ("symbol-large", volume.share(1, symbol=2**20 + 64), "above 1 MiB", "symbol of 1048640"),
        ("segment-large", volume.share(1, k=33, n=33, symbol=2**20), "above 32 MiB", "segment"),
        ("size-zero", volume.share(1, size=0), "a volume of 0 bytes", "volume of 0"),
        ("size-large", volume.share(1, size=384 * 2**20 + 1), "2^20 + 1 segments", "outside"),
        ("size-huge", volume.share(1, size=2**64 - 1), "2^64 - 1 bytes", "outside"),
        ("count-zero", volume.share(1, count=0), "no segment", "outside its volume"),
        ("count-large", volume.share(1, count=8), "8 segments of 7", "outside its volume"),
        ("first-large", volume.share(1, first=7), "begins behind the end", "outside its volume"),
        ("nodes-65", volume.share(1, nodes=65), "65 nodes of proof", "proof"),
        ("head-short", good[: start - 1], "one byte less than the head", "cut short"),
        ("volume", volume.share(1, volume=other), "names another volume", "its volume"),
        ("roots", volume.share(1, roots=wrong_root), "one root is another", "its volume"),
        ("size", volume.share(1, size=len(volume.stream) - 1), "the size is another",
         "its volume"),
        ("hashes", volume.share(1, hashes=other + hashes[32:]), "one symbol's hash is another",
         "its root"),
        ("row-swapped", volume.share(1, row=2), "row 1 that claims to be row 2", "its root"),
        ("slice-moved", volume.share(1, 2, 3, first=3), "segments 2 to 4 as 3 to 5", "its root"),
        ("proof", volume.share(1, 2, 3, proof=other + proof[32:]), "one node is another",
         "its root"),
        ("proof-short", volume.share(1, 2, 3, proof=proof[32:], nodes=len(proof) // 32 - 1),
         "a node is missing", "too short"),
        ("proof-long", volume.share(1, 2, 3, proof=proof + other, nodes=len(proof) // 32 + 1),
         "a node too many", "too long"),
        ("proof-needless", volume.share(1, proof=other, nodes=1), "a whole share with a proof",
         "too long"),
        ("other-volume", copy, "sound in itself, but of another volume", "another volume"),
    ):  # fmt: skip
        yield refuse(name, body, about, word)

    # The symbols.
    damaged = bytearray(good)
    damaged[start + 128 * 3 + 7] ^= 1
    yield accept("symbol-damaged", bytes(damaged), "one bit of segment 3 is wrong", row=1,
                 sound="0 1 2 4 5 6")  # fmt: skip
    damaged = bytearray(good)
    damaged[-1] ^= 128
    yield accept("symbol-last-damaged", bytes(damaged), "the last bit is wrong", row=1,
                 sound="0 1 2 3 4 5")  # fmt: skip
    yield accept("symbols-short", good[: start + 128 * 5 + 127], "ends inside segment 5", row=1,
                 sound="0 1 2 3 4")  # fmt: skip


# --- kits --------------------------------------------------------------------------------------


def kits() -> Iterator[Case]:
    parts = {"1.root.json": b"{}", "edition-000001.json": b"{ }", "timestamp.json": b""}
    good = kit(parts)
    most = "a" * 96
    for name, body, about, listed in (
        ("good", good, "three parts", parts),
        ("good-empty", kit({}), "no parts", {}),
        ("good-name-long", kit({most: b"x"}), "a name of 96 letters", {most: b"x"}),
    ):
        sizes = " ".join(f"{part}={len(body)}" for part, body in sorted(listed.items()))
        yield text(f"kit/{name}.txt", body, expect="accept", about=about, parts=sizes)
    for name, body, about, word in (
        ("empty", b"", "nothing at all", "not a kit"),
        ("header-short", good[:15], "one byte less than a header", "not a kit"),
        ("magic", kit(parts, magic=b"\x89OUTLAS2"), "another magic", "not a kit"),
        ("kind", kit(parts, kind=b"S"), "the kind of a share", "not a kit"),
        ("version", kit(parts, version=2), "a later version", "version 2"),
        ("short", good[:-1], "one byte is missing", "cut short"),
        ("long", good + b"\0", "one byte too many", "runs on"),
        ("total-small", kit(parts, total=15), "a total below the header", "outside the caps"),
        ("total-large", kit(parts, total=32 * 2**20 + 1), "above 32 MiB", "outside the caps"),
        ("count-large", kit(parts, count=4097), "4,097 parts", "outside the caps"),
        ("count-above", kit(parts, count=4), "four parts where there are three", "table"),
        ("count-below", kit(parts, count=2), "two parts where there are three", "don't fill"),
        ("name-empty", kit({"": b"x"}), "a name of no letters", "table"),
        ("name-capital", kit({"Root": b"x"}), "a capital in a name", "table"),
        ("name-slash", kit({"a/b": b"x"}), "a slash in a name", "table"),
        ("name-dot", kit({".a": b"x"}), "a name that begins with a dot", "table"),
        ("name-newline", kit({"a\n": b"x"}), "a line feed at the end of a name", "table"),
        ("name-foreign", kit({"\xe9": b"x"}), "a letter outside ASCII", "table"),
        ("name-long", kit({"a" * 97: b"x"}), "a name of 97 letters", "table"),
        ("names-descending", kit([("b", b"x"), ("a", b"y")]), "names in another order", "table"),
        ("name-twice", kit([("a", b"x"), ("a", b"y")]), "one name twice", "table"),
        ("size-large", kit([("a", b"x")])[:18] + b"\xff\xff\xff\xff" + b"x",
         "a part that claims 4 GiB", "don't fill"),
        ("size-small", kit([("a", b"xy")])[:18] + b"\x01\0\0\0" + b"xy",
         "a part that claims less than is there", "don't fill"),
        ("table-short", kit({}, count=1, total=17) + b"\x05", "the table ends inside a name",
         "table"),
    ):  # fmt: skip
        yield text(f"kit/{name}.txt", body, expect="Malformed", about=about, word=word)
