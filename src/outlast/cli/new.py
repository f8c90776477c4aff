"""outlast new."""

from pathlib import Path

import click

from outlast.cli.options import ask_passphrase, json_option, passphrase_option
from outlast.cli.screen import say, show
from outlast.errors import BadInput


@click.command("new")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--title", metavar="T", help="What the work is called; the folder's name otherwise.")
@click.option(
    "--language", "languages", multiple=True, metavar="L", help="A language of the work: en, zh …"
)
@click.option("--no-passphrase", is_flag=True, help="Keys that nothing guards.")
@passphrase_option
@json_option
def command(
    folder: Path | None,
    title: str | None,
    languages: tuple[str, ...],
    no_passphrase: bool,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Make FOLDER a work (this folder, if none is named).

    It may be new, or have the work's files in it already. Two keys are made and kept outside of
    it, under OUTLAST_HOME: the author key signs editions; the root key can replace it.
    """
    from outlast.steps.work import Work, key_folder

    root = (folder or Path.cwd()).absolute()
    if no_passphrase and passphrase_fd is not None:
        raise BadInput("--no-passphrase and --passphrase-fd exclude each other")
    passphrase = None if no_passphrase else ask_passphrase(passphrase_fd, confirm=True)()
    if passphrase == "":
        raise BadInput("an empty passphrase guards nothing", "say --no-passphrase if you mean that")
    work = Work.create(
        root, title=title or root.name, languages=languages or ("en",), passphrase=passphrase
    )
    keys = key_folder(work.name)
    result = {"link": work.link, "folder": root, "keys": keys, "guarded": passphrase is not None}

    def words() -> None:
        say(f"{root} is a work now. Its link, which you hand on:")
        say()
        say(f"    {work.link}")
        say()
        say(f"Its keys are in {keys}:")
        say("    author   signs editions; needed on this machine")
        say("    root     can replace the author key: move it to a stick and keep it apart")
        if passphrase is None:
            say("Nothing guards these keys: whoever copies them can publish as you.")
        else:
            say("Without the passphrase they are worthless, to you too: nobody can recover it.")
        say()
        say("Put your files into the folder, then: outlast seal")

    show(result, as_json, words)
