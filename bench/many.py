"""100,000 small files, one added post in a large work, and the first second of a command."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bench.large import OUTLAST
from bench.measure import Figure, run

FILES = 100_000
_OLD = 1_000_000_000


class Many:
    """A work of 100,000 files of 1 kB, and with a film of 4 GB beside them."""

    def __init__(self, place: Path, film: int) -> None:
        self._place = place
        self._env = {"OUTLAST_HOME": str(place / "home"), "RESTIC_PASSWORD": "bench"}
        self._work = place / "many"
        self._film = film
        self._post = 0
        for number in range(FILES):
            path = self._work / f"{number // 1000:03d}" / f"{number:06d}.txt"
            if number % 1000 == 0:
                path.parent.mkdir(parents=True)
            path.write_bytes(os.urandom(1000))
            os.utime(path, (_OLD, _OLD))

    def runs(self) -> dict[str, Callable[[], Figure]]:
        """What to measure, in this order, round after round."""
        found = {"outlast seal, 100,000 files": self._seal}
        if shutil.which("restic"):
            found["restic backup, 100,000 files"] = self._restic
        found["outlast seal, one post added to 4 GB and 100,000 files"] = self._one_post
        found["outlast --help"] = lambda: run([OUTLAST, "--help"])
        return found

    def _new(self) -> None:
        shutil.rmtree(self._work / ".outlast", ignore_errors=True)
        (self._work / "outlast.toml").unlink(missing_ok=True)
        run([OUTLAST, "new", self._work, "--no-passphrase"], env=self._env)

    def _seal(self) -> Figure:
        if self._post:
            return Figure(0, 0)
        self._new()
        return run([OUTLAST, "seal", "--work", self._work], env=self._env)

    def _restic(self) -> Figure:
        repository = self._place / "restic"
        shutil.rmtree(repository, ignore_errors=True)
        run(["restic", "init", "-q", "-r", repository], env=self._env)
        return run(["restic", "backup", "-q", "-r", repository, self._work], env=self._env)

    def _one_post(self) -> Figure:
        film = self._work / "film.bin"
        if not film.exists():
            with film.open("wb") as out:
                for _ in range(self._film // 2**20):
                    out.write(os.urandom(2**20))
            # Sealed twice: what was written in the last two seconds is read again the next time.
            for _ in range(2):
                run(["sleep", "2.1"])
                run([OUTLAST, "seal", "--work", self._work], env=self._env)
        self._post += 1
        (self._work / f"post-{self._post}.md").write_text("A post. " * 400)
        return run([OUTLAST, "seal", "--work", self._work], env=self._env)
