"""Strict JSON: one text, one meaning."""

import json
import tracemalloc
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import Malformed
from outlast.format import document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


def read(text: str | bytes, cap: int = 10**6) -> dict[str, Any]:
    return document.read(text.encode() if isinstance(text, str) else text, "it", cap)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON))
def test_round_trip(value: dict[str, Any]) -> None:
    packed = document.write(value)
    assert read(packed) == value
    assert document.write(read(packed)) == packed
    assert list(document.read_lines(packed + b"\n" + packed + b"\n", "it", 10**6)) == [value] * 2


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "x", "{", "}", '{"a":1', "{'a':1}", '{"a":1,}'],
        *['{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.0}', '{"a":1e2}', '{"a":1E400}'],
        *['{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":nan}', '{"a":True}'],
        *['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"a":{"b":1,"b":2}}', '[{"b":1,"b":2}]'],
        *[
            ' {"a":1}',
            '{"a":1}\n',
            '{"a":1}}',
            "{}{}",
            "{} x",
            '{"a":"\\ud83d\\udcf7"}',
            '{"\\uD800":1}',
            '["\\uDfff"]',
        ],
        *['{"a":"\n"}', '{"a":"\t"}', '{"a":"\\x41"}', '{"a":"\\u12"}', '\ufeff{"a":1}'],
        *[b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', '{"a":1}'.encode("utf-16")],
        *["[" * 100_000, '{"a":' * 100_000, '{"a":' + "9" * 5000 + "}"],
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_what_is_not_strict(text: str | bytes) -> None:
    with pytest.raises(Malformed, match="strict JSON"):
        read(text)


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null", "true", '[{"a":1}]'])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(Malformed, match="JSON object"):
        read(text)


def test_longer_than_the_cap() -> None:
    assert read('{"a":1}', cap=7) == {"a": 1}
    with pytest.raises(Malformed, match="larger than the 6 allowed"):
        read('{"a":1}', cap=6)
    with pytest.raises(Malformed, match="larger than the 7 allowed"):
        list(document.read_lines(b'{"a":1}\n', "it", 7))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_else(noise: bytes) -> None:
    for body in (noise, b'{"a":' + noise + b"}", noise + b"\n", b"{}\n" + noise + b"\n"):
        for parse in (read, lambda body: list(document.read_lines(body, "it", 10**6))):
            try:
                parse(body)
            except Malformed:
                continue


# --- lines ---


@pytest.mark.parametrize(
    "body",
    [
        *[b"{}", b"{}\n{}", b"\n", b"{}\n\n", b" {}\n", b"{} \n", b"{}\r\n", b"{}{}\n", b"{},\n"],
        *[b"[]\n", b'{"a":\n1}\n', b'{"a":1.0}\n', b'{"a":1,"a":1}\n', b"\xff\n", b"{}\n\0\n"],
        *[b"\xef\xbb\xbf{}\n", b"[" * 30_000 + b"\n", b'{"a":"' + b"x" * 2**15 + b'"}\n'],
    ],
    ids=lambda body: ascii(body)[:30],
)
def test_lines_that_are_not_strict(body: bytes) -> None:
    with pytest.raises(Malformed):
        list(document.read_lines(body, "it", 10**6))


def test_no_lines() -> None:
    assert list(document.read_lines(b"", "it", 10)) == []


def test_the_longest_line() -> None:
    longest = b'{"a":"' + b"x" * (document.MAX_LINE - 9) + b'"}\n'
    assert len(longest) == document.MAX_LINE
    assert len(list(document.read_lines(longest * 2, "it", 10**6))) == 2
    with pytest.raises(Malformed, match="too long"):
        list(document.read_lines(longest.replace(b"xx", b"xxx", 1), "it", 10**6))


def test_lines_are_read_one_at_a_time() -> None:
    body = b"{}\n{}\nnot JSON\n"
    assert list(islice(document.read_lines(body, "it", 100), 2)) == [{}, {}]
    bomb = b'{"a":[' + b"[]," * 10_000 + b"0]}\n"
    tracemalloc.start()
    for _ in document.read_lines(bomb * 30, "it", 10**6):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # the text, and one line's 10,000 lists; not 300,000


# --- fields ---


@pytest.mark.parametrize("value", [None, True, False, "1", -1, 2**53, [], {}])
def test_not_a_whole_number(value: object) -> None:
    with pytest.raises(Malformed, match="'n'"):
        document.integer({"n": value}, "n")
    with pytest.raises(Malformed, match="'n'"):
        document.integer({}, "n")


def test_whole_numbers() -> None:
    assert document.integer({"n": 2**53 - 1}, "n") == 2**53 - 1
    assert document.integer({"n": 0}, "n") == 0
    with pytest.raises(Malformed):
        document.integer({"n": 0}, "n", low=1)


@pytest.mark.parametrize(
    "value",
    [
        *[None, 1, [], "x" * 1001, "a\nb", "\0", "\x1b[2J", "\x7f", "\x9b1m", "\ud800", "a\udfff"],
        *["\u202egpj", "\u200f", "\u2066", "\u061c", "\u2028", "\u2029"],
    ],
    ids=ascii,
)
def test_not_a_text(value: object) -> None:
    with pytest.raises(Malformed, match="'t'"):
        document.text({"t": value}, "t")


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=1000))
def test_texts(value: str) -> None:
    assert document.text({"t": value}, "t") == value


@pytest.mark.parametrize(
    "value",
    [
        *[None, 1, b"x", "", "00" * 31, "00" * 33, "AB" * 32, "0x" + "00" * 31, "zz" * 32],
        *[" " + "00" * 32, "00 " * 32, "٠" * 64],
    ],
    ids=ascii,
)
def test_not_a_digest(value: object) -> None:
    with pytest.raises(Malformed, match="'h'"):
        document.digest({"h": value}, "h")


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_digests(value: bytes) -> None:
    assert document.digest({"h": value.hex()}, "h") == value


@pytest.mark.parametrize("value", [None, "abc", {}, [1], ["a", None], [["a"]]], ids=ascii)
def test_not_strings(value: object) -> None:
    with pytest.raises(Malformed, match="list of strings"):
        document.strings({"s": value}, "s")


@pytest.mark.parametrize("value", [None, {}, ["a"], [{}, 1], [[]]], ids=ascii)
def test_not_objects(value: object) -> None:
    with pytest.raises(Malformed, match="list of objects"):
        document.objects({"o": value}, "o")


def test_half_a_character_anywhere_is_refused() -> None:
    with pytest.raises(Malformed):
        read(json.dumps({"unknown": ["\ud800"]}))


def test_the_longest_line_is_counted_in_bytes() -> None:
    body = ('{"a":"' + "名" * (document.MAX_LINE // 2) + '"}\n').encode()
    assert len(body) > document.MAX_LINE
    with pytest.raises(Malformed, match="too long"):
        list(document.read_lines(body, "it", 10**6))


def test_a_backslash_and_letters_are_no_escape() -> None:
    value = {"title": "\\ud83d"}
    assert read(document.write(value)) == value
