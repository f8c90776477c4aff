"""What commands show: words and tables, one JSON document, progress, errors."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outlast.errors import BadInput, NotEnough, NotGenuine, OutlastError

if TYPE_CHECKING:
    from outlast.steps.progress import Progress

_EVERY = 0.1
"""Seconds between two drawings of progress."""


def say(text: str = "") -> None:
    """One line for people, on stdout."""
    click.echo(inert(text))


def inert(text: str) -> str:
    """`text` without what a terminal would obey: names come from whoever filled a carrier."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in text
    )


def show(result: object, as_json: bool, words: Callable[[], None]) -> None:
    """A command's result: as one JSON document, or in words."""
    if as_json:
        click.echo(_json(result))
    else:
        words()


def _json(value: object) -> str:
    """Readable in every script, and without what a terminal would obey."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=2)
    return "".join(
        each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text
    )


def plain(value: object) -> Any:
    """A result as JSON can hold it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return plain(fields)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    return value


def size(number: int) -> str:
    """Bytes for people: '3.2 MB'."""
    amount = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{number} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def count(number: int, one: str, many: str = "") -> str:
    """'1 file', '2 files'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def table(rows: list[list[str]]) -> None:
    """Columns, the first row as their heads."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in rows[0]:
        drawn.add_column(head, overflow="fold")
    for row in rows[1:]:
        drawn.add_row(*map(inert, row))
    # In a pipe nothing is cut or folded.
    width = None if sys.stdout.isatty() else 1000
    Console(highlight=False, markup=False, width=width).print(drawn)


@contextmanager
def progress(quiet: bool) -> Iterator["Callable[[Progress], None]"]:
    """A bar with rate and time left on a terminal; nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bars:
        task = bars.add_task("", total=None, amount="", visible=False)
        stage, began, drawn = "", 0.0, 0.0

        def draw(now: "Progress") -> None:
            nonlocal stage, began, drawn
            clock = time.monotonic()
            if now.stage != stage:
                stage, began = now.stage, clock
                bars.reset(task, description=stage, total=now.total or None, visible=True)
            elif clock - drawn < _EVERY:
                return
            drawn = clock
            amount = _amount(now, clock - began)
            bars.update(task, completed=now.done, total=now.total or None, amount=amount)

        yield draw


def _amount(now: "Progress", seconds: float) -> str:
    if not now.total:
        return ""
    if now.unit != "bytes":
        return f"{now.done:,} of {now.total:,} {now.unit}"
    rate = f", {size(int(now.done / seconds))}/s" if seconds > 1 else ""
    return f"{size(now.done)} of {size(now.total)}{rate}"


def fail(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong and what to try; the exit code."""
    if isinstance(error, click.ClickException):
        code, message, hint = 2, error.format_message(), ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"see '{error.ctx.command_path} --help'"
    elif isinstance(error, click.Abort):
        code, message, hint = 130, "stopped", "run it again to go on"
    elif isinstance(error, OutlastError):
        code, message, hint = exit_code(error), error.message, error.hint
    elif isinstance(error, BrokenPipeError):
        return 1
    elif isinstance(error, OSError):
        code, message, hint = 1, f"{error.filename or 'the output'}: {error.strerror}", ""
    else:
        code, hint = 1, "this is a defect of outlast: please report it with what you did"
        message = f"{type(error).__name__}: {error}"
    reasons = list(error.reasons) if isinstance(error, OutlastError) else []
    if as_json:
        kinds = (each for each in type(error).__mro__ if each.__module__ == OutlastError.__module__)
        kind = next(kinds, type(error)).__name__
        body = {"kind": kind, "message": message, "hint": hint, "reasons": reasons}
        with suppress(OSError):  # stdout may be what failed
            click.echo(_json({"error": body}))
    click.echo(inert(f"outlast: {message}"), err=True)
    for reason in reasons:
        click.echo(inert(f"    {reason}"), err=True)
    if hint:
        click.echo(inert(f"  try: {hint}"), err=True)
    return code


def exit_code(error: OutlastError) -> int:
    """2 bad input, 3 not enough shares, 4 not genuine, 1 anything else."""
    for kind, code in ((BadInput, 2), (NotEnough, 3), (NotGenuine, 4)):
        if isinstance(error, kind):
            return code
    return 1


def survival(survives: int, what: str) -> str:
    """What a number of keepers that may vanish means, in words."""
    if survives < 0:
        return f"{what} can't be gathered from the carriers now."
    if survives == 0:
        return f"{what} can be gathered, but is lost if any one keeper vanishes."
    return f"{what} survives the loss of any {count(survives, 'keeper')}."


def genuine(month: str, *, solo: bool) -> str:
    """What a reader may believe, and what not."""
    signed = "signed by its author alone" if solo else "signed by several together"
    return (
        f"Genuine, {signed}; sealed {month}. "
        "Whether a newer edition exists can't be told from here."
    )


def tell_if_slow() -> None:
    """One line where the kernel is missing: everything works, but an hour becomes a day."""
    from outlast.coding import engine

    if engine() == "zfec":
        say(
            "Coding runs without its C kernel here, some thirty times slower. To have it: install"
            " a C compiler and Python's headers (Debian: gcc python3-dev), then outlast again."
        )
