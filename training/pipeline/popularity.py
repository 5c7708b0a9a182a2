"""How popular each item is these days."""

import ibis.expr.types as ir

from training.constants import HALF_LIFE_DAYS
from training.pipeline.exact import halved, total

HALF_LIFE_MS = HALF_LIFE_DAYS * 86_400_000


def popularity(log: ir.Table) -> ir.Table:
    """Return (item, weight int64 in `exact.UNIT`ths): `training.popularity`, not yet divided.

    An interaction loses half its weight in 180 days; ages count from the last one of all.
    """
    now_ms = log.timestamp_ms.max().as_scalar()
    age = (now_ms - log.timestamp_ms).cast("float64") / HALF_LIFE_MS
    weighted = log.select("item", weight=halved(age))
    return weighted.group_by("item").aggregate(weight=total(weighted.weight))
