"""`outlast.toml`: what the author says of a work. It names no secret, and is never sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import tomlkit
from tomlkit.exceptions import TOMLKitError

from outlast.carriers import Carrier, normal_address, open_carrier
from outlast.errors import BadInput
from outlast.format.link import parse_link
from outlast.steps.files import write_whole

CONFIG = "outlast.toml"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierEntry:
    """One carrier in `outlast.toml`."""

    name: str
    address: str
    keeper: str

    def open(self) -> Carrier:
        """The carrier itself."""
        return open_carrier(self.address, keeper=self.keeper)


class Settings:
    """The file, with what people wrote in it kept: comments, order, keys of later versions."""

    def __init__(self, root: Path) -> None:
        """Read the settings of the work at `root`.

        Raises:
            BadInput: there are none, or they can't be read.
        """
        self._path = root / CONFIG
        try:
            self._document = tomlkit.parse(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise BadInput(
                f"{root} is no work's folder: it has no {CONFIG}",
                "go into the folder, name it with --work, or begin one with 'outlast new'",
            ) from None
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise BadInput(f"{self._path} can't be read: {error}", "correct that line") from None
        self.name = parse_link(self._get("link", str))
        self.title = self._get("title", str)
        self.languages = tuple(str(each) for each in self._get("languages", list))
        self.carriers = tuple(
            self._carrier(name, entry) for name, entry in self._table("carriers").items()
        )
        survive = self._table("spread").get("survive")
        self.survive = int(survive) if isinstance(survive, int) else None
        """How many keepers may vanish, as the last `spread --survive` promised."""

    @staticmethod
    def found(root: Path, *, link: str, title: str, languages: tuple[str, ...]) -> None:
        """Write the settings of a new work."""
        document = tomlkit.document()
        document.add(tomlkit.comment("This file stays with you: it is never sealed or spread."))
        document["link"] = link
        document["title"] = title
        document["languages"] = list(languages)
        write_whole(root / CONFIG, tomlkit.dumps(document).encode())

    def add_carrier(self, name: str, address: str, keeper: str | None) -> CarrierEntry:
        """Note a carrier.

        Raises:
            BadInput: the name or the address is taken, or no kind of carrier has such an address.
        """
        place = normal_address(address)
        for carrier in self.carriers:
            if carrier.name == name:
                raise BadInput(f"there is a carrier {name!r} already", "take another name")
            if carrier.address == place:
                raise BadInput(f"{place} is the carrier {carrier.name!r} already")
        if "carriers" not in self._document:
            self._document["carriers"] = tomlkit.table(is_super_table=True)
        table = tomlkit.table()
        table["address"] = place
        table["keeper"] = keeper or name
        self._table("carriers")[name] = table
        self._save()
        added = self._carrier(name, table)
        self.carriers = (*self.carriers, added)
        return added

    def remove_carrier(self, name: str) -> None:
        """Forget a carrier; what it holds stays there.

        Raises:
            BadInput: there is no such carrier.
        """
        if all(carrier.name != name for carrier in self.carriers):
            raise BadInput(f"there is no carrier {name!r}", "see 'outlast carrier list'")
        del self._table("carriers")[name]
        self._save()
        self.carriers = tuple(each for each in self.carriers if each.name != name)

    def promise(self, survive: int) -> None:
        """Note how many keepers may vanish."""
        if "spread" not in self._document:
            self._document["spread"] = tomlkit.table()
        self._table("spread")["survive"] = survive
        self._save()
        self.survive = survive

    def _get(self, key: str, kind: type[_T]) -> _T:
        value = self._document.get(key)
        if not isinstance(value, kind):
            raise BadInput(f"{key!r} is missing in {self._path}, or of the wrong kind")
        return value

    def _table(self, key: str) -> Any:
        value = self._document.get(key, {})
        if not isinstance(value, Mapping):
            raise BadInput(f"{key!r} in {self._path} is no table")
        return value

    def _carrier(self, name: str, entry: object) -> CarrierEntry:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("address"), str):
            raise BadInput(f"the carrier {name!r} in {self._path} has no address")
        return CarrierEntry(
            name=name, address=str(entry["address"]), keeper=str(entry.get("keeper", name))
        )

    def _save(self) -> None:
        write_whole(self._path, tomlkit.dumps(self._document).encode())
