"""The two forms of a vector: a text header before bytes, and a table in JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

Case = tuple[str, bytes]
"""A vector's path below this folder, and its bytes."""


def text(path: str, body: bytes, *, plain: bool = False, **fields: object) -> Case:
    """A vector of one failure: `name: value` lines, an empty line, then the bytes."""
    lines = [f"{name}: {value}" for name, value in fields.items()]
    if not plain:
        lines.append("body: base64")
        body = base64.encodebytes(body)
    return path, "\n".join(lines).encode() + b"\n\n" + body


def table(path: str, value: Mapping[str, Any]) -> Case:
    """A vector of many cases, as JSON."""
    return path, json.dumps(value, indent=1).encode() + b"\n"
