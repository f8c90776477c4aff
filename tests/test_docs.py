"""The documentation's examples are run, and what they show must be what comes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"outlast:[a-z2-7]{52}")
DOCUMENTS = [
    path
    for path in sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    if not any(part.startswith(".") or part == "outlast-demo" for part in path.parts)
]
MARK = "-- end of a command --"


def console_blocks(document: Path) -> list[tuple[str, str]]:
    """The commands of a document's console blocks, each with the output that it is said to have."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", document.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                command, output = found[-1]
                found[-1] = (command, f"{output}{line}\n")
    return found


def said_and_shown(said: str, shown: str) -> bool:
    """Whether output fits what a document says; '…' stands for anything, also for several lines."""
    squeezed = [re.sub(r" +", " ", text).replace(" \n", "\n").strip() for text in (said, shown)]
    pattern = ".*?".join(re.escape(part) for part in squeezed[0].split("…"))
    return re.fullmatch(pattern, squeezed[1], re.DOTALL) is not None


def test_the_quickstart_does_what_it_says(tmp_path: Path) -> None:
    program = tmp_path / "bin"
    program.mkdir()
    (program / "outlast").write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from outlast.cli import main; main()' \"$@\"\n"
    )
    (program / "outlast").chmod(0o755)
    place = tmp_path / "place"
    place.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{program}:{os.environ['PATH']}",
        "OUTLAST_HOME": str(tmp_path / "home"),
        "COLUMNS": "200",
    }
    with subprocess.Popen(
        ["bash"],
        cwd=place,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as shell:
        assert shell.stdin
        assert shell.stdout
        link = ""
        commands = console_blocks(ROOT / "docs" / "quickstart.md")
        assert len(commands) > 20
        for command, said in commands:
            shell.stdin.write(f"{command.replace('outlast:…', link)}\necho '{MARK}'\n")
            shell.stdin.flush()
            shown = ""
            while not (line := shell.stdout.readline()).startswith(MARK):
                assert line, f"the shell ended at {command!r}"
                shown += line
            if found := LINK.search(shown):
                link = found[0]
            assert said_and_shown(said, shown), f"$ {command}\n{shown}"
        shell.stdin.close()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (ROOT / document.parent / target).exists(), f"{document} links to {target}"


def test_every_command_is_in_the_readme_or_the_quickstart() -> None:
    from outlast.cli import cli

    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "quickstart.md").read_text()
    for name in cli.list_commands(None):
        assert f"outlast {name}" in text or f"make {name}" in text, name


def test_the_package_example_of_the_library_runs(tmp_path: Path, monkeypatch) -> None:
    import outlast

    monkeypatch.setenv("OUTLAST_HOME", str(tmp_path / "home"))
    folder, copy, stick = tmp_path / "work", tmp_path / "copy", tmp_path / "stick"
    folder.mkdir()
    stick.mkdir()
    (folder / "a.txt").write_text("a")
    example = re.findall(r"^    (.+)$", outlast.__doc__ or "", re.MULTILINE)
    code = "\n".join(example).replace('"/media/stick"', "str(place)").replace("survive=1", "")
    exec(code, {"folder": folder, "folder_2": copy, "place": stick})
    assert (copy / "a.txt").read_text() == "a"
    shutil.rmtree(copy)
