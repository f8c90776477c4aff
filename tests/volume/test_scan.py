"""Scan: what a folder holds, and what of it can't be sealed."""

import os
import socket
import unicodedata
from pathlib import Path

import pytest

from outlast.errors import BadInput, Changed, UnsafePath
from outlast.volume import scan as scan_module
from outlast.volume.scan import Scan, scan
from world import permissions_hold, write_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def paths(found: Scan) -> list[str]:
    return [str(each.path) for each in found.files]


def test_files_come_in_the_order_of_their_paths_with_what_the_system_says(root: Path) -> None:
    write_files(root, {"b/z": 3, "b.txt": 2, "a": 1, "b/a/x": 0})
    found = scan(root)
    assert paths(found) == ["a", "b.txt", "b/a/x", "b/z"]
    assert [each.size for each in found.files] == [1, 2, 0, 3]
    for each in found.files:
        status = (root / each.path).stat()
        assert (each.mtime, each.ctime) == (status.st_mtime_ns, status.st_ctime_ns)
        assert each.inode == status.st_ino & ((1 << 63) - 1)


def test_no_file_is_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(root, {"a": 1, "b/c": 1})

    def refuse(*_: object, **__: object) -> int:
        raise AssertionError("a scan opened a file")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert paths(scan(root)) == ["a", "b/c"]


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "$RECYCLE.BIN/x",
        "System Volume Information/x", ".Trashes/x", ".Spotlight-V100/x", "lost+found/x",
        ".git/config", ".hg/x", ".svn/x", "__MACOSX/x",
        "._film.mp4", ".~lock.text.odt#", "~$text.docx", ".nfs0001", ".fuse_hidden0001",
    ],
)  # fmt: skip
def test_litter_is_left_out_wherever_it_lies(root: Path, name: str) -> None:
    write_files(root, {"film": 1, name: 1, f"deep/{name}": 1, "deep/film": 1})
    assert paths(scan(root)) == ["deep/film", "film"]


@pytest.mark.parametrize("name", [".gitignore", "thumbs.db.txt", "a._b", "~x", ".git2/x"])
def test_what_only_looks_like_litter_stays(root: Path, name: str) -> None:
    write_files(root, {name: 1})
    assert paths(scan(root)) == [name]


def test_what_is_private_is_left_out_at_the_top_only(root: Path) -> None:
    write_files(
        root,
        {
            ".outlast/known.db": 1,
            "private/diary": 1,
            "outlast.toml": 1,
            ".outlastignore": b"",
            "film/private/scene": 1,
            "film/outlast.toml": 1,
        },
    )
    assert paths(scan(root)) == ["film/outlast.toml", "film/private/scene"]


def test_private_is_private_in_any_case_and_against_any_rule(root: Path) -> None:
    write_files(root, {"Private/diary": 1, "OUTLAST.toml": 1, ".outlastignore": b"!private/\n!*\n"})
    assert scan(root) == Scan(files=(), empty_folders=())


def test_ignore_rules_with_negation(root: Path) -> None:
    rules = "# drafts\n*.tmp\n!keep.tmp\nbuild/\n/only-top\nnotes/**/old\n"
    write_files(
        root,
        {
            ".outlastignore": rules.encode(),
            "a.tmp": 1,
            "x/b.tmp": 1,
            "x/keep.tmp": 1,
            "build/out": 1,
            "x/build": 1,
            "only-top": 1,
            "x/only-top": 1,
            "notes/a/b/old": 1,
            "notes/new": 1,
        },
    )
    assert paths(scan(root)) == ["notes/new", "x/build", "x/keep.tmp", "x/only-top"]


@pytest.mark.parametrize("rules", [b"\xff\xfe", b"!\n"], ids=["bytes", "pattern"])
def test_an_ignore_file_that_is_none_is_refused_rather_than_passed_over(
    root: Path, rules: bytes
) -> None:
    write_files(root, {".outlastignore": rules, "secret": 1})
    with pytest.raises(BadInput, match="outlastignore"):
        scan(root)


def test_an_ignore_folder_is_refused(root: Path) -> None:
    (root / ".outlastignore").mkdir()
    with pytest.raises(BadInput, match="outlastignore"):
        scan(root)


# --- what can't be sealed ----------------------------------------------------------------


def test_links_pipes_and_sockets_are_refused_by_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(root, {"film": 1, "folder/x": 1})
    (root / "to-file").symlink_to("film")
    (root / "to-folder").symlink_to("folder")
    (root / "to-nothing").symlink_to("nowhere")
    os.mkfifo(root / "a-pipe")
    monkeypatch.chdir(root)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a-socket")
        with pytest.raises(BadInput) as caught:
            scan(root)
    for name in ("to-file", "to-folder", "to-nothing"):
        assert f"'{name}' is a symbolic link" in caught.value.message
    assert "'a-pipe' is a pipe" in caught.value.message
    assert "'a-socket' is a socket" in caught.value.message
    assert "'film'" not in caught.value.message
    assert ".outlastignore" in caught.value.hint


