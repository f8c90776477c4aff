"""Items in memory: for tests, and for trying things out."""

from collections.abc import Iterator

from outlast.carriers.base import Carrier, Glimpse, Held, Sink, Traits


class MemoryCarrier(Carrier):
    """A dictionary. `items` may be looked at and changed by whoever holds the carrier."""

    def __init__(self, address: str = "memory:", *, keeper: str = "memory") -> None:
        super().__init__(address, Traits(keeper=keeper))
        self.items: dict[str, bytes] = {}

    def _create(self, name: str) -> Sink:
        return _MemorySink(self.items, name)

    def _readinto(self, name: str, start: int, buffer: memoryview) -> int:
        found = self._held(name)[start : start + len(buffer)]
        buffer[: len(found)] = found
        return len(found)

    def _list(self) -> Iterator[Held]:
        yield from [Held(name, len(data)) for name, data in self.items.items()]

    def _look(self, name: str) -> Glimpse:
        return Glimpse(name=name, present=True, size=len(self._held(name)))

    def _drop(self, name: str) -> None:
        self._held(name)
        del self.items[name]

    def _held(self, name: str) -> bytes:
        if name not in self.items:
            raise FileNotFoundError(2, "no such item")
        return self.items[name]


class _MemorySink(Sink):
    def __init__(self, items: dict[str, bytes], name: str) -> None:
        self._items = items
        self._name = name
        self._data = bytearray()

    def write(self, data: memoryview) -> None:
        self._data += data

    def commit(self) -> None:
        self._items[self._name] = bytes(self._data)

    def abort(self) -> None:
        self._data.clear()
