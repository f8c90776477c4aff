"""Everything that can go wrong, and what to try.

    OutlastError
    ├── BadInput              what the person gave can't be used
    │   ├── UnsafePath        a path that could leave its folder, or reads differently elsewhere
    │   └── WrongPassphrase
    ├── Malformed             bytes that don't follow spec/, or claim more than its caps
    ├── NotEnough             fewer than k sound shares of a volume
    ├── NotGenuine            well-formed, but not signed by whom it should be
    │   ├── Forked            two different states of one version, both signed
    │   └── RolledBack        older than what this reader has seen before
    ├── Changed               a file changed while it was read, or since it was sealed
    ├── StorageFull           the disk that the work or the result lives on
    └── CarrierError          one carrier failed; others may serve
        ├── Unreachable       no answer, or not in time: never means that an item is gone
        ├── Missing           the carrier answers, and has no such item
        ├── Truncated         the item ends before the bytes asked for
        ├── Full              no room left there
        └── Refused           the carrier doesn't let us: permission, login, read-only

`message` says what happened, in lower case and without a full stop; `hint` says what to try;
`reasons` keep every single refusal where many tries failed.
"""


class OutlastError(Exception):
    """The root of the tree. `str(error)` is the message alone."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reasons: tuple[str, ...] = ()


class BadInput(OutlastError):
    """What the person gave can't be used."""


class UnsafePath(BadInput):
    """A path that could leave its folder, or that two systems would read differently."""


class WrongPassphrase(BadInput):
    """The passphrase doesn't open the key."""


class Malformed(OutlastError):
    """Bytes that don't follow `spec/`, or that claim more than its caps allow."""


class NotEnough(OutlastError):
    """Fewer than k sound shares of a volume were found."""


class NotGenuine(OutlastError):
    """Well-formed, but not signed by whom it should be."""


class Forked(NotGenuine):
    """Two different states of one version, both properly signed."""


class RolledBack(NotGenuine):
    """What the carriers offer is older than what this reader has seen before."""


class Changed(OutlastError):
    """A file changed while it was read, or since it was sealed."""


class StorageFull(OutlastError):
    """The disk that the work or the result lives on is full."""


class CarrierError(OutlastError):
    """One carrier failed; others may serve."""


class Unreachable(CarrierError):
    """No answer, or none in time. It never means that an item is gone."""


class Missing(CarrierError):
    """The carrier answers, and has no such item."""


class Truncated(CarrierError):
    """The item ends before the bytes that were asked for."""


class Full(CarrierError):
    """The carrier has no room left."""


class Refused(CarrierError):
    """The carrier doesn't let us: no permission, no login, read-only."""