def test_what_is_ignored_is_not_refused(root: Path) -> None:
    (root / "link").symlink_to("nowhere")
    write_files(root, {"film": 1, "a:b": 1, ".outlastignore": b"link\na:b\n"})
    assert paths(scan(root)) == ["film"]


def test_ten_refusals_are_named_and_the_rest_counted(root: Path) -> None:
    for number in range(13):
        (root / f"link-{number:02d}").symlink_to("nowhere")
    with pytest.raises(BadInput) as caught:
        scan(root)
    assert "'link-09'" in caught.value.message
    assert "'link-10'" not in caught.value.message
    assert caught.value.message.endswith("and 3 more")


def test_a_name_that_is_not_utf_8_is_refused(root: Path) -> None:
    try:
        (root / os.fsdecode(b"na\xefve")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(BadInput, match=r"na\\udcefve.*UTF-8") as caught:
        scan(root)
    caught.value.message.encode()


@pytest.mark.parametrize("name", ["nul.txt", "a:b", "a\\b", "x\x1b[0m", "x/\u202etxt.exe"])
def test_names_that_other_systems_read_otherwise_are_refused(root: Path, name: str) -> None:
    write_files(root, {"film": 1, name: 1})
    with pytest.raises(BadInput) as caught:
        scan(root)
    assert caught.value.message.isprintable()
    assert ascii(name)[1:-1] in caught.value.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Film", "film"),
        ("STRASSE", "straße"),
        ("film", "film "),
        (unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")),
    ],
)
@pytest.mark.parametrize("below", ["", "/x"], ids=["files", "folders"])
def test_names_that_fall_together_elsewhere_are_refused(
    root: Path, one: str, other: str, below: str
) -> None:
    write_files(root, {one + below: 1, other + below: 1})
    if len(list(root.iterdir())) == 1:
        pytest.skip("they fall together on this file system")
    with pytest.raises(UnsafePath, match="one name on some systems"):
        scan(root)


def test_a_name_comes_back_as_it_was_written(root: Path) -> None:
    names = [unicodedata.normalize(form, f"{form}-é-한국") for form in ("NFC", "NFD")]
    names += ["名字 👩‍👩‍👧.txt", " leading", "-rf", "'\"$(x)`*?"]
    write_files(root, dict.fromkeys(names, 1))
    if {path.name for path in root.iterdir()} != set(names):
        pytest.skip("this file system writes names its own way")
    assert set(paths(scan(root))) == set(names)


def test_deep_paths_up_to_the_limit(root: Path) -> None:
    deep = "/".join(["d"] * 63)
    write_files(root, {f"{deep}/file": 1})
    assert paths(scan(root)) == [f"{deep}/file"]
    write_files(root, {f"{deep}/one/file": 1})
    with pytest.raises(BadInput, match="64 parts"):
        scan(root)


def test_a_folder_that_may_not_be_read_is_named(root: Path) -> None:
    write_files(root, {"film": 1, "locked/x": 1})
    (root / "locked").chmod(0)
    try:
        with permissions_hold(), pytest.raises(BadInput, match="'locked/' can't be read"):
            scan(root)
    finally:
        (root / "locked").chmod(0o700)


def test_a_folder_that_is_not_there(root: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        scan(root / "nowhere")


def test_a_file_that_vanishes_meanwhile_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(root, {"here": 1, "gone": 1})
    listed = scan_module._entries

    def and_then_gone(*arguments: object) -> list[os.DirEntry[str]]:
        entries = listed(*arguments)  # type: ignore[arg-type]
        (root / "gone").unlink()
        return entries

    monkeypatch.setattr(scan_module, "_entries", and_then_gone)
    with pytest.raises(Changed, match="'gone' vanished"):
        scan(root)


# --- folders -----------------------------------------------------------------------------


def test_empty_folders_are_kept(root: Path) -> None:
    write_files(
        root,
        {
            "z/": b"",
            "a/b/": b"",
            "litter/.DS_Store": 1,
            "drafts/x.tmp": 1,
            "ignored/": b"",
            ".outlastignore": b"*.tmp\nignored/\n",
            "film/one": 1,
        },
    )
    found = scan(root)
    assert found.empty_folders == ("a/b", "drafts", "litter", "z")
    assert paths(found) == ["film/one"]


def test_the_root_itself_is_no_empty_folder(root: Path) -> None:
    assert scan(root) == Scan(files=(), empty_folders=())
