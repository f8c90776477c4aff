"""The page that `play` shows: the film first, everything else below it."""

import html
from collections.abc import Callable
from pathlib import PurePosixPath

from outlast.format.index import Entry
from outlast.steps.edition import Opened

_LISTED = 2_000
"""Files that are listed; a work may have a hundred thousand."""
_NAMES = {"en": "English", "zh": "中文"}

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 60rem;
       margin: 0 auto; padding: 1.5rem }
h1 { font-weight: 500; margin: 0 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; font-weight: 500; margin: 2rem 0 .5rem; overflow-wrap: anywhere }
p { margin: 0 0 1rem; opacity: .75 }
video, audio { width: 100%; border-radius: 6px; background: #000 }
ul { list-style: none; padding: 0 }
li { display: flex; gap: 1rem; justify-content: space-between; padding: .2rem 0 }
li span { opacity: .6; white-space: nowrap }
a { overflow-wrap: anywhere }
"""


def player_page(opened: Opened, url: Callable[[str], str]) -> str:
    """HTML without scripts; everything that the work says is escaped."""
    files = [entry for entry in opened.table.values() if not entry.is_folder]
    files.sort(key=lambda entry: entry.path)
    title = html.escape(opened.manifest.title)
    state = (
        f"Edition {opened.manifest.edition}, sealed {opened.manifest.month}. "
        "Genuine; whether a newer one exists can't be told from here.<br>"
        f"第 {opened.manifest.edition} 版，{opened.manifest.month} 封存。"
        "真实无误；是否已有更新的版本，此处无法得知。"
    )
    films = [entry for entry in files if entry.type.startswith(("video/", "audio/"))]
    more = len(files) - _LISTED
    return "".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title><style>{_STYLE}</style>",
            f"<h1>{title}</h1><p>{state}</p>",
            *(_film(film, files, url) for film in films[:20]),
            "<h2>Files · 文件</h2><ul>",
            *(
                f'<li><a href="{html.escape(url(entry.path))}">{html.escape(entry.path)}</a>'
                f"<span>{_size(entry.size)}</span></li>"
                for entry in files[:_LISTED]
            ),
            "</ul>",
            f"<p>… {more} more · 另有 {more} 个文件</p>" if more > 0 else "",
        ]
    )


def _film(film: Entry, files: list[Entry], url: Callable[[str], str]) -> str:
    tag = "video" if film.type.startswith("video/") else "audio"
    stem = film.path.rpartition(".")[0]
    tracks = []
    for entry in files:
        if entry.type == "text/vtt" and entry.path.startswith(stem):
            language = PurePosixPath(entry.path).stem.rpartition(".")[2].lower()
            label = html.escape(_NAMES.get(language[:2], language))
            tracks.append(
                f'<track kind="subtitles" src="{html.escape(url(entry.path))}"'
                f' srclang="{html.escape(language)}" label="{label}">'
            )
    return (
        f"<h2>{html.escape(film.path)}</h2>"
        f'<{tag} controls preload="metadata" src="{html.escape(url(film.path))}">'
        f"{''.join(tracks)}</{tag}>"
    )


def _size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "bytes" else f"{size} {unit}"
        size //= 1000
    return f"{size} GB"
