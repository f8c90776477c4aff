"""Progress as values that any front end can draw."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of a step has come."""

    stage: str
    """What is being done, in a word or two."""
    done: int
    total: int
    """0: not known."""
    unit: str = "bytes"
    """What is counted."""


Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """The report of whoever doesn't ask."""
