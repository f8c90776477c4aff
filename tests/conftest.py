from collections.abc import Iterator
from pathlib import Path

import pytest

from world import World


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the keys and the memory of whoever runs it."""
    monkeypatch.setenv("OUTLAST_HOME", str(tmp_path / "home"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A new world, whose stalls end with the test."""
    made = World(tmp_path, monkeypatch)
    yield made
    made.close()
