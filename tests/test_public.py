"""What the library shows to the outside: its names, and its errors."""

import inspect
import re
import subprocess
import sys

import pytest

import outlast
from outlast import errors
from outlast.cli.screen import exit_code
from outlast.errors import OutlastError


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


DEFINED = {
    name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)
}  # all that the module defines or imports
CODES = {"BadInput": 2, "NotEnough": 3, "NotGenuine": 4}


def drawn() -> dict[str, str]:
    """The tree in the module's docstring: each error's name and its parent's."""
    tree: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(found[1]) // 4
            tree[found[2]] = above[depth - 1] if depth else "Exception"
            above[depth:] = [found[2]]
    return tree


def test_all_is_sorted_and_complete() -> None:
    assert outlast.__all__ == sorted(outlast.__all__)
    assert len(set(outlast.__all__)) == len(outlast.__all__)
    assert set(outlast.__all__) == set(outlast._HOME)


@pytest.mark.parametrize("name", outlast.__all__)
def test_a_public_name_is_there_and_explained(name: str) -> None:
    value = getattr(outlast, name)
    assert (value.__doc__ or "").strip()
    assert not (value.__doc__ or "").startswith(f"{name}(")  # what dataclasses make up
    assert value.__module__ == outlast._HOME[name]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        outlast.no_such_name  # noqa: B018


def test_a_star_import_gives_all_names() -> None:
    code = "from outlast import *; import outlast; assert set(outlast.__all__) <= set(globals())"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_errors_drawn_are_those_defined() -> None:
    defined = {name: kind.__bases__[0].__name__ for name, kind in DEFINED.items()}
    assert drawn() == defined
    assert all(len(kind.__bases__) == 1 for kind in DEFINED.values())
    assert subclasses(OutlastError) >= set(DEFINED.values())


def test_every_error_is_public() -> None:
    assert set(DEFINED) <= set(outlast.__all__)


@pytest.mark.parametrize("name", sorted(DEFINED))
def test_every_error_has_an_exit_code(name: str) -> None:
    error = DEFINED[name]("a message", "a hint")
    expected = next(
        (CODES[each.__name__] for each in type(error).__mro__ if each.__name__ in CODES), 1
    )
    assert exit_code(error) == expected
    assert (str(error), error.message, error.hint, error.reasons) == (
        "a message",
        "a message",
        "a hint",
        (),
    )
