"""outlast seal."""

from pathlib import Path

import click

from outlast.cli.options import (
    ask_passphrase,
    json_option,
    open_work,
    passphrase_option,
    work_option,
)
from outlast.cli.screen import count, progress, say, show, size, tell_if_slow


@click.command("seal")
@click.option("--rehash", is_flag=True, help="Read files again that seem unchanged.")
@click.option("--repack", is_flag=True, help="Merge the small volumes of many small editions.")
@click.option("--rows", type=int, metavar="N", help="Shares that can be made: up to 256.")
@passphrase_option
@work_option
@json_option
def command(
    rehash: bool,
    repack: bool,
    rows: int | None,
    passphrase_fd: int | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Sign the folder's present state as a new edition, and print the link.

    Only what is new is read; nothing but metadata is written. These stay out: .outlast/,
    private/, outlast.toml, what .outlastignore names (as in .gitignore), and what systems leave
    behind (.DS_Store, Thumbs.db, .git …).
    """
    from outlast.steps.seal import seal

    work = open_work(folder)
    with progress(as_json) as report:
        ask = ask_passphrase(passphrase_fd)
        sealed = seal(work, ask, rehash=rehash, repack=repack, rows=rows, report=report)

    def words() -> None:
        if sealed.new:
            say(
                f"Edition {sealed.edition} is sealed: {count(sealed.files, 'file')},"
                f" {size(sealed.size)}."
            )
            say(
                f"New in it: {count(sealed.added, 'file')}; gone: {sealed.removed};"
                f" to be spread: {size(sealed.coded)}."
            )
        else:
            say(f"Nothing has changed since edition {sealed.edition}.")
        say()
        say(f"    {sealed.link}")
        say()
        if sealed.small_volumes:
            say(
                f"It lies in {sealed.small_volumes} small volumes;"
                " 'outlast seal --repack' would merge them."
            )
        if sealed.new:
            say("It is on this machine only, until: outlast spread")
        tell_if_slow()

    show(sealed, as_json, words)
