"""What can go wrong between Braid and its feature store.

FeatureError
├── SchemaInvalid       the schema's author: the message names the feature and the remedy
└── StoreUnavailable    the store or the network: a stage falls back, an event is refused
    └── CommandRefused  the store is up and said no (READONLY, LOADING, NOAUTH, ...)
"""


class FeatureError(Exception):
    """The root of this tree."""


class SchemaInvalid(FeatureError):
    """A feature schema contradicts itself."""


class StoreUnavailable(FeatureError):
    """The store gave no usable answer; ``reason`` is the short word for metrics and clients."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class CommandRefused(StoreUnavailable):
    """The store answered a command with an error.

    ``unfit`` tells that this server refuses what another one at its address may do: it has become
    a replica, lost its primary, or is not ready yet.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("store_refused", detail)
        # Somewhere in it: older servers put the name of a script before it.
        self.unfit = any(word in detail for word in ("READONLY", "MASTERDOWN", "LOADING"))
