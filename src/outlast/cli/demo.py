"""outlast demo: the main job, on a small but real work, in about a minute."""

import hashlib
import os
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlast.cli.options import open_carriers
from outlast.cli.screen import count, genuine, progress, say, show, size, survival
from outlast.errors import BadInput, OutlastError

if TYPE_CHECKING:
    from outlast.steps.gather import Gathered
    from outlast.steps.spread import Spread
    from outlast.steps.work import Work

_MARK = ".outlast-demo"
_KEEPERS = ("friend", "archive", "festival", "library", "server", "stick")
_DESTROYED = ("archive", "festival", "server")
_DAMAGED = "stick"


@click.command("demo")
@click.argument(
    "folder",
    required=False,
    default="outlast-demo",
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(folder: Path, as_json: bool) -> None:
    """See all of it at work, in FOLDER (./outlast-demo by default).

    Makes a small work (a film with subtitles, a register of names, a journal), seals it, spreads
    it over six carriers, destroys three of them, damages a fourth, and gathers the work from what
    is left. Nothing outside FOLDER is touched; the keys are in it too.
    """
    folder = folder.absolute()
    _clear(folder)
    os.environ["OUTLAST_HOME"] = str(folder / "keys")
    places = {keeper: folder / "carriers" / keeper for keeper in _KEEPERS}
    demo = _Demo(folder, places, quiet=as_json)
    work = demo.make()
    link = demo.seal(work)
    placed = demo.spread(work)
    demo.destroy()
    gathered = demo.gather(link)
    demo.farewell(link, placed)
    result = {
        "folder": folder,
        "link": link,
        "edition": gathered.edition,
        "files": gathered.files,
        "bytes": gathered.size,
        "destroyed": _DESTROYED,
        "damaged": [_DAMAGED],
        "gathered": gathered.to,
    }
    show(result, as_json, lambda: None)


class _Demo:
    """The six acts, each told as it happens."""

    def __init__(self, folder: Path, places: dict[str, Path], *, quiet: bool) -> None:
        self._folder = folder
        self._places = places
        self._quiet = quiet
        self._original = folder / "work"

    def make(self) -> "Work":
        from outlast.steps.progress import Progress
        from outlast.steps.sample import make_sample
        from outlast.steps.work import Work

        self._tell("1. A work: a film with subtitles, a register of names, a journal.")
        with progress(self._quiet) as report:

            def tell(stage: str, part: float) -> None:
                report(Progress(f"making the {stage}", int(part * 100), 100, "%"))

            make_sample(self._original, report=tell)
        work = Work.create(
            self._original, title="The names · 名字", languages=("en", "zh"), passphrase=None
        )
        self._tell(f"   {self._original}")
        return work

    def seal(self, work: "Work") -> str:
        from outlast.steps.seal import seal

        self._tell("2. Sealed: signed, so that every byte and its author can be proved.")
        with progress(self._quiet) as report:
            sealed = seal(work, lambda: "", report=report)
        self._tell(f"   {count(sealed.files, 'file')}, {size(sealed.size)}. Its link is all that a")
        self._tell("   reader needs to be told:")
        self._tell(f"   {sealed.link}")
        return sealed.link

    def spread(self, work: "Work") -> "Spread":
        from outlast.steps.spread import spread

        self._tell("3. Spread over six carriers: folders that stand for six keepers.")
        for keeper, place in self._places.items():
            place.mkdir(parents=True)
            work.settings.add_carrier(keeper, str(place), keeper)
        with progress(self._quiet) as report:
            placed = spread(work, report=report)
        for each in placed.carriers:
            held = sum(file.stat().st_size for file in self._places[each.name].rglob("*.*"))
            self._tell(f"   {each.name:<9} {count(each.shares, 'share')}, {size(held)}")
        self._tell(f"   {survival(placed.survives, 'The work')}")
        return placed

    def destroy(self) -> None:
        self._tell("4. Then it is taken down.")
        for keeper in _DESTROYED:
            shutil.rmtree(self._places[keeper])
            self._tell(f"   {keeper:<9} destroyed")
        chance = random.Random(4)  # noqa: S311 - a demonstration, the same each time
        shares = sorted(self._places[_DAMAGED].rglob("*.share"))
        for share in shares:
            data = bytearray(share.read_bytes())
            for _ in range(20):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            share.write_bytes(data)
        self._tell(f"   {_DAMAGED:<9} damaged: 20 bits flipped in each of {len(shares)} shares")

    def gather(self, link: str) -> "Gathered":
        from outlast.steps.gather import gather

        self._tell("5. Gathered from what is left, trusting none of it.")
        places = tuple(map(str, self._places.values()))
        with open_carriers(places) as carriers, progress(self._quiet) as report:
            result = gather(link, carriers, self._folder / "gathered", report=report)
        for each in result.carriers:
            refused = sum(one.times for one in each.trouble)
            state = f"{refused} altered pieces refused" if refused else "sound"
            self._tell(f"   {Path(each.address).name:<9} {state if each.reached else 'gone'}")
        _compare(self._original, result.to)
        self._tell(
            f"   {count(result.files, 'file')}, {size(result.size)}: byte for byte the same."
        )
        self._tell(f"   {genuine(result.month, solo=result.solo)}")
        return result

    def farewell(self, link: str, placed: "Spread") -> None:
        needed = len(_KEEPERS) - placed.survives
        left = [self._places[keeper] for keeper in _KEEPERS if keeper not in _DESTROYED]
        self._tell()
        self._tell(f"The film, rebuilt:  {self._folder / 'gathered' / 'film' / 'the-names.mp4'}")
        self._tell()
        self._tell("Watch it straight from the shares, of which none holds the film:")
        self._tell(f"    {_program()} play {link} \\")
        self._tell("        " + " ".join(f"--from {place}" for place in left[:2]) + " --browser")
        self._tell(f"Destroy more, and gather again; any {needed} of the six are enough:")
        self._tell(f"    {self._folder / 'carriers'}")
        self._tell("Keep a work of your own alive:")
        self._tell(f"    {_program()} new my-work")

    def _tell(self, text: str = "") -> None:
        if not self._quiet:
            say(text)


def _program() -> str:
    """How this program can be called from here."""
    return "outlast" if shutil.which("outlast") else os.path.relpath(sys.argv[0])


def _clear(folder: Path) -> None:
    """Make the demo's folder, in place of an earlier demo and of nothing else."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise BadInput(f"{folder} is not empty", "name another folder: outlast demo FOLDER")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


def _compare(original: Path, gathered: Path) -> None:
    """Look with our own eyes: the demo doesn't take gather's word for it."""
    for file in sorted(gathered.rglob("*")):
        if file.is_file():
            same = original / file.relative_to(gathered)
            if _digest(file) != _digest(same):
                raise OutlastError(f"{file} differs from {same}", "please report this")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
