"""The table, the ratios beside their targets, and the plot."""

import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measure import Figure

Figures = Mapping[str, Sequence[Figure]]


@dataclass(frozen=True, slots=True)
class Target:
    """One ratio that is aimed at: how many times as fast as a peer, at least."""

    ours: str
    peer: str
    least: float


TARGETS = (
    Target("outlast seal", "bare loop: read, ISA-L, BLAKE3", 0.8),
    Target("outlast seal", "par2 create", 8),
    Target("outlast spread to 3 folders", "cp of the same shares", 0.7),
    Target("outlast spread to 3 folders", "cp, flushed to the disk", 0.7),
    Target("outlast gather, half of the data rows lost", "bare loop back, writing", 0.7),
    Target("outlast gather, half of the data rows lost", "par2 repair, half of the data lost", 8),
    Target("outlast seal, 100,000 files", "restic backup, 100,000 files", 2),
)


def median(figures: Sequence[Figure]) -> float:
    """The median of the seconds."""
    return statistics.median(each.seconds for each in figures)


def show(title: str, figures: Figures, size: int | None) -> None:
    """Print one scenario's figures, and the ratios that can be made of them."""
    print(f"\n{title}")
    print(f"  {'':<58}{'median s':>9}{'min':>8}{'max':>8}{'MB/s':>8}{'MB mem':>8}")
    for name, runs in figures.items():
        seconds = [each.seconds for each in runs]
        rate = f"{size / median(runs) / 1e6:.0f}" if size else ""
        memory = max(each.memory for each in runs) / 1e6
        print(
            f"  {name:<58}{median(runs):>9.2f}{min(seconds):>8.2f}{max(seconds):>8.2f}"
            f"{rate:>8}{memory:>8.0f}"
        )
    for target in TARGETS:
        if target.ours in figures and target.peer in figures:
            ratio = median(figures[target.peer]) / median(figures[target.ours])
            met = "met" if ratio >= target.least else "missed"
            print(f"  {target.ours} / {target.peer}: {ratio:.2f} (aim {target.least}, {met})")


def save(folder: Path, results: Mapping[str, Figures], kernel: Mapping[str, float]) -> None:
    """Write results.json and results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "kernel, MB/s": dict(kernel),
        "runs": {
            title: {name: [asdict(each) for each in runs] for name, runs in figures.items()}
            for title, figures in results.items()
        },
    }
    (folder / "results.json").write_text(json.dumps(document, indent=2))
    _plot(folder / "results.png", results)


def _plot(path: Path, results: Mapping[str, Figures]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(results), 1, figsize=(10, 1 + 3.4 * len(results)), squeeze=False, layout="constrained"
    )
    for axis, (title, figures) in zip(axes[:, 0], results.items(), strict=True):
        names = list(figures)[::-1]
        values = [median(figures[name]) for name in names]
        colours = ["#2b6a99" if name.startswith("outlast") else "#b9b3a6" for name in names]
        bars = axis.barh(names, values, color=colours)
        axis.bar_label(bars, [f"{value:.2f} s" for value in values], padding=4, fontsize=8)
        axis.set_xscale("log")
        axis.set_xlabel("seconds, median (shorter is faster)")
        axis.set_title(title, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
    figure.savefig(path, dpi=110)
