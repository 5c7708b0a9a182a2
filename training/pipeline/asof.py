"""What was known of a user or an item just before a moment."""

import ibis
import ibis.expr.types as ir

DAY_MS = 86_400_000
RECENT_MS = 30 * DAY_MS
FEATURES = ("log.consumed", "log.consumed_30d", "log.age_days", "log.idle_days")
"""Interactions so far, those of 30 days, and days since the first and the last: float32 each."""


def as_of(log: ir.Table, key: str, moments: ir.Table) -> ir.Table:
    """Return the distinct ``moments``, (key, at_ms), with `FEATURES` as of then.

    Only interactions *before* the moment count, not those of the same millisecond, so nothing that
    a request was followed by can be in its features. Who had no interactions has zeros.

    One sorted pass: interactions and moments stand in one sequence. An interaction leaves the 30
    days by a row of its own, for a frame that slides would be walked anew for every row of Spark's.
    """
    nothing = ibis.literal(None, "int64")
    happened = log.select(
        key, at_ms="timestamp_ms", came=_one(1), recent=_one(1), seen_ms="timestamp_ms"
    )
    faded = log.select(
        key,
        at_ms=log.timestamp_ms + RECENT_MS,
        came=_one(0),
        recent=_one(-1),
        seen_ms=nothing,
    )
    asked = moments.select(key, "at_ms").distinct()
    asked = asked.mutate(came=_one(0), recent=_one(0), seen_ms=nothing)
    tagged = [
        part.mutate(asks=_one(place == 2)) for place, part in enumerate((happened, faded, asked))
    ]
    sequence = tagged[0].union(tagged[1]).union(tagged[2])
    before = ibis.range_window(group_by=key, order_by="at_ms", preceding=(None, 1))
    told = sequence.mutate(
        came=sequence.came.sum().over(before),
        recent=sequence.recent.sum().over(before),
        first_ms=sequence.seen_ms.min().over(before),
        last_ms=sequence.seen_ms.max().over(before),
    )
    told = told.filter(told.asks == 1)
    values = (
        told.came,
        told.recent,
        (told.at_ms - told.first_ms).coalesce(0).cast("float64") / DAY_MS,
        (told.at_ms - told.last_ms).coalesce(0).cast("float64") / DAY_MS,
    )
    features = {
        name: value.coalesce(0).cast("float32")
        for name, value in zip(FEATURES, values, strict=True)
    }
    return told.select(key, "at_ms", **features)


def _one(value: int) -> ir.IntegerScalar:
    return ibis.literal(int(value), "int64")
