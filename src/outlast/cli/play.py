"""outlast play."""

import webbrowser
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from outlast.cli.options import from_option, json_option, open_carriers
from outlast.cli.screen import say, show

if TYPE_CHECKING:
    from outlast.steps.play import Player


@click.command("play")
@click.argument("link")
@from_option
@click.argument("path", required=False)
@click.option("--edition", type=click.IntRange(min=1), metavar="N", help="An older edition.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="A free one, by default.")
@click.option("--browser", is_flag=True, help="Open the address in the browser.")
@json_option
def command(
    link: str,
    sources: tuple[str, ...],
    path: str | None,
    edition: int | None,
    port: int,
    browser: bool,
    as_json: bool,
) -> None:
    """Watch the work LINK straight from its shares.

    Serves PATH, or a page with all files, on this machine only (127.0.0.1), decoding as the
    player asks; nothing is written. For a browser or a player such as mpv. Ends with Ctrl-C.
    """
    from outlast.steps.play import open_player

    def tell(player: "Player") -> None:
        say(f"{player.opened.manifest.title}, edition {player.opened.manifest.edition}")
        say()
        say(f"    {player.url}")
        say()
        say("Open it in a browser, or: mpv ADDRESS. Ctrl-C ends it.")

    with ExitStack() as stack:
        carriers = stack.enter_context(open_carriers(sources))
        player = open_player(link, carriers, path, edition=edition, port=port)
        stack.callback(player.close)
        result = {"url": player.url, "edition": player.opened.manifest.edition}
        show(result, as_json, lambda: tell(player))
        if browser:
            webbrowser.open(player.url)
        with suppress(KeyboardInterrupt):
            player.serve()
