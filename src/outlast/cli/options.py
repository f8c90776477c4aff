"""Options that several commands share."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from outlast.errors import BadInput

if TYPE_CHECKING:
    from outlast.carriers.base import Carrier
    from outlast.steps.work import Work

_F = TypeVar("_F", bound=Callable[..., Any])
_LONGEST = 1024
"""Bytes of a passphrase."""


def json_option(command: _F) -> _F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(
        command
    )


def work_option(command: _F) -> _F:
    """--work."""
    return click.option(
        "--work",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="The work's folder, if this isn't it.",
    )(command)


def passphrase_option(command: _F) -> _F:
    """--passphrase-fd."""
    return click.option(
        "--passphrase-fd",
        type=int,
        metavar="N",
        help="Read the passphrase from file descriptor N instead of asking.",
    )(command)


def from_option(command: _F) -> _F:
    """--from, one or more."""
    return click.option(
        "--from",
        "sources",
        multiple=True,
        required=True,
        metavar="ADDRESS",
        help="A carrier to gather from; as many as there are.",
    )(command)


def open_work(folder: Path | None) -> "Work":
    """The work in `folder`, or the one that we are in."""
    from outlast.steps.work import Work

    return Work(folder) if folder else Work.find(Path.cwd())


@contextmanager
def open_carriers(addresses: tuple[str, ...]) -> "Iterator[list[Carrier]]":
    """The carriers at these addresses, each once, closed in the end."""
    from outlast.carriers import normal_address, open_carrier

    with ExitStack() as stack:
        places = dict.fromkeys(map(normal_address, addresses))
        yield [stack.enter_context(open_carrier(place)) for place in places]


def ask_passphrase(fd: int | None, *, confirm: bool = False) -> Callable[[], str]:
    """How to come by the passphrase: from a file descriptor, or at a prompt."""

    def ask() -> str:
        if fd is not None:
            return _read(fd)
        if not sys.stdin.isatty():
            raise BadInput(
                "the key needs a passphrase, and there is no terminal to ask at",
                "give it with --passphrase-fd N",
            )
        return str(
            click.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        )

    return ask


def _read(fd: int) -> str:
    try:
        with os.fdopen(fd, "rb", closefd=False) as stream:
            line = stream.readline(_LONGEST)
        return line.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"no passphrase can be read from file descriptor {fd}") from None
