"""Ranking examples: requests of the past, what was chosen next, and what was not."""

import ibis
import ibis.expr.types as ir

from training.constants import CUTS, NEGATIVES, SHARE
from training.pipeline.asof import FEATURES, as_of
from training.pipeline.exact import numbered, scattered

PERMILLE = round(SHARE * 1000)


def requests(log: ir.Table, every: int = 1) -> ir.Table:
    """Return (user, cut, at_ms, low, high): at ``at_ms`` a user came back, and took what is next.

    What was taken are the positions low up to high of the user's sequence: the last fifth, for cut
    0; for the next cut the last fifth of what is before that, and so on, as in
    `training.examples`. Only one user in ``every`` is asked.
    """
    counts = log.group_by("user").aggregate(high=log.count().cast("int64"))
    counts = counts.filter(counts.user % every == 0)
    cuts = []
    for cut in range(CUTS):
        # Half upwards, at least one; who has a single interaction keeps it.
        later = ((counts.high * PERMILLE + 500) // 1000).cast("int64")
        later = (counts.high > 1).ifelse(ibis.greatest(later, 1), 0).cast("int64")
        with_low = counts.mutate(low=counts.high - later, cut=ibis.literal(cut, "int64"))
        cuts.append(with_low.filter(with_low.low < with_low.high))
        counts = with_low.select("user", high="low")
    asked = ibis.union(*(cut.select("user", "cut", "low", "high") for cut in cuts))
    first = log.select("user", low="position", at_ms="timestamp_ms")
    return asked.join(first, ["user", "low"]).select("user", "cut", "at_ms", "low", "high")


def labelled(log: ir.Table, requests: ir.Table, negatives: int = NEGATIVES) -> ir.Table:
    """Return (user, cut, at_ms, item, label), a row for each example.

    Label 1 is what was taken, 0 up to ``negatives`` others: items of interactions drawn from all
    that had happened by then, so the popular come more often, without what the user had or took.
    """
    taken = _of_user(log, requests)
    after = taken.filter(taken.position >= taken.low)
    chosen = after.select("user", "cut", "at_ms", "item", label=ibis.literal(1, "int64"))
    drawn = _drawn(log, requests, negatives).anti_join(taken, ["user", "cut", "item"])
    passed = drawn.select("user", "cut", "at_ms", "item", label=ibis.literal(0, "int64"))
    return chosen.union(passed)


def examples(log: ir.Table, labelled: ir.Table) -> ir.Table:
    """Return the labelled rows with features as of their ``at_ms``: ``user.*``, ``item.*``."""
    of_users = as_of(log, "user", labelled.select("user", "at_ms"))
    of_items = as_of(log, "item", labelled.select("item", "at_ms"))
    of_users = of_users.rename({f"user.{name}": name for name in FEATURES})
    of_items = of_items.rename({f"item.{name}": name for name in FEATURES})
    return labelled.join(of_users, ["user", "at_ms"]).join(of_items, ["item", "at_ms"])


def _of_user(log: ir.Table, requests: ir.Table) -> ir.Table:
    """Return each request with all that its user had and took, item by item."""
    both = requests.join(log.select("user", "item", "position"), "user")
    return both.filter(both.position < both.high)


def _drawn(log: ir.Table, requests: ir.Table, negatives: int) -> ir.Table:
    """Return distinct (user, cut, at_ms, item) of interactions drawn evenly from those before.

    The interactions are numbered item by item, which needs no sort of all of them in one place.
    """
    counts = log.group_by("item").aggregate(count=log.count().cast("int64"))
    by_item = ibis.cumulative_window(order_by="item")
    behind = counts.select(
        "item", first=counts["count"].sum().over(by_item).cast("int64") - counts["count"]
    )
    in_item = ibis.window(group_by="item", order_by=["timestamp_ms", "user"])
    in_turn = log.mutate(place=numbered(ibis.row_number().over(in_item))).join(behind, "item")
    by_number = in_turn.select(
        "item", drawn_ms="timestamp_ms", number=in_turn["first"] + in_turn.place
    )
    draws = requests.mutate(draw=ibis.range(negatives).unnest())
    seed = (draws.user * CUTS + draws.cut) * negatives + draws.draw
    wanted = draws.select("user", "cut", "at_ms", number=scattered(seed) % log.count().as_scalar())
    found = wanted.join(by_number, "number")
    return (
        found.filter(found.drawn_ms < found.at_ms).select("user", "cut", "at_ms", "item").distinct()
    )
