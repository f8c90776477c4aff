"""Vectors of what is text: manifests, indexes, paths, links and names."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from blake3 import blake3

from form import Case, table, text
from share_cases import sample_volume
from trust_cases import NAME
from writer import compact, file_row, index, kit, lines, link, manifest, noise


def vectors() -> Iterator[Case]:
    for cases in (manifests, indexes, merges, paths, links, names):
        yield from cases()


# --- manifests ---------------------------------------------------------------------------------


def manifests() -> Iterator[Case]:
    volume = sample_volume().listed()
    first = manifest(1, volumes=[volume], files=3, bytes=1500)
    second = manifest(
        2,
        previous=hashlib.sha256(compact(first)).hexdigest(),
        volumes=[volume],
        removed=["names/empty.txt"],
        files=2,
        bytes=1500,
        hue={"a later version's": ["key", None, 7]},
    )
    second["volumes"] = [{**volume, "hue": 7}]

    def altered(**values: object) -> bytes:
        return compact({**first, **values})

    def in_volume(**values: object) -> bytes:
        return altered(volumes=[{**volume, **values}])

    def without(key: str) -> bytes:
        return compact({name: value for name, value in first.items() if name != key})

    for name, body, about in (
        ("good-first", compact(first), "a first edition"),
        ("good-second", compact(second), "a second one, with a key of a later version"),
        ("good-no-volumes", compact(manifest(1)), "an edition without files"),
        (
            "good-spaces",
            json.dumps(first, indent=1).encode(),
            "white space inside",
        ),
    ):
        edition = json.loads(body)["edition"]
        yield text(
            f"manifest/{name}.txt", body, plain=True, expect="accept", about=about, edition=edition
        )
    for name, body, about, word in (
        ("empty", b"", "nothing at all", "JSON"),
        ("not-json", compact(first)[:-1], "the last byte is missing", "JSON"),
        ("trailing", compact(first) + b"{}", "something behind the object", "JSON"),
        ("space-before", b" " + compact(first), "a space before the object", "JSON"),
        ("newline-behind", compact(first) + b"\n", "a newline behind it", "JSON"),
        ("byte-order-mark", b"\xef\xbb\xbf" + compact(first), "a byte order mark", "JSON"),
        ("not-utf-8", altered(title="x").replace(b'"x"', b'"\xff"'), "not UTF-8", "JSON"),
        ("not-a-number", altered(files=float("nan")), "NaN is no JSON", "JSON"),
        ("array", b"[]", "an array", "JSON"),
        ("key-twice", compact(first)[:-1] + b',"edition":9}', "a key that comes twice",
         "JSON"),
        ("key-twice-inside", compact(second).replace(b'"hue":7', b'"hue":7,"hue":7'),
         "a key that comes twice in a volume", "JSON"),
        ("fraction", altered(files=3.0), "a number with a fraction", "JSON"),
        ("fraction-unknown", altered(hue=0.5), "the same in an unknown key", "JSON"),
        ("exponent", compact(first).replace(b'"files":3', b'"files":3e0'),
         "a number with an exponent", "JSON"),
        ("format", altered(format="outlast manifest 2"), "a later version", "this version"),
        ("format-missing", without("format"), "no format", "this version"),
        ("format-index", altered(format="outlast index 1"), "an index", "this version"),
        ("edition-zero", altered(edition=0), "edition 0", "'edition'"),
        ("edition-true", altered(edition=True), "true is no number", "'edition'"),
        ("edition-text", altered(edition="1"), "a number in quotes", "'edition'"),
        ("edition-large", altered(edition=2**53), "2^53", "'edition'"),
        ("edition-missing", without("edition"), "no edition", "'edition'"),
        ("month-13", altered(month="2027-13"), "no month", "month"),
        ("month-day", altered(month="2027-03-01"), "a day is too exact", "month"),
        ("title-missing", without("title"), "no title", "'title'"),
        ("title-long", altered(title="x" * 1001), "1,001 letters", "'title'"),
        ("title-newline", altered(title="a\nb"), "a control character", "'title'"),
        ("title-escape", altered(title="\x1b[2J"), "a terminal's escape", "'title'"),
        ("title-reversed", altered(title="\u202eeman"), "a bidirectional override", "'title'"),
        ("title-surrogate", compact(first).replace(b"The names", b"\\ud800"),
         "half a character", "JSON"),
        ("title-surrogates", compact(first).replace(b"The names", b"\\ud83d\\udcf7"),
         "a character escaped as two halves", "JSON"),
        ("languages", altered(languages="en"), "a string, not a list of them", "'languages'"),
        ("languages-empty", altered(languages=[""]), "a tag of no letters", "language tags"),
        ("languages-line", altered(languages=["en\n"]), "a tag with a newline", "language tags"),
        ("languages-many", altered(languages=["en"] * 101), "101 languages", "language tags"),
        ("previous-of-first", altered(previous="00" * 32), "edition 1 names one before it",
         "but the first"),
        ("previous-missing", compact({**second, "previous": None}),
         "edition 2 names none before it", "but the first"),
        ("previous-short", compact({**second, "previous": "00" * 31}), "31 bytes", "'previous'"),
        ("previous-capitals", compact({**second, "previous": "AB" * 32}), "capitals", "'previous'"),
        ("volumes", altered(volumes={}), "an object, not a list", "'volumes'"),
        ("volume-text", altered(volumes=["x"]), "a string for a volume", "'volumes'"),
        ("volume-twice", altered(volumes=[volume, volume]), "a volume twice", "volume twice"),
        ("volume-id", in_volume(id="00"), "one byte of an id", "'id'"),
        ("volume-k", in_volume(k=0), "k=0", "geometry"),
        ("volume-n", in_volume(n=257), "n=257", "geometry"),
        ("volume-symbol", in_volume(symbol=96), "not a multiple of 64", "symbol"),
        ("volume-size", in_volume(size=0), "a volume of 0 bytes", "volume of 0"),
        ("volume-no-index", in_volume(index=None), "no index", "index"),
        ("volume-index-zero", in_volume(index={**volume["index"], "size": 0}),
         "an index of 0 bytes", "'size'"),
        ("volume-index-large", in_volume(index={**volume["index"], "size": volume["size"] + 1}),
         "an index larger than its volume", "larger"),
        ("volume-index-hash", in_volume(index={"size": 1}), "no hash of the index", "'hash'"),
        ("removed-number", altered(removed=[1]), "a number for a path", "'removed'"),
        ("files-negative", altered(files=-1), "-1 files", "'files'"),
        ("bytes-missing", without("bytes"), "no bytes", "'bytes'"),
    ):  # fmt: skip
        yield text(
            f"manifest/{name}.txt", body, plain=True, expect="Malformed", about=about, word=word
        )
    yield text(
        "manifest/removed-unsafe.txt",
        altered(removed=["../x"]),
        plain=True,
        expect="UnsafePath",
        about="a path that leads out",
        word="dots and spaces",
    )


# --- indexes -----------------------------------------------------------------------------------


def indexes() -> Iterator[Case]:
    own, older = sample_volume().id.hex(), noise("an older volume", 32).hex()
    first = {"format": "outlast index 1"}
    a = file_row("a.txt", b"x" * 60, 0, "text/plain")
    b = file_row("names/b.txt", b"y" * 40, 60, "text/plain")
    folder = file_row("empty", b"", 0, "inode/directory")
    moved = file_row("moved.txt", b"z" * 500, 7, "text/plain", volume=older)

    def case(name: str, body: bytes, about: str, expect: str = "accept", **fields: object) -> Case:
        fields = {"expect": expect, "about": about, **fields, "volume": own, "stream": 100}
        return text(f"index/{name}.txt", body, plain=True, **fields)

    def without(key: str) -> bytes:
        return index([{name: value for name, value in a.items() if name != key}])

    for name, body, about, found in (
        ("good", index([a, b]), "two files", "a.txt names/b.txt"),
        ("good-unsorted", index([b, a]), "in another order", "names/b.txt a.txt"),
        ("good-none", index([]), "no files", ""),
        ("good-folder", index([a, folder]), "an empty folder", "a.txt empty"),
        ("good-empty", index([file_row("e", b"", 100, "text/plain")]),
         "an empty file, at the end of the stream", "e"),
        ("good-moved", index([moved]), "a file whose bytes an older volume has", "moved.txt"),
        ("good-gap", index([b]), "bytes that no file has", "names/b.txt"),
        ("good-unknown-keys", lines({**first, "hue": 7}, {**a, "hue": {"path": 1}}),
         "keys of later versions", "a.txt"),
    ):  # fmt: skip
        yield case(name, body, about, paths=found)
    for name, body, about, word in (
        ("empty", b"", "nothing at all", "this version"),
        ("cut-short", index([a])[:-1], "the last newline is missing", "doesn't end"),
        ("line-empty", index([a]) + b"\n", "an empty line", "JSON"),
        ("line-of-spaces", index([a]).replace(b"\n{", b"\n {"), "a space before an object",
         "JSON"),
        ("line-with-return", index([a]).replace(b"\n", b"\r\n"), "lines that end in CR LF",
         "JSON"),
        ("line-long", lines(first, {**a, "hue": "x" * 2**15}), "a line above 32 KiB", "too long"),
        ("line-array", lines(first) + b"[]\n", "an array", "JSON"),
        ("line-twice", lines(first) + compact(a) + compact(b) + b"\n", "two objects in a line",
         "JSON"),
        ("object-in-lines", lines(first) + compact(a).replace(b",", b",\n") + b"\n",
         "an object over several lines", "JSON"),
        ("not-utf-8", index([a]).replace(b"a.txt", b"\xff.txt"), "not UTF-8", "JSON"),
        ("format", lines({"format": "outlast index 2"}), "a later version", "this version"),
        ("format-missing", lines(a), "no first line", "this version"),
        ("key-twice", index([a]).replace(b'"offset":0', b'"offset":0,"offset":0'),
         "a key that comes twice", "JSON"),
        ("path-missing", without("path"), "no path", "without a path"),
        ("path-number", index([{**a, "path": 1}]), "a number for a path", "without a path"),
        ("path-twice", index([a, {**b, "path": "a.txt"}]), "a path that comes twice",
         "a path twice"),
        ("size-negative", index([{**a, "size": -1}]), "a size below 0", "'size'"),
        ("size-fraction", index([{**a, "size": 60.0}]), "a size with a fraction", "JSON"),
        ("size-large", index([{**a, "size": 2**53}]), "2^53", "'size'"),
        ("offset-missing", without("offset"), "no offset", "'offset'"),
        ("hash-short", index([{**a, "hash": "00"}]), "a hash of one byte", "'hash'"),
        ("hash-capitals", index([{**a, "hash": a["hash"].upper()}]), "a hash in capitals",
         "'hash'"),
        ("hash-of-empty", index([{**a, "size": 0}]), "an empty file with a hash of bytes",
         "empty file"),
        ("type-missing", without("type"), "no type", "media type"),
        ("type-header", index([{**a, "type": "text/plain\r\nx: y"}]), "a type of two lines",
         "media type"),
        ("type-capitals", index([{**a, "type": "Text/Plain"}]), "a type in capitals",
         "media type"),
        ("type-long", index([{**a, "type": "text/" + "a" * 128}]), "a type of 133 letters",
         "media type"),
        ("folder-with-bytes", index([{**a, "type": "inode/directory"}]), "a folder with bytes",
         "a folder"),
        ("volume-short", index([{**a, "volume": "00"}]), "a volume of one byte", "'volume'"),
        ("volume-null", index([{**a, "volume": None}]), "null for a volume", "'volume'"),
        ("outside", index([a, {**b, "size": 41}]), "a file reaches into the index", "outside"),
        ("outside-far", index([{**a, "offset": 2**53 - 1}]), "a file begins far behind the end",
         "outside"),
        ("overlap", index([a, {**b, "offset": 59}]), "two files share a byte", "overlap"),
        ("overlap-same", index([a, {**a, "path": "c"}]), "two files share all bytes", "overlap"),
    ):  # fmt: skip
        yield case(name, body, about, "Malformed", word=word)
    yield case("path-unsafe", index([{**a, "path": "/etc/passwd"}]), "an absolute path",
               "UnsafePath", word="absolute")  # fmt: skip


def merges() -> Iterator[Case]:
    def hash_of(body: str) -> str:
        return blake3(body.encode()).hexdigest()

    def row(path: str, body: str, offset: int, **more: str) -> dict[str, Any]:
        return file_row(path, body.encode(), offset, "text/plain", **more)

    one, two, three = (hash_of(f"volume {number}") for number in (1, 2, 3))
    older = [row("a", "alpha", 0), row("b", "beta", 5), row("f/c", "gamma", 9)]

    def case(
        about: str, *later: list[dict[str, Any]], removed: tuple[str, ...] = (), **expect: object
    ) -> dict[str, Any]:
        volumes = [
            {"id": each, "stream": 1000, "files": files}
            for each, files in zip((one, two, three), [older, *later], strict=False)
        ]
        return {"about": about, "volumes": volumes, "removed": list(removed), **expect}

    def refused(error: str, word: str) -> dict[str, str]:
        return {"expect": error, "word": word}

    whole = {"a": [one, 0], "b": [one, 5], "f/c": [one, 9]}
    yield table(
        "merge.json",
        {
            "about": "volumes in order, paths taken away; 'files' is path to [volume, offset]",
            "cases": [
                case("one volume", files=whole),
                case("a later volume's file wins", [row("a", "new", 0)],
                     files={**whole, "a": [two, 0]}),
                case("a path is taken away", removed=("b",),
                     files={"a": [one, 0], "f/c": [one, 9]}),
                case("what isn't there is taken away", removed=("zzz",), files=whole),
                case("taken away although the last volume has it", [row("d", "new", 0)],
                     removed=("d",), files=whole),
                case("a moved file names the older volume", [row("moved", "beta", 5, volume=one)],
                     removed=("b",), files={"a": [one, 0], "f/c": [one, 9], "moved": [one, 5]}),
                case("a pointer through two volumes", [row("a", "new", 0)],
                     [row("a", "alpha", 0, volume=one)], files={**whole, "a": [one, 0]}),
                case("a pointer to bytes that no line of that volume has",
                     [row("moved", "beta", 6, volume=one)],
                     **refused("Malformed", "no volume")),
                case("a pointer with another size",
                     [{**row("moved", "beta", 5, volume=one), "size": 3}],
                     **refused("Malformed", "no volume")),
                case("a pointer with another hash",
                     [{**row("moved", "beta", 5, volume=one), "hash": hash_of("x")}],
                     **refused("Malformed", "no volume")),
                case("a pointer to a volume that the edition lacks",
                     [row("moved", "beta", 5, volume=hash_of("no volume"))],
                     **refused("Malformed", "no volume")),
                case("a pointer to nowhere that is taken away",
                     [row("moved", "beta", 5, volume=hash_of("no volume"))],
                     removed=("moved",), files=whole),
                case("an empty file needs no volume", [row("empty", "", 0)],
                     files={**whole, "empty": [two, 0]}),
                case("two names that differ in case", [row("A", "new", 0)],
                     **refused("UnsafePath", "one name")),
                case("a file whose name only changed case", [row("A", "alpha", 0, volume=one)],
                     removed=("a",), files={"A": [one, 0], "b": [one, 5], "f/c": [one, 9]}),
                case("a file where a folder is", [row("f", "new", 0)],
                     **refused("UnsafePath", "both a file and a folder")),
                case("a folder where a file was", [row("a/x", "new", 0)], removed=("a",),
                     files={"a/x": [two, 0], "b": [one, 5], "f/c": [one, 9]}),
            ],
        },
    )  # fmt: skip


# --- paths, links, names -----------------------------------------------------------------------


def paths() -> Iterator[Case]:
    good = [
        "a", "a/b", "film/the names.mp4", "名单/第一章.vtt", "a.b.c", ".hidden", "..a", "a..",
        "...a", "a b", " a", "-rf", "~", "~/x", "$HOME", "con2", "icon", "a/console.txt", "nulls",
        "com10", "aux-", "conin", "clock", "%2e%2e/x", "é", "e\u0301", "a\u200db",
        "\U0001f4f7.jpg", "a;b", "a'b", "outlast", "x/.outlast", "x/outlast.toml", "outlast.md",
        "con\u0131n$", "private/x", "a" * 255, "名" * 85, "/".join(["a"] * 64),
        "/".join(["a" * 203] * 20),
    ]  # fmt: skip
    bad = [
        *[(path, "absolute") for path in ("/", "/a", "//a")],
        *[(path, "dots and spaces") for path in (
            ".", "..", "../a", "a/..", "a/../b", "./a", "a/.", "a/./b", "...", "a/.../b", ".. /x",
            " ", "a/ /b", ". .")],
        *[(path, "empty") for path in ("", "a//b", "a/", "a/b/")],
        *[(path, "colon") for path in (
            "a\\b", "\\a", "\\\\server\\x", "..\\a", "C:", "c:x", "C:/x", "z:\\x", "a.txt::$DATA",
            "film:x", "12:30.mp4")],
        *[(path, "control") for path in (
            "a\0", "a\nb", "a\tb", "a\r", "\x1b[2J", "\x7f", "a\x85b", "\u2028", "\u2029",
            "a\u206ab", "\ufeffa", "\ufffe", "\uffff")],
        *[(path, "direction") for path in (
            "a\u202egpj.exe", "\u200ea", "\u200f", "\u061ca", "\u2066a", "\u2069", "\u202a")],
        *[(path, "UTF-8") for path in ("\ud800", "a\udfffb", "\udce9")],
        *[(path, "Windows") for path in (
            "con", "CON", "Con.txt", "a/nul", "nul/a", "prn.tar.gz", "aux ", "aux .txt", "com1",
            "COM9.log", "lpt0", "com\u00b9", "lpt\u00b3.x", "conin$", "CONOUT$", "Clock$.x", "con.",
            "a/Aux/b")],
        *[(path, "itself") for path in (
            ".outlast", ".OUTLAST", ".outlast/kits/x", ".outlastignore", ".outlast-gathering/x",
            ".out\u200clast/x", "outlast.toml", "Outlast.TOML", "outlast.toml. ")],
        *[(path, "longer") for path in ("a" * 256, "名" * 86, "x/" + "é" * 128,
                                        "/".join(["a" * 204] * 20 + ["b"]),
                                        "/".join(["é" * 127] * 17))],
        ("/".join(["a"] * 65), "more than 64"),
    ]  # fmt: skip
    collide = [
        ("a", "A"), ("é", "e\u0301"), ("É", "e\u0301"), ("straße", "STRASSE"), ("a.", "a"),
        ("a ", "a"), ("a. .", "A"), ("x./y", "x/Y"), ("x /y", "x/y"), ("ﬁ", "FI"),
        ("Σ", "ς"), ("\u212a", "k"), ("a\u200cb", "AB"), ("e\u200d\u0301", "é"),
    ]  # fmt: skip
    apart = [("a", "b"), ("a.b", "a"), (".a", "a"), ("a/b", "ab"), (" a", "a"), ("i", "ı")]
    yield table(
        "paths.json",
        {
            "about": "paths that are safe or not, and paths that can't stand in one folder",
            "accept": good,
            "refuse": [{"path": path, "word": word} for path, word in bad],
            "collide": collide,
            "apart": apart,
            "both file and folder": [["a", "a/b"], ["A", "a/b/c"], ["x/a.", "x/a/b"]],
        },
    )


def links() -> Iterator[Case]:
    name = NAME
    right = link(name)
    body = right.removeprefix("outlast:")
    grouped = "-".join(body[at : at + 4] for at in range(0, 52, 4))
    digits = link(b"\x01" * 32)
    yield table(
        "link.json",
        {
            "about": "links as people type them; 'name' is in hex",
            "accept": [
                {"link": right, "name": name.hex()},
                {"link": right.upper(), "name": name.hex()},
                {"link": f"  {right}\n", "name": name.hex()},
                {"link": f"outlast: {grouped}", "name": name.hex()},
                {"link": f"outlast:{grouped.replace('-', ' ')}", "name": name.hex()},
                {"link": right.replace("l", "1").replace("outlast", "outlast").replace(
                    "out1ast:", "outlast:"), "name": name.hex()},
                {"link": "outlast:" + body.replace("o", "0").replace("b", "8"),
                 "name": name.hex()},
                {"link": digits, "name": "01" * 32},
            ],
            "refuse": [
                {"link": "", "word": "not a link"},
                {"link": body, "word": "not a link"},
                {"link": f"http:{body}", "word": "not a link"},
                {"link": "outlast:", "word": "letters"},
                {"link": right[:-1], "word": "51 letters"},
                {"link": f"{right}a", "word": "53 letters"},
                {"link": f"{right[:-2]}9{right[-1]}", "word": "character"},
                {"link": f"{right[:-2]}é{right[-1]}", "word": "character"},
                {"link": f"{right[:-2]}={right[-1]}", "word": "character"},
                {"link": f"outlast://{body[2:]}", "word": "character"},
                {"link": right[:-1] + "b", "word": "last letter"},
            ],
        },
    )  # fmt: skip


def names() -> Iterator[Case]:
    work, volume = NAME, sample_volume().id
    folder = "outlast-" + link(work).removeprefix("outlast:")[:16]
    packed = kit({"1.root.json": b"{}"})
    short = volume.hex()[:16]
    yield table(
        "names.json",
        {
            "about": "what items are called on a carrier",
            "work": work.hex(),
            "folder": folder,
            "shares": [
                {"volume": volume.hex(), "row": row, "name": f"{folder}/{short}-{row:03}.share"}
                for row in (0, 7, 95, 255)
            ],
            "kits": [
                {
                    "edition": edition,
                    "kit": base64.b64encode(packed).decode(),
                    "name": f"{folder}/{edition:06}-{blake3(packed).hexdigest()[:8]}.kit",
                }
                for edition in (0, 7, 999999, 1234567)
            ],
            "found in any folder": [f"x/y/{short}-003.share", f"{short}-003.share"],
            "none of ours": [
                "", "a.share", f"{short}.share", f"{short}-3.share", f"{short.upper()}-003.share",
                f"{short}-003.share.part", f"{short[1:]}-003.share", "000001-00000000.KIT",
                "00001-00000000.kit", "000001-0000000.kit", "0000000000001-00000000.kit",
                f"{short}-003.share\n",
            ],
        },
    )  # fmt: skip
