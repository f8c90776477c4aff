"""One large file: seal, spread, gather beside the bare loops, par2cmdline-turbo and cp."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from bench.measure import Figure, run

K, N = 32, 96
OUTLAST = Path(sys.executable).parent / "outlast"


class Large:
    """A work of one file on three carriers, and the same file for the peers."""

    def __init__(self, place: Path, size: int) -> None:
        self._place = place
        self._env = {"OUTLAST_HOME": str(place / "home")}
        self._work = place / "work"
        self._work.mkdir(parents=True)
        self._file = self._work / "film.bin"
        with self._file.open("wb") as out:
            for _ in range(size // 2**20):
                out.write(os.urandom(2**20))
        self._carriers = [place / "carriers" / name for name in ("a", "b", "c")]
        self._size = size
        self._outlast("new", self._work, "--no-passphrase")
        # Files touched within two seconds are read again at the next seal: not what is measured.
        os.utime(self._file, (1_000_000_000, 1_000_000_000))

    def runs(self) -> dict[str, Callable[[], Figure]]:
        """What to measure, in this order, round after round."""
        return {
            "bare loop: read, ISA-L, BLAKE3": self._bare_there,
            "outlast seal": self._seal,
            "par2 create": self._par2_create,
            "outlast spread to 3 folders": self._spread,
            "cp of the same shares": self._cp,
            "cp, flushed to the disk": self._cp_flushed,
            "outlast gather, half of the data rows lost": self._gather,
            "bare loop back, writing": self._bare_back,
            "par2 verify": self._par2_verify,
            "par2 repair, half of the data lost": self._par2_repair,
            "cp and b3sum of the file": self._floor,
        }

    def _outlast(self, *command: str | Path) -> Figure:
        return run([OUTLAST, *command], env=self._env)

    def _link(self) -> str:
        settings = (self._work / "outlast.toml").read_text()
        return "outlast:" + settings.partition('"outlast:')[2].partition('"')[0]

    def _bare_there(self) -> Figure:
        return run([sys.executable, "-m", "bench.bare", "there", self._file])

    def _seal(self) -> Figure:
        shutil.rmtree(self._work / ".outlast")
        (self._work / "outlast.toml").unlink()
        self._outlast("new", self._work, "--no-passphrase")
        figure = self._outlast("seal", "--work", self._work)
        shutil.rmtree(self._place / "carriers", ignore_errors=True)
        for carrier in self._carriers:
            carrier.mkdir(parents=True)
            self._outlast("carrier", "add", carrier.name, carrier, "--work", self._work)
        return figure

    def _spread(self) -> Figure:
        os.sync()
        return self._outlast("spread", "--work", self._work)

    def _cp(self) -> Figure:
        return self._copied(["cp", "-r", *self._carriers, self._place / "copied"])

    def _cp_flushed(self) -> Figure:
        target = self._place / "copied"
        script = 'cp -r "$@" && for each in "${@: -1}"/*; do sync -f "$each"; done'
        return self._copied(["bash", "-c", script, "bash", *self._carriers, target])

    def _copied(self, command: list[str | Path]) -> Figure:
        target = self._place / "copied"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        os.sync()
        figure = run(command)
        shutil.rmtree(target)
        return figure

    def _gather(self) -> Figure:
        for carrier in self._carriers:
            for row in range(0, K, 2):
                for share in carrier.rglob(f"*-{row:03d}.share"):
                    share.unlink()
        to = self._place / "gathered"
        shutil.rmtree(to, ignore_errors=True)
        sources = [option for carrier in self._carriers for option in ("--from", carrier)]
        figure = self._outlast("gather", self._link(), *sources, "--to", to)
        if run(["cmp", to / "film.bin", self._file]).seconds < 0:
            raise AssertionError
        shutil.rmtree(to)
        return figure

    def _bare_back(self) -> Figure:
        shares = sorted(
            (share for carrier in self._carriers for share in carrier.rglob("*.share")),
            key=lambda share: share.name[-9:],
        )[:K]
        target = self._place / "bare.bin"
        command = [sys.executable, "-m", "bench.bare", "back", target, str(self._size), *shares]
        figure = run(command)
        run(["cmp", target, self._file])
        target.unlink()
        return figure

    # par2's own words: as many source blocks as we have data rows, as many more as we add.

    @property
    def _par2(self) -> Path:
        return self._place / "par2"

    def _par2_create(self) -> Figure:
        shutil.rmtree(self._par2, ignore_errors=True)
        self._par2.mkdir()
        os.link(self._file, self._par2 / "film.bin")
        block = -(-self._size // K // 4) * 4
        command = ["par2", "create", "-q", "-q", f"-s{block}", f"-c{N - K}", "-n1", "film.par2"]
        return run([*command, "film.bin"], cwd=self._par2)

    def _par2_verify(self) -> Figure:
        return run(["par2", "verify", "-q", "-q", "film.par2"], cwd=self._par2)

    def _par2_repair(self) -> Figure:
        film = self._par2 / "film.bin"
        film.unlink()
        shutil.copyfile(self._file, film)
        block = -(-self._size // K // 4) * 4
        with film.open("r+b") as out:
            for at in range(0, K, 2):
                out.seek(at * block)
                out.write(bytes(block if at < K - 1 else 1))
        figure = run(["par2", "repair", "-q", "-q", "film.par2"], cwd=self._par2)
        run(["cmp", film, self._file])
        return figure

    def _floor(self) -> Figure:
        target = self._place / "floor.bin"
        hashing = (
            "import sys; from blake3 import blake3; "
            "blake3(max_threads=blake3.AUTO).update_mmap(sys.argv[1])"
        )
        script = 'cp "$1" "$2" && "$3" -c "$4" "$2"'
        figure = run(["bash", "-c", script, "bash", self._file, target, sys.executable, hashing])
        target.unlink()
        return figure
