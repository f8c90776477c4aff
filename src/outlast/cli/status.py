"""outlast status."""

from pathlib import Path

import click

from outlast.cli.options import json_option, open_work, work_option
from outlast.cli.screen import count, say, show, size, survival, table


@click.command("status")
@work_option
@json_option
def command(folder: Path | None, as_json: bool) -> None:
    """See what stands where, and what could be lost today.

    Asks each carrier for its list; 'outlast check' proves what it holds.
    """
    from outlast.steps.status import status

    result = status(open_work(folder))

    def words() -> None:
        say(f"{result.title}    {result.link}")
        if not result.edition:
            say("Nothing is sealed yet. Next: outlast seal")
            return
        say(f"edition {result.edition}: {count(result.files, 'file')}, {size(result.size)}")
        say()
        if not result.carriers:
            say("It is on this machine only. Next: outlast carrier add NAME /path/to/a/folder")
            return
        keepers = sorted({each.keeper for each in result.carriers})
        table(
            [["volume", "size", "needs", *keepers, "may vanish"]]
            + [
                [
                    each.volume[:8],
                    size(each.size),
                    f"{each.needed} of {each.rows}",
                    *(str(each.keepers.get(keeper, 0)) for keeper in keepers),
                    str(each.survives) if each.survives >= 0 else "lost now",
                ]
                for each in result.volumes
            ]
        )
        say()
        for each in result.carriers:
            if each.trouble:
                say(f"{each.name} ({each.keeper}): {each.trouble}")
        say(survival(result.survives, "The work"))
        if result.promised is not None and result.survives < result.promised:
            say(f"You promised {result.promised}. Next: outlast spread")

    show(result, as_json, words)
