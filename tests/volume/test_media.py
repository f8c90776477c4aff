"""Media types by name alone, whatever the machine believes."""

import importlib
import mimetypes
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from outlast.volume import media
from outlast.volume.media import media_type

UNKNOWN = "application/octet-stream"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("film/the names.mp4", "video/mp4"),
        ("FILM.MP4", "video/mp4"),
        ("film.mov", "video/quicktime"),
        ("film.webm", "video/webm"),
        ("film.mkv", "video/matroska"),
        ("film.mxf", "application/mxf"),
        ("film.otio", "application/vnd.pixar.opentimelineio+json"),
        ("sound.mp3", "audio/mpeg"),
        ("sound.flac", "audio/flac"),
        ("sound.opus", "audio/ogg"),
        ("still.jpg", "image/jpeg"),
        ("still.png", "image/png"),
        ("still.webp", "image/webp"),
        ("still.avif", "image/avif"),
        ("en.vtt", "text/vtt"),
        ("en.srt", "application/x-subrip"),
        ("names.csv", "text/csv"),
        ("journal.md", "text/markdown"),
        ("page.html", "text/html"),
        ("text.txt", "text/plain"),
        ("paper.pdf", "application/pdf"),
        ("data.json", "application/json"),
        ("site.warc", "application/warc"),
        ("a.b/README", UNKNOWN),
        (".mp4", UNKNOWN),
        ("folder/.mp4", UNKNOWN),
        ("film.", UNKNOWN),
        ("film.no such ending", UNKNOWN),
        ("名字.mp4", "video/mp4"),
        ("archive.tar.gz", UNKNOWN),
    ],
)
def test_media_type(path: str, expected: str) -> None:
    assert media_type(path) == expected


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ModuleType]]:
    """Read the module as on a machine whose tables were patched."""
    yield lambda: importlib.reload(media)
    monkeypatch.undo()
    importlib.reload(media)


@pytest.mark.parametrize("path", ["film.mp4", "still.png", "en.vtt", "x.outlast-test"])
def test_the_systems_tables_change_nothing(
    path: str, monkeypatch: pytest.MonkeyPatch, read_again: Callable[[], ModuleType]
) -> None:
    expected = media_type(path)
    mimetypes.init()
    for table in (mimetypes.types_map, mimetypes._db.types_map[True]):
        monkeypatch.setitem(table, path[path.rindex(".") :], "application/of-this-machine")
    assert mimetypes.guess_type(path)[0] == "application/of-this-machine"
    assert read_again().media_type(path) == expected


@pytest.mark.parametrize(
    ("ending", "types"),
    [
        (".js", ("application/javascript", "text/javascript")),  # until 3.11, and since
        (".wav", ("audio/x-wav", "audio/vnd.wave")),
    ],
)
def test_pythons_version_changes_nothing(
    ending: str,
    types: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    read_again: Callable[[], ModuleType],
) -> None:
    found = set()
    for each in types:
        monkeypatch.setitem(mimetypes._types_map_default, ending, each)
        found.add(read_again().media_type(f"file{ending}"))
    assert len(found) == 1
