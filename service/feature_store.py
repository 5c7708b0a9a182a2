"""The feature store that the settings name: Braid's own, or one whose rows are Feast's."""

from pathlib import Path

from features.address import Address
from features.feast.store import FeastStore
from features.feast.view import Feast, read_feast
from features.store import FeatureStore
from features.tracking import WARM_BUDGET_S, RowKeys, Tracking
from service.errors import SettingInvalid


class Stores:
    """Makes stores that read the same rows, and what keeps item rows near coherent with them."""

    def __init__(self, redis_url: str, feast: Path | None) -> None:
        """Read Feast's file.

        Raises:
            SettingInvalid: it cannot be used.
        """
        self.address = Address.parse(redis_url)
        self.feast: Feast | None = None
        if feast is not None:
            try:
                self.feast = read_feast(feast)
                Address.parse(self.feast.redis)
            except ValueError as fault:
                raise SettingInvalid(f"--feast: {fault}") from None

    def open(self, budget_s: float, history_cap: int) -> FeatureStore:
        """Return a store for one event loop, which has to open it yet."""
        if self.feast is None:
            return FeatureStore(self.address, budget_s, history_cap)
        return FeastStore(self.address, self.feast, budget_s, history_cap)

    def tracking(self) -> Tracking:
        """Return what hears of writes to item rows, whoever writes them."""
        if self.feast is None or self.feast.item is None:
            return Tracking(self.address)
        keys = self.feast.keys(self.feast.item)
        rows = RowKeys(keys.prefix, keys.entity, lambda _: self.open(WARM_BUDGET_S, 1))
        return Tracking(Address.parse(self.feast.redis), rows)
