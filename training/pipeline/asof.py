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
    log = log.semi_join(asked, key)
    earlier = asked.select(key, at_ms=asked.at_ms - RECENT_MS)
    before = _before(log, key, asked.union(earlier).distinct())
    then = before.select(key, at_ms=before.at_ms + RECENT_MS, faded="came")
    firsts = log.group_by(key).aggregate(first_ms=log.timestamp_ms.min())
    told = asked.join(before, [key, "at_ms"]).join(then, [key, "at_ms"])
    told = told.left_join(firsts, key).drop(f"{key}_right")
    first_ms = (told.came > 0).ifelse(told.first_ms, ibis.null("int64"))
    return _features(
        told,
        key,
        told.came,
        told.came - told.faded,
        told.at_ms - first_ms,
        told.at_ms - told.last_ms,
    )


def at_the_end(log: ir.Table, key: str) -> ir.Table:
    """Return (key, at_ms) with `FEATURES` as of just after the last interaction of all.

    The same as `as_of` then, but a moment behind everything needs no order, only sums.
    """
    end = log.aggregate(at_ms=log.timestamp_ms.max() + 1)
    told = (
        log.cross_join(end)
        .group_by(key, "at_ms")
        .aggregate(
            lambda t: t.count().name("came"),
            lambda t: t.count(where=t.timestamp_ms >= t.at_ms - RECENT_MS).name("recent"),
            lambda t: t.timestamp_ms.min().name("first_ms"),
            lambda t: t.timestamp_ms.max().name("last_ms"),
        )
    )
    return _features(
        told, key, told.came, told.recent, told.at_ms - told.first_ms, told.at_ms - told.last_ms
    )


def _before(log: ir.Table, key: str, moments: ir.Table) -> ir.Table:
    """Return the moments, with how many interactions came before each, and when the last did.

    One sorted pass: interactions and moments stand in one sequence, of one millisecond the moments
    first. The frame only grows: one that slides would be walked anew for every row of Spark's.
    """
    happened = log.select(key, at_ms="timestamp_ms", came=_whole(1), last_ms="timestamp_ms")
    asked = moments.select(key, "at_ms", came=_whole(0), last_ms=ibis.null("int64"))
    sequence = happened.union(asked)
    so_far = ibis.window(group_by=key, order_by=["at_ms", "came"], preceding=None, following=0)
    told = sequence.mutate(
        asks=sequence.came == 0,
        came=sequence.came.sum().over(so_far),
        last_ms=sequence.last_ms.max().over(so_far),
    )
    return told.filter(told.asks).drop("asks")


def _features(
    told: ir.Table,
    key: str,
    consumed: ir.IntegerColumn,
    recent: ir.IntegerColumn,
    age_ms: ir.IntegerColumn,
    idle_ms: ir.IntegerColumn,
) -> ir.Table:
    age, idle = (of.coalesce(0).cast("float64") / DAY_MS for of in (age_ms, idle_ms))
    values = (consumed.coalesce(0), recent.coalesce(0), age, idle)
    named = {name: of.cast("float32") for name, of in zip(FEATURES, values, strict=True)}
    return told.select(key, "at_ms", **named)


def _whole(value: int) -> ir.IntegerScalar:
    return ibis.literal(value, "int64")
