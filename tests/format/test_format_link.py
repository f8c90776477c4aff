"""Links: copied, typed, read aloud, and mistyped."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.errors import BadInput
from outlast.format.link import format_link, parse_link, short_name

NAMES = st.binary(min_size=32, max_size=32)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@settings(deadline=None)
@given(NAMES)
def test_round_trip(name: bytes) -> None:
    link = format_link(name)
    assert link == f"outlast:{short_name(name, 52)}"
    assert set(link.removeprefix("outlast:")) <= set(ALPHABET)
    assert len(link) == 60
    assert parse_link(link) == name


@settings(deadline=None)
@given(NAMES, st.data())
def test_how_people_write_it(name: bytes, data: st.DataObject) -> None:
    body = format_link(name).removeprefix("outlast:")
    swaps = {"o": "oO0", "l": "lL1", "b": "bB8"}
    letters = [data.draw(st.sampled_from(swaps.get(letter, letter + letter.upper())))
               + data.draw(st.sampled_from(["", "", "", " ", "-", "\n", " - "]))
               for letter in body]  # fmt: skip
    scheme = data.draw(st.sampled_from(["outlast:", "OUTLAST:", "Outlast: ", " outlast:"]))
    assert parse_link(scheme + "".join(letters)) == name


@settings(deadline=None)
@given(NAMES, st.integers(0, 51), st.sampled_from(ALPHABET))
def test_a_wrong_letter_never_leads_to_the_same_work(name: bytes, at: int, letter: str) -> None:
    link = format_link(name)
    typo = link[: 8 + at] + letter + link[9 + at :]
    if typo == link:
        return
    if at == 51 and letter not in "aq":  # the last letter carries one bit: there are two of them
        with pytest.raises(BadInput, match="last letter"):
            parse_link(typo)
    else:
        assert parse_link(typo) != name


@settings(deadline=None)
@given(NAMES, st.integers(0, 51), st.integers(0, 51))
def test_left_out_and_doubled_letters(name: bytes, at: int, other: int) -> None:
    link = format_link(name)
    with pytest.raises(BadInput, match="51 letters"):
        parse_link(link[: 8 + at] + link[9 + at :])
    with pytest.raises(BadInput, match="53 letters"):
        parse_link(link[: 8 + other] + link[8 + other] + link[8 + other :])


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_raises_nothing_else(text: str) -> None:
    for link in (text, f"outlast:{text}", f"outlast:{text * 52}"[:60]):
        try:
            name = parse_link(link)
        except BadInput:
            continue
        assert len(name) == 32


@pytest.mark.parametrize("character", ["ı", "İ", "ſ", "ß", "ﬁ", "\u212a", "é", "９", "=", "/"])
def test_letters_that_only_look_like_some(character: str) -> None:
    for at in (0, 20, 51):
        body = ("a" * at + character + "a" * 52)[:52]
        try:
            name = parse_link(f"outlast:{body}")
        except BadInput:
            continue
        # The sign for kelvin is a k to Unicode, and so it may be here.
        assert character == "\u212a"
        assert format_link(name) == "outlast:" + body.replace("\u212a", "k")
