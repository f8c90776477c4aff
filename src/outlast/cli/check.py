"""outlast check."""

from pathlib import Path

import click

from outlast.cli.options import json_option, open_carriers
from outlast.cli.screen import count, progress, say, show, size, table
from outlast.errors import BadInput


@click.command("check")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS… [LINK]")
@json_option
def command(addresses: tuple[str, ...], as_json: bool) -> int:
    """Prove every share and kit on some carriers, without rebuilding.

    With a LINK, against that work; inside a work's folder, against that one. Otherwise every work
    found there is checked against the name it claims, which shows damage, and not whether it is
    what somebody meant.
    """
    from outlast.format.link import SCHEME, parse_link
    from outlast.steps.check import check
    from outlast.steps.work import Work

    links = [each for each in addresses if each.lower().startswith(SCHEME)]
    if len(links) > 1:
        raise BadInput("one link at a time")
    name = parse_link(links[0]) if links else None
    if name is None:
        try:
            name = Work.find(Path.cwd()).name
        except BadInput:
            name = None
    places = tuple(each for each in addresses if each not in links)
    if not places:
        raise BadInput("no carrier to check", "name at least one address")
    with open_carriers(places) as carriers, progress(as_json) as report:
        result = check(carriers, name, report=report)

    def words() -> None:
        table(
            [["carrier", "shares proved", "kits proved", "refused", "of other works"]]
            + [
                [
                    each.address,
                    str(each.shares),
                    str(each.kits),
                    str(len(each.refused)) if each.reached else "not reached",
                    str(each.foreign or ""),
                ]
                for each in result.carriers
            ]
        )
        for each in result.carriers:
            for item, reason in each.refused[:20]:
                say(f"    {each.address}: {item + ': ' if item else ''}{reason}")
            if len(each.refused) > 20:
                say(f"    {each.address}: and {len(each.refused) - 20} more")
        for work in result.works:
            say()
            say(f"{work.title}, edition {work.edition}")
            for volume in work.volumes:
                old = "" if volume.newest else ", only in older editions"
                say(
                    f"    volume {volume.volume[:8]} ({size(volume.size)}):"
                    f" {count(volume.sound, 'sound share')}, {volume.needed} needed{old}"
                )
            if work.whole:
                say("    can be gathered whole from here")
            else:
                say("    can't be gathered from here alone")
            if not work.asked:
                say(f"    it claims to be {work.link}: compare that with what you were told")

    show(result, as_json, words)
    if any(each.refused for each in result.carriers if each.reached):
        return 4
    return 0 if all(each.reached for each in result.carriers) else 1
