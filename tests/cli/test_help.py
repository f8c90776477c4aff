"""Every command and option says what it is."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

import outlast
from outlast.cli import cli


def commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with their names, groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands())
ALL = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for path in COMMANDS:
        if len(path) == 1:
            assert f"\n  {path[0]} " in result.output
    for word in ("Exit codes", "--json", "keeper"):
        assert word in result.output


@ALL
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(path: tuple[str, ...], option: str) -> None:
    if option == "-h" and isinstance(COMMANDS[path], click.Group):
        return
    result = CliRunner().invoke(cli, [*path, option])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")


@ALL
def test_every_option_is_documented(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    first = command.help.splitlines()[0]
    assert first[0].isupper()
    assert first.endswith(".")
    told = CliRunner().invoke(cli, [*path, "--help"]).output
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.endswith((".", "…")) or "'" in parameter.help
            assert parameter.opts[-1] in told
        else:
            shown = parameter.make_metavar(click.Context(command)).strip("[].…").split()[0]
            assert shown.strip("[]…") in told


@ALL
def test_every_command_takes_json(path: tuple[str, ...]) -> None:
    """As the manual says."""
    command = COMMANDS[path]
    if not isinstance(command, click.Group):
        assert any("--json" in parameter.opts for parameter in command.params)


def test_the_summaries_agree_with_the_commands() -> None:
    told = CliRunner().invoke(cli, ["--help"]).output.partition("Commands:")[2]
    assert told
    assert "..." not in told, "no summary is cut"


def test_version() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.output == f"outlast {outlast.__version__}\n"


HEAVY = (
    "tuf",
    "cryptography",
    "pyrage",
    "rich",
    "blake3",
    "zfec",
    "tomlkit",
    "sqlite3",
    "http.server",
)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["gather", "--help"], ["nonsense"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from outlast.cli import main\n"
        f"sys.argv = ['outlast', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"
