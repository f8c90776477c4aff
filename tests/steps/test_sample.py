"""The sample work: what it holds plays, opens and parses with programs other than ours."""

import builtins
import csv
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from outlast.errors import BadInput
from outlast.steps.sample import make_sample

SECONDS, NAMES = 2, 300
VOWELS = r"[aeiouüāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]+"


@pytest.fixture(scope="module")
def told() -> list[tuple[str, float]]:
    """What the sample's making reported."""
    return []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, float]]) -> Path:
    """A small sample, made once: two seconds of film and 300 names."""
    pytest.importorskip("av")
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("sample") / "the-names"
    make_sample(folder, seconds=SECONDS, names=NAMES, report=lambda *news: told.append(news))
    return folder


def test_film_decodes(sample: Path) -> None:
    import av

    with av.open(str(sample / "film/the-names.mp4")) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio"]
        assert film.duration
        assert film.duration / av.time_base == pytest.approx(SECONDS, abs=0.2)
        video, audio = film.streams.video[0], film.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.pix_fmt) == (1280, 720, "yuv420p")
        assert video.average_rate == 25
        assert audio.channels == 2
        for stream in (video, audio):
            assert stream.duration
            assert stream.time_base
            assert float(stream.duration * stream.time_base) == pytest.approx(SECONDS, abs=0.2)
        pictures = list(film.decode(video=0))
        assert len(pictures) == SECONDS * 25
        keys = [picture.time for picture in pictures if picture.key_frame]
        ends = [*keys[1:], float(SECONDS)]
        assert keys[0] == 0
        assert all(after - key <= 2 for key, after in zip(keys, ends, strict=True))
        # Dark at both ends, and something to see between them.
        levels = [max(bytes(picture.planes[0])) for picture in pictures]
        assert levels[0] < 32
        assert levels[-1] < 32
        assert max(levels) > 150
        film.seek(0)
        assert sum(sound.samples for sound in film.decode(audio=0)) >= SECONDS * audio.rate * 0.9


def test_film_plays_before_it_is_complete(sample: Path) -> None:
    data = (sample / "film/the-names.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_film_says_nothing_about_its_making(sample: Path) -> None:
    import av

    path = sample / "film/the-names.mp4"
    data = path.read_bytes()
    for trace in (b"x264", b"Lavf", b"Lavc"):
        assert trace not in data
    with av.open(str(path)) as film:
        assert not {"encoder", "creation_time", "title", "comment"} & set(film.metadata)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_subtitles_lie_within_the_film(sample: Path, language: str) -> None:
    text = (sample / f"film/the-names.{language}.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n")
    clock = r"(\d\d):(\d\d):(\d\d\.\d\d\d)"
    times = re.findall(rf"^{clock} --> {clock}$", text, re.MULTILINE)
    assert len(times) >= 4
    last = 0.0
    for cue in times:
        start, end = (int(cue[n]) * 3600 + int(cue[n + 1]) * 60 + float(cue[n + 2]) for n in (0, 3))
        assert last <= start < end <= SECONDS
        last = end


def test_register_has_its_rows(sample: Path) -> None:
    data = (sample / "register/names.csv").read_bytes()
    assert data.startswith(b"number,name,pinyin,born,age,school,class\r\n")
    assert data.count(b"\r\n") == data.count(b"\n") == NAMES + 1
    rows = list(csv.DictReader(data.decode("utf-8").splitlines()))
    assert [int(row["number"]) for row in rows] == list(range(1, NAMES + 1))
    assert len({(row["name"], row["school"], row["class"]) for row in rows}) == NAMES
    for row in rows:
        assert re.fullmatch(r"[\u4e00-\u9fff]{2,4}", row["name"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["born"])
        assert 6 <= int(row["age"]) <= 15
        # One syllable for each character: as many groups of vowels, once they are set apart.
        plain = row["pinyin"].replace("'", " ")
        assert len(re.findall(VOWELS, plain, re.IGNORECASE)) == len(row["name"]), row


def test_surnames_have_the_surname_reading() -> None:
    from outlast.steps.sample import register

    readings = dict(register._surnames()[0])
    expected = {"单": "Shàn", "曾": "Zēng", "解": "Xiè", "仇": "Qiú", "任": "Rén", "尉迟": "Yùchí"}
    assert {surname: readings[surname] for surname in expected} == expected


def test_given_names_are_joined_with_an_apostrophe_where_one_is_due() -> None:
    from outlast.steps.sample import register

    assert register._together(["zǐ", "ān"]) == "Zǐ'ān"
    assert register._together(["xiǎo", "yú"]) == "Xiǎoyú"
    assert register._together(["lán"]) == "Lán"


def test_posts_show_their_pictures(sample: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    posts = sorted((sample / "journal").glob("*.md"))
    assert 6 <= len(posts) <= 8
    shown = set()
    for post in posts:
        text = post.read_text(encoding="utf-8")
        assert re.match(r"---\ntitle: .+\nlanguage: (en|zh)(, (en|zh))?\n---\n\n# ", text)
        link = re.search(r"!\[.+\]\((.+)\)", text)
        assert link
        shown.add((post.parent / link[1]).resolve(strict=True))
    pictures = sorted((sample / "journal/pictures").iterdir())
    assert shown == {picture.resolve() for picture in pictures}
    for path in pictures:
        with image.open(path) as picture:
            picture.load()
            assert (picture.format, picture.width) == ("JPEG", 1200)
            assert not picture.getexif()
            assert not {"exif", "xmp", "comment", "icc_profile"} & set(picture.info)


def test_text_files_are_the_same_each_time(sample: Path, tmp_path: Path) -> None:
    make_sample(tmp_path, seconds=SECONDS, names=NAMES)
    again = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    assert again == {path.relative_to(sample) for path in sample.rglob("*")}
    for kind in ("*.md", "*.csv", "*.vtt"):
        for path in tmp_path.rglob(kind):
            assert path.read_bytes() == (sample / path.relative_to(tmp_path)).read_bytes()


def test_progress_is_told_in_order(sample: Path, told: list[tuple[str, float]]) -> None:
    stages = [stage for stage, _ in told]
    assert list(dict.fromkeys(stages)) == ["film", "register", "journal"]
    for stage in set(stages):
        shares = [share for which, share in told if which == stage]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("av")
    mine = tmp_path / "mine.txt"
    mine.write_text("keep me")
    for folder in (tmp_path, mine):
        with pytest.raises(BadInput):
            make_sample(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "keep me"


@pytest.mark.parametrize(("seconds", "names"), [(0, 5), (-1, 5), (121, 5), (1, 0), (1, 100_001)])
def test_numbers_out_of_range_are_refused(tmp_path: Path, seconds: int, names: int) -> None:
    pytest.importorskip("av")
    with pytest.raises(BadInput):
        make_sample(tmp_path / "new", seconds=seconds, names=names)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("missing", ["av", "PIL"])
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for module in list(sys.modules):
        if module.startswith("outlast.steps.sample."):
            monkeypatch.delitem(sys.modules, module)
    package = sys.modules["outlast.steps.sample"]
    for part in ("film", "journal", "register", "pictures", "paint", "sky", "sound"):
        monkeypatch.delattr(package, part, raising=False)
    real = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput) as caught:
        make_sample(tmp_path / "new")
    assert missing in str(caught.value)
    assert "outlast[demo]" in str(caught.value) + str(getattr(caught.value, "hint", ""))
    assert not (tmp_path / "new").exists()
