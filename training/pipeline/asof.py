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
    """
    asked = moments.select(key, "at_ms").distinct()
    told = _before(log.semi_join(asked, key), key, asked)
    told = told.group_by(key, "asked_ms").aggregate(
        came=told.came.max(),
        faded=told.came.min(),  # before the 30 days, of which what came before is fewer
        first_ms=told.first_ms.min(),
        last_ms=told.last_ms.max(),
    )
    told = told.rename(at_ms="asked_ms")
    return _features(told, key, told.came - told.faded)


def at_the_end(log: ir.Table, key: str) -> ir.Table:
    """Return (key, at_ms) with `FEATURES` as of just after the last interaction of all.

    The same as `as_of` then, but a moment behind everything needs no order, only sums.
    """
    end = log.aggregate(at_ms=log.timestamp_ms.max() + 1)
    told = log.cross_join(end)
    told = told.group_by(key, "at_ms").aggregate(
        came=told.count(),
        recent=told.count(where=told.timestamp_ms >= told.at_ms - RECENT_MS),
        first_ms=told.timestamp_ms.min(),
        last_ms=told.timestamp_ms.max(),
    )
    return _features(told, key, told.recent)


def _before(log: ir.Table, key: str, asked: ir.Table) -> ir.Table:
    """Return (key, asked_ms, came, first_ms, last_ms) twice: as of asked_ms, and 30 days earlier.

    One sorted pass: interactions and moments stand in one sequence, of one millisecond the moments
    first. The frame only grows: one that slides would be walked anew for every row of Spark's.
    """
    none, one = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    no_moment = ibis.null("int64")
    happened = log.select(
        key, at_ms="timestamp_ms", asked_ms=no_moment, came=one, seen_ms="timestamp_ms"
    )
    now = asked.select(key, "at_ms", asked_ms="at_ms", came=none, seen_ms=no_moment)
    then = now.mutate(at_ms=now.at_ms - RECENT_MS)
    sequence = happened.union(now).union(then)
    so_far = ibis.window(group_by=key, order_by=["at_ms", "came"], preceding=None, following=0)
    told = sequence.select(
        key,
        "asked_ms",
        came=sequence.came.sum().over(so_far),
        first_ms=sequence.seen_ms.min().over(so_far),
        last_ms=sequence.seen_ms.max().over(so_far),
    )
    return told.filter(told.asked_ms.notnull())


def _features(told: ir.Table, key: str, recent: ir.IntegerColumn) -> ir.Table:
    age, idle = (
        (told.at_ms - of).coalesce(0).cast("float64") / DAY_MS
        for of in (told.first_ms, told.last_ms)
    )
    values = (told.came, recent, age, idle)
    named = {name: of.cast("float32") for name, of in zip(FEATURES, values, strict=True)}
    return told.select(key, "at_ms", **named)
