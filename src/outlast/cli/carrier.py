"""outlast carrier."""

from pathlib import Path

import click

from outlast.cli.options import json_option, open_work, work_option
from outlast.cli.screen import say, show, table


@click.group("carrier")
def command() -> None:
    """Say where shares go.

    A carrier is a place or a medium: so far a folder, a disk, a stick. Its keeper is who can take
    it down; carriers of one person or one account have the same keeper.
    """


@command.command("add")
@click.argument("name")
@click.argument("address")
@click.option("--keeper", metavar="K", help="Who can take it down; NAME, if none is given.")
@work_option
@json_option
def add(name: str, address: str, keeper: str | None, folder: Path | None, as_json: bool) -> None:
    """Add the carrier NAME at ADDRESS, a folder's path."""
    entry = open_work(folder).settings.add_carrier(name, address, keeper)
    show(
        entry,
        as_json,
        lambda: say(f"{name} is a carrier now, kept by {entry.keeper}. Next: outlast spread"),
    )


@command.command("list")
@work_option
@json_option
def list_(folder: Path | None, as_json: bool) -> None:
    """List the work's carriers."""
    carriers = open_work(folder).settings.carriers

    def words() -> None:
        if not carriers:
            say("No carriers yet. Add one: outlast carrier add NAME /path/to/a/folder")
            return
        table(
            [["carrier", "keeper", "address"]]
            + [[each.name, each.keeper, each.address] for each in carriers]
        )

    show({"carriers": carriers}, as_json, words)


@command.command("remove")
@click.argument("name")
@work_option
@json_option
def remove(name: str, folder: Path | None, as_json: bool) -> None:
    """Forget the carrier NAME. What it holds stays there."""
    open_work(folder).forget_carrier(name)
    show(
        {"removed": name},
        as_json,
        lambda: say(f"{name} is forgotten; what it holds stays there. Next: outlast spread"),
    )
