"""What a store's batches go to: one server, or the nodes of a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from features.batch import Batch
from features.errors import StoreUnavailable
from features.node import Node
from features.types import Items


@dataclass(frozen=True, slots=True)
class Failed:
    """Commands of a batch that were not answered, by their places, and why."""

    places: Items
    fault: StoreUnavailable


class Servers(Protocol):
    """Belongs to one event loop."""

    @property
    def nodes(self) -> Sequence[Node]:
        """The servers that are known."""

    async def open(self) -> None:
        """Begin to connect; return once the first attempts have ended, either way."""

    async def close(self) -> None:
        """Drop every connection."""

    async def ask(self, batch: Batch, within_s: float, /) -> Sequence[Failed]:
        """Have the batch's commands answered in ``within_s`` seconds at most; tell which were not.

        Raises:
            StoreUnavailable: none was.
        """
