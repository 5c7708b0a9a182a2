"""What was served and what came of it: a label for every item shown."""

import ibis
import ibis.expr.types as ir

WEIGHTS = {"view": 1.0, "click": 2.0, "purchase": 5.0, "rating": 2.0, "custom": 1.0}
"""What an event says of its item: `features.events.WEIGHTS`, which this Python cannot import."""
WITHIN_MS = 1_800_000
"""An event that names no request may be so long after the slate that it is credited to."""
LARGEST_LABEL = 10


def labels(shown: ir.Table, events: ir.Table) -> ir.Table:
    """Return (request_id, item_id, label int64) of every item shown: `training.served` in SQL.

    ``shown`` has request_id, timestamp_ms, user_id, item_id and place, of which -1 was not shown;
    ``events`` are those of `braid log export`. A label is the largest weight that the item earned,
    0 where nothing followed or the item was disliked. An event counts for the request that it
    names, else for the last in which its user was shown the item, at most half an hour before.
    """
    slates = shown.filter(shown.place >= 0)
    slates = slates.select("request_id", "user_id", "item_id", shown_ms="timestamp_ms").distinct()
    weighed = events.select(
        "user_id", "item_id", "timestamp_ms", "request_id", weight=_weight(events)
    )
    weighed = weighed.filter(weighed.weight != 0.0)
    named = weighed.filter(weighed.request_id.notnull() & (weighed.request_id != ""))
    told = named.select("request_id", "item_id", "weight")
    earned = told.union(_credited(weighed, slates))
    best = earned.group_by("request_id", "item_id").aggregate(
        most=earned.weight.max(), least=earned.weight.min()
    )
    both = slates.select("request_id", "item_id").left_join(best, ["request_id", "item_id"])
    disliked = both.least.coalesce(0.0) < 0.0
    # Half to even, as numpy has it: weights of events are whole or a client's own.
    label = ibis.least(disliked.ifelse(0.0, both.most.coalesce(0.0)), float(LARGEST_LABEL))
    return both.select("request_id", "item_id", label=_half_to_even(label))


def _weight(events: ir.Table) -> ir.FloatingColumn:
    usual = events.type.cases(*WEIGHTS.items(), else_=0.0).cast("float64")
    own = events.weight.cast("float64").coalesce(usual)
    return (events.type == "dislike").ifelse(-1.0, own)


def _credited(weighed: ir.Table, slates: ir.Table) -> ir.Table:
    """Return the events that name no request, with the last one before them that may be meant."""
    strays = weighed.filter(weighed.request_id.isnull() | (weighed.request_id == ""))
    strays = strays.drop("request_id")
    met = strays.join(slates, ["user_id", "item_id"])
    met = met.filter(met.shown_ms <= met.timestamp_ms)
    by_event = ibis.window(
        group_by=["user_id", "item_id", "timestamp_ms", "weight"],
        order_by=[ibis.desc("shown_ms"), ibis.desc("request_id")],
    )
    last = met.mutate(turn=ibis.row_number().over(by_event))
    last = last.filter((last.turn == 0) & (last.timestamp_ms - last.shown_ms <= WITHIN_MS))
    return last.select("request_id", "item_id", "weight")


def _half_to_even(value: ir.FloatingValue) -> ir.IntegerValue:
    low = value.floor()
    up = (value - low > 0.5) | ((value - low == 0.5) & (low % 2.0 == 1.0))
    return (low + up.ifelse(1.0, 0.0)).cast("int64")
