"""Which items are consumed close to which."""

import math

import ibis
import ibis.expr.types as ir

from training.constants import BACK, FADE, NEIGHBOURS, REACH, SHRINKAGE
from training.pipeline.exact import UNIT, numbered, rounded, total


def neighbours(log: ir.Table, reach: int = REACH) -> ir.Table:
    """Return (item, neighbour, score float64, place from 0): `training.neighbours` in SQL.

    Closeness of b to a: the sum over users of exp(-places apart / 15), times 0.3 where b came
    before a, divided by sqrt(count_a * count_b) + 10. The 100 closest are kept, of equals the one
    with the lower ordinal. ``reach`` is how many places apart two items may stand.
    """
    together = _together(log, reach)
    counts = log.group_by("item").aggregate(count=log.count())
    others = counts.rename(neighbour="item", neighbour_count="count")
    known = together.join(counts, "item").join(others, "neighbour")
    # The product may be beyond 2**53, where a float64 rounds it, but in one way only.
    product = known["count"].cast("float64") * known.neighbour_count.cast("float64")
    closeness = known.weight.cast("float64") / float(UNIT)
    scored = known.select("item", "neighbour", score=closeness / (product.sqrt() + SHRINKAGE))
    best_first = ibis.window(group_by="item", order_by=[ibis.desc("score"), "neighbour"])
    placed = scored.mutate(place=numbered(ibis.row_number().over(best_first)))
    return placed.filter(placed.place < NEIGHBOURS)


def _together(log: ir.Table, reach: int) -> ir.Table:
    """Sum the weighted pairs, both ways, as (item, neighbour, weight in `UNIT`ths)."""
    pairs = _pairs(log, reach)
    forward = [round(math.exp(-apart / FADE) * UNIT) for apart in range(1, reach + 1)]
    weight = pairs.apart.cases(
        *((apart, weight) for apart, weight in enumerate(forward, 1)), else_=0
    ).cast("int64")
    weighted = pairs.select("earlier", "later", weight=weight)
    summed = weighted.group_by("earlier", "later").aggregate(weight=total(weighted.weight))
    ahead = summed.select(item="earlier", neighbour="later", weight="weight")
    back = rounded(summed.weight.cast("float64") * BACK)
    behind = summed.select(item="later", neighbour="earlier", weight=back)
    both = ahead.union(behind)
    return both.group_by("item", "neighbour").aggregate(weight=total(both.weight))


def _pairs(log: ir.Table, reach: int) -> ir.Table:
    """Return (earlier, later, apart) for any two items of a user at most ``reach`` places apart.

    A sequence is cut into blocks of ``reach`` places, and an item meets those of its own block and
    of the next: so no user, however long the history, costs more than in proportion to it.
    """
    block = (log.position // reach).cast("int64")
    earlier = log.select("user", earlier="item", first="position", block=block)
    own = log.select("user", later="item", second="position", block=block)
    later = own.union(own.mutate(block=own.block - 1))
    met = earlier.join(later, ["user", "block"])
    met = met.mutate(apart=met.second - met["first"])
    near = met.filter((met.apart >= 1) & (met.apart <= reach))
    return near.select("earlier", "later", "apart")
