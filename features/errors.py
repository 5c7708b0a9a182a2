"""What can go wrong between Braid and its feature store.

FeatureError
├── SchemaInvalid       the schema's author: the message names the feature and the remedy
└── StoreUnavailable    the store or the network: a stage falls back, an event is refused
    ├── CommandRefused  the store is up and said no (READONLY, LOADING, NOAUTH, ...)
    └── PartlyRead      some of a cluster's nodes answered; their rows come with it
"""

from typing import Final

from features.types import Mask, Rows

REASONS: Final = {
    "MOVED": "store_moved",
    "ASK": "store_moved",
    "TRYAGAIN": "store_migrating",
    "CLUSTERDOWN": "store_cluster_down",
}
"""The short words for refusals of a cluster, by their first."""


class FeatureError(Exception):
    """The root of this tree."""


class SchemaInvalid(FeatureError):
    """A feature schema contradicts itself."""


class StoreUnavailable(FeatureError):
    """The store gave no usable answer; ``reason`` is the short word for metrics and clients."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class PartlyRead(StoreUnavailable):
    """Some of a cluster's nodes answered: the others' rows are missing.

    ``rows`` float32[n, w] and ``present`` bool[n] hold where ``answered``, bool[n], does.
    """

    def __init__(self, fault: StoreUnavailable, rows: Rows, present: Mask, answered: Mask) -> None:
        super().__init__(fault.reason, str(fault))
        self.rows, self.present, self.answered = rows, present, answered


class CommandRefused(StoreUnavailable):
    """The store answered a command with an error.

    ``unfit`` tells that this server refuses what another one at its address may do: it has become
    a replica, lost its primary, or is not ready yet.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(REASONS.get(detail.partition(" ")[0], "store_refused"), detail)
        self.detail = detail
        # Somewhere in it: older servers put the name of a script before it.
        self.unfit = any(word in detail for word in ("READONLY", "MASTERDOWN", "LOADING"))
