"""The command line. Each command is one short file; none is imported before it is called."""

import gc
import importlib
import resource
import sys

import click

from outlast import __version__
from outlast.cli.screen import fail

_COMMANDS = {
    "new": "Make a folder a work: its settings, its keys, its link.",
    "seal": "Sign the folder's present state as a new edition.",
    "carrier": "Say where shares go: add, list, remove.",
    "spread": "Put shares on the carriers, so that some may vanish.",
    "status": "See what stands where, and what could be lost today.",
    "gather": "Rebuild a work from whatever is left of it.",
    "check": "Prove every share and kit on some carriers.",
    "play": "Watch a film straight from its shares.",
    "demo": "See all of it at work in a minute.",
}

_MANUAL = """
Keep a work alive: a film, a register of names, a journal.

outlast seals a folder, so that every byte and its author can be proved; spreads it over carriers
(folders, disks, sticks) as shares of which any k of n rebuild it; and gathers it from whatever is
left.

\b
  Begin         outlast new my-film --title "My film"
                cd my-film            (put your files here)
                outlast seal          (prints the link: what you hand on)
  Spread        outlast carrier add anna /media/anna --keeper Anna
                outlast spread --survive 2
                outlast status
  Come back     outlast gather outlast:… --from /media/anna --to copy
                outlast play outlast:… --from /media/anna

A keeper is who can take a carrier's content down: one person, one account. Two carriers of one
keeper fall together, so promises count keepers.

Every command takes --json for scripts. Exit codes: 0 done, 1 failed, 2 bad usage or bad input,
3 not enough shares, 4 refused: not genuine, 130 stopped by Ctrl-C.
"""


_OPEN_FILES = 4096


class _Lazy(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"outlast.cli.{cmd_name}").command
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, help=_MANUAL, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="outlast", message="outlast %(version)s")
def cli() -> None:
    """Hold the commands together."""


def _allow_open_files() -> None:
    """Raise a low limit (256 on macOS): a spread writes all its shares at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Run the command line and leave with its exit code."""
    as_json = "--json" in sys.argv
    # A work may have 100,000 files, and none of what is made for them is garbage.
    gc.set_threshold(100_000, 20, 100)
    _allow_open_files()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except Exception as error:  # noqa: BLE001 - the outermost border: no traceback for users
        sys.exit(fail(error, as_json=as_json))
