"""Safe paths, beside the rules of spec/paths.md written down a second time."""

import ntpath
import os
import posixpath
import time
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outlast.errors import UnsafePath
from outlast.format.paths import SafePath, check_together, collision_key

TOKENS = [
    *["a", "A", "b", "é", "e\u0301", "名", "ß", "\u0130", "ı", "\u200d", "\u200c", "\U0001f4f7"],
    *["/", "/", "//", "\\", ":", ".", "..", " ", "~", "$", "-", "_", "\0", "\n", "\x7f", "\x85"],
    *["con", "CON", "nul", "aux", "prn", "com1", "LPT¹", "clock$", "conin$", "conıout$", "con."],
    *["outlast", "OUTLAST", ".toml", ".outlast", ".Outlast", "\u2028", "\u202e", "\ufeff"],
    *["\u206a", "\ud800", "\uffff", "x" * 100, "名" * 50],
]
TRICKY = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join)
PATHS = st.text(max_size=40) | TRICKY


def reference_is_safe(path: str) -> bool:
    """The rules, without a regular expression."""
    parts = path.split("/")
    hidden = {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F)}
    hidden |= {*range(0x2066, 0x2070), 0xFEFF, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)}
    if any(ord(character) in hidden or character in "\\:" for character in path):
        return False
    if any(not part.strip(". ") for part in parts) or len(parts) > 64:
        return False
    if len(path.encode()) > 4096 or any(len(part.encode()) > 255 for part in parts):
        return False
    devices = {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"}
    devices |= {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
    ascii_lower = str.maketrans({chr(c): chr(c + 32) for c in range(65, 91)})
    for part in parts:
        if part.partition(".")[0].rstrip(" ").translate(ascii_lower) in devices:
            return False
    top = reference_key(parts[0])
    return not top.startswith(".outlast") and top != "outlast.toml"


def reference_key(path: str) -> str:
    def fold(part: str) -> str:
        part = part.replace("\u200c", "").replace("\u200d", "")
        part = unicodedata.normalize("NFC", part).casefold()
        return unicodedata.normalize("NFC", part).rstrip(" .")

    return "/".join(map(fold, path.split("/")))


@settings(max_examples=1000, deadline=None)
@given(PATHS)
def test_the_rules_are_those_of_the_reference(path: str) -> None:
    try:
        SafePath(path)
    except UnsafePath:
        assert not reference_is_safe(path)
    else:
        assert reference_is_safe(path)


@pytest.mark.parametrize("path", ["Outlast.toml", "OUTLAST.TOML", "Outlast.TOML/x"])
def test_our_own_names_in_any_case(path: str) -> None:
    with pytest.raises(UnsafePath, match="itself"):
        SafePath(path)


@settings(max_examples=1000, deadline=None)
@given(PATHS)
@example("a/../../b")
@example(".. /x")
@example("C:x")
@example("x:y")
def test_a_safe_path_stays_inside_its_folder(path: str) -> None:
    try:
        safe = SafePath(path)
    except UnsafePath:
        return
    assert safe == path
    assert not PurePosixPath(safe).is_absolute()
    assert PurePosixPath("/folder", safe).parts == ("/", "folder", *safe.split("/"))
    assert posixpath.normpath(f"/folder/{safe}") == f"/folder/{safe}"
    windows = PureWindowsPath("D:\\folder", safe)
    assert windows.parts == ("D:\\", "folder", *safe.split("/"))
    assert ntpath.normpath(f"D:\\folder\\{safe}") == "D:\\folder\\" + safe.replace("/", "\\")
    assert not ntpath.splitdrive(safe)[0]
    # Windows drops dots and spaces at the end of a part: what is left must not lead up, or away.
    assert all(part.rstrip(". ") for part in safe.split("/"))


@settings(max_examples=200, deadline=None)
@given(paths=st.lists(PATHS, max_size=5))
def test_a_safe_path_can_be_made(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str]
) -> None:
    """On the system that the tests run on, at least."""
    folder = tmp_path_factory.getbasetemp()
    for path in paths:
        try:
            safe = SafePath(path)
        except UnsafePath:
            continue
        made = Path(folder, safe)
        assert os.path.commonpath([folder, os.path.abspath(made)]) == str(folder)  # noqa: PTH100


@pytest.mark.parametrize("length", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("piece", ["a", "a/", "/", " ", ".", "con.", "名", "\u200d"])
def test_long_paths_are_refused_quickly(piece: str, length: int) -> None:
    start = time.monotonic()
    try:
        assert length == 100
        SafePath(piece * length)
    except (UnsafePath, AssertionError):
        pass
    assert time.monotonic() - start < 2


def test_combining_marks_cost_no_more_than_letters() -> None:
    """Normalisation sorts them in quadratic time: 40,000 take 1.4 s, a whole manifest hours."""
    path = "a" + "\u0345\u0301" * 20_000
    start = time.monotonic()
    with pytest.raises(UnsafePath):
        SafePath(path)
    assert time.monotonic() - start < 0.3


def test_half_a_character_far_behind() -> None:
    with pytest.raises(UnsafePath):
        SafePath("a" * 9000 + "\ud800")


def test_a_refusal_of_a_long_path_is_short() -> None:
    with pytest.raises(UnsafePath) as refused:
        SafePath("a" * 100_000)
    assert len(str(refused.value)) < 300


# --- collisions ---


@settings(deadline=None, max_examples=500)
@given(PATHS)
def test_collision_key(path: str) -> None:
    key = collision_key(path)
    assert key == reference_key(path)
    assert collision_key(unicodedata.normalize("NFC", path)) == key
    assert collision_key(unicodedata.normalize("NFD", path)) == key
    assert collision_key(path + ".") == collision_key(path + " ")
    if path.isascii():
        assert collision_key(path.upper()) == collision_key(path.lower()) == key


def test_a_joiner_between_letter_and_accent() -> None:
    assert collision_key("e\u200d\u0301") == collision_key("é")


def test_every_character_has_one_key_in_both_cases() -> None:
    """But for the few whose capitals aren't theirs alone, all that NTFS and APFS fold is folded."""
    apart = []
    for code in range(0x110000):
        character = chr(code)
        if character.lower() == character.upper():
            continue
        key = collision_key(f"x{character}")
        if collision_key(key) != key:
            apart.append(character)
        if len(character.upper()) == 1 and collision_key(f"x{character.upper()}") != key:
            apart.append(character)
    assert set(apart) <= {"ı"}  # its capital is I, whose own small letter is i


KEYS = st.text(st.sampled_from("aAbB./ "), min_size=1, max_size=5)


@settings(deadline=None, max_examples=500)
@given(st.lists(KEYS, max_size=6, unique=True))
def test_check_together(paths: list[str]) -> None:
    keys = [collision_key(path) for path in paths]
    same = len(set(keys)) < len(keys)
    below = any(other.startswith(f"{key}/") for key in keys for other in keys if key)
    if same or below:
        with pytest.raises(UnsafePath):
            check_together(paths)
    else:
        check_together(paths)


def test_many_deep_paths_together_take_little_time() -> None:
    paths = [SafePath("/".join([f"{number:04}", *["a" * 60] * 62])) for number in range(500)]
    start = time.monotonic()
    check_together(paths)
    assert time.monotonic() - start < 2
