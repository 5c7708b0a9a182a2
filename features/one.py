"""One server, or whichever is the master that sentinels watch: all commands go there."""

import logging
from collections.abc import Sequence
from time import monotonic

from features.address import Address
from features.batch import Batch
from features.counts import StoreCounts
from features.errors import CommandRefused, StoreUnavailable
from features.node import Node
from features.retry_budget import RetryBudget
from features.servers import Failed

log = logging.getLogger("braid")


class One:
    """The node at an address, asked once; a read that lost its connection is asked once again."""

    def __init__(self, address: Address, budget_s: float, counts: StoreCounts) -> None:
        self.nodes = (Node(address, budget_s, counts),)
        self._address = address
        self._told = False
        self._counts = counts
        self._budget_s = budget_s
        self._retries = RetryBudget()

    async def open(self) -> None:
        """Begin to connect; return once the first attempt has ended, either way."""
        [node] = self.nodes
        node.start()
        await node.attempted()

    async def close(self) -> None:
        """Drop the connection."""
        await self.nodes[0].close()

    async def ask(self, batch: Batch, within_s: float) -> Sequence[Failed]:
        """Have the batch answered; none of it fails alone.

        Raises:
            StoreUnavailable: no answer in time, or one of the commands was refused.
        """
        node = self.nodes[0]
        limit_s = min(self._budget_s, within_s)
        until = monotonic() + limit_s
        self._retries.deposit()
        payload, reader = batch.whole()
        answer = node.send(payload, reader, limit_s)
        try:
            await answer
        except StoreUnavailable as fault:
            if fault.reason != "store_down" or not batch.reading or not self._may_retry():
                self._note(fault)
                raise
            await node.attempted(until - monotonic())
            payload, reader = batch.whole()
            try:
                await node.send(payload, reader, until - monotonic())
            except StoreUnavailable as again:
                self._note(again)
                raise
        for _, refusal in reader.refused:
            self._note(refusal)
            if refusal.unfit:
                node.drop()
            raise refusal
        return ()

    def _may_retry(self) -> bool:
        allowed = self._retries.withdraw()
        self._counts.retries += allowed
        self._counts.unaffordable += not allowed
        return allowed

    def _note(self, fault: StoreUnavailable) -> None:
        if fault.reason == "store_moved" and not self._told:
            self._told = True
            log.error("%r is a node of a cluster: give redis+cluster:// as its URL", self._address)
        self._counts.timeouts += fault.reason == "store_timeout"
        self._counts.refusals += isinstance(fault, CommandRefused)
