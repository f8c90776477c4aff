from collections.abc import Sequence

def multiply(
    matrix: bytes | bytearray | memoryview,
    inputs: Sequence[bytes | bytearray | memoryview],
    outputs: Sequence[bytearray | memoryview],
    *,
    engine: str | None = None,
) -> None: ...
def engines() -> tuple[str, ...]: ...
