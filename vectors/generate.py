"""Make every golden vector again: `python vectors/generate.py`.

The same bytes come out on every machine; `tests/test_vectors.py` holds them and the package
together. The formats are written by `writer.py`, which imports nothing of outlast.
"""

from pathlib import Path

import document_cases
import share_cases
import trust_cases

HERE = Path(__file__).parent


def make() -> dict[str, bytes]:
    """Every vector, by its path below this folder."""
    made: dict[str, bytes] = {}
    for cases in (share_cases, document_cases, trust_cases):
        for path, body in cases.vectors():
            if path in made:
                raise ValueError(f"two vectors are called {path}")
            made[path] = body
    return made


def present() -> dict[str, Path]:
    """The vectors that are there: all files but the generator and what describes it."""
    return {
        path.relative_to(HERE).as_posix(): path
        for path in HERE.rglob("*")
        if path.suffix in (".json", ".kit", ".txt")
    }


def main() -> None:
    made = make()
    for name, path in present().items():
        if name not in made:
            path.unlink()
    for name, body in made.items():
        (HERE / name).parent.mkdir(parents=True, exist_ok=True)
        (HERE / name).write_bytes(body)
    print(f"{len(made)} vectors, {sum(map(len, made.values())) // 1000} kB")


if __name__ == "__main__":
    main()
