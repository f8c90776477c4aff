"""A sample work to try everything on: a short film, a register of names, and a journal.

It's small, but as real as it can be: the film plays, the subtitles are WebVTT, the register is a
table that any program opens. All of it is invented. The film and the pictures are drawn when they
are asked for, so that the package carries no media; this needs the optional packages of the extra
"demo" (PyAV and Pillow).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from outlast.errors import BadInput

LONGEST = 120
"""The longest film, in seconds: its sound is made in memory."""


def make_sample(
    folder: Path,
    *,
    seconds: int = 12,
    names: int = 5_219,
    report: Callable[[str, float], None] | None = None,
) -> None:
    """Fill `folder`, which is made if it's missing and must be empty, with a sample work.

    The film is `seconds` long, 1 to `LONGEST`, and making it takes about as long. The register has
    `names` rows, and the film as many lights. `report` is called as it goes, with the stage
    ("film", "register", "journal") and the share of it that is done, from 0 to 1.

    Raises:
        BadInput: the folder isn't empty, a number is out of range, or the extra is missing.
        OSError: a file can't be written.

    """
    try:
        from outlast.steps.sample import film, journal, register
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"av", "PIL"}:
            raise
        raise BadInput(
            f"making a sample needs the Python package {error.name!r}, which isn't installed",
            "pip install 'outlast[demo]'",
        ) from error

    if not 1 <= seconds <= LONGEST:
        raise BadInput(f"the film can't last {seconds} seconds", f"choose 1 to {LONGEST}")
    if not 1 <= names <= register.MOST:
        raise BadInput(f"a register can't have {names} names", f"choose 1 to {register.MOST}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is not an empty folder", "name a new one")

    tell = report or _say_nothing
    for part in ("film", "register", "journal"):
        (folder / part).mkdir(parents=True)
    journal.write_readme(folder / "README.md", seconds, names)
    for language, text in film.subtitles(seconds, names).items():
        path = folder / "film" / f"the-names.{language}.vtt"
        path.write_text(text, encoding="utf-8", newline="\n")
    film.write_film(folder / "film" / "the-names.mp4", seconds, names, partial(tell, "film"))
    register.write_register(folder / "register" / "names.csv", names, partial(tell, "register"))
    journal.write_journal(folder / "journal", partial(tell, "journal"))


def _say_nothing(stage: str, fraction: float) -> None:
    """Stand in for a report that nobody asked for."""
