"""outlast gather."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlast.cli.options import from_option, json_option, open_carriers
from outlast.cli.screen import count, genuine, progress, say, show, size, tell_if_slow

if TYPE_CHECKING:
    from outlast.steps.gather import CarrierReport


@click.command("gather")
@click.argument("link")
@from_option
@click.option(
    "--to",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files go; made if need be.",
)
@click.option("--only", multiple=True, metavar="GLOB", help="Just these: 'film/*.mp4'.")
@click.option("--edition", type=click.IntRange(min=1), metavar="N", help="An older edition.")
@click.option("--overwrite", is_flag=True, help="Replace other files that stand in the way.")
@json_option
def command(
    link: str,
    sources: tuple[str, ...],
    to: Path,
    only: tuple[str, ...],
    edition: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Rebuild the work LINK from whatever is left of it.

    Carriers are asked all at once, and none is trusted: every byte is proved before it counts.
    May be stopped at any moment and run again.
    """
    from outlast.steps.gather import gather

    with open_carriers(sources) as carriers, progress(as_json) as report:
        result = gather(
            link,
            carriers,
            to,
            only=only,
            edition=edition,
            overwrite=overwrite,
            report=report,
        )

    def words() -> None:
        already = f" ({result.already:,} were there before)" if result.already else ""
        say(f"{result.title}, edition {result.edition}")
        say(f"{count(result.files, 'file')}, {size(result.size)} in {to}, all proved{already}.")
        say(genuine(result.month, solo=result.solo))
        if result.edition < result.latest:
            say(f"Edition {result.latest} is the newest that these carriers know.")
        tell_trouble(result.carriers)
        tell_if_slow()

    show(result, as_json, words)


def tell_trouble(carriers: "tuple[CarrierReport, ...]") -> None:
    """What was refused, carrier by carrier, the first few reasons of each."""
    for each in carriers:
        for one in each.trouble[:3]:
            often = f" (×{one.times})" if one.times > 1 else ""
            say(f"    {each.address}: {one.item + ': ' if one.item else ''}{one.reason}{often}")
        if len(each.trouble) > 3:
            say(f"    {each.address}: and {len(each.trouble) - 3} more")
