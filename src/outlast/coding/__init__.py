"""Segments to symbols and back, pure: the erasure code and the arithmetic under it.

A segment is k symbols of one length, the data rows. A `Code` makes parity rows from them, and from
any k rows it makes any others again.
"""

from outlast.coding.code import Code
from outlast.coding.engine import Buffer, WritableBuffer, engine, engines

__all__ = ["Buffer", "Code", "WritableBuffer", "engine", "engines"]
