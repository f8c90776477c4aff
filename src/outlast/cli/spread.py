"""outlast spread."""

from pathlib import Path

import click

from outlast.cli.options import json_option, open_work, work_option
from outlast.cli.screen import progress, say, show, survival, table, tell_if_slow


@click.command("spread")
@click.option(
    "--survive", type=click.IntRange(min=0), metavar="N", help="Any N keepers may vanish."
)
@work_option
@json_option
def command(survive: int | None, folder: Path | None, as_json: bool) -> int:
    """Put shares on the carriers.

    With --survive, as many as the promise needs, now and at every later spread; without, three
    for each one that is needed. Shares that are there already stay. Every share is read back. May
    be stopped at any moment and run again.
    """
    from outlast.steps.spread import spread

    work = open_work(folder)
    with progress(as_json) as report:
        result = spread(work, survive=survive, report=report)
    trouble = any(each.trouble for each in result.carriers)

    def words() -> None:
        table(
            [["carrier", "keeper", "shares", "new"]]
            + [
                [each.name, each.keeper, str(each.shares), str(each.written)]
                for each in result.carriers
            ]
        )
        for each in result.carriers:
            if each.trouble:
                say(f"{each.name}: {each.trouble}")
        say()
        say(survival(result.survives, f"Edition {result.edition}"))
        if result.enough:
            say(f"You asked for {result.promised}. {result.enough}.")
        tell_if_slow()

    show(result, as_json, words)
    return 1 if result.enough or (trouble and result.promised is None) else 0
