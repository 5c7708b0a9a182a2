"""The log that all else is computed from: each user's sequence of items."""

import ibis
import ibis.expr.types as ir

from training.pipeline.exact import numbered


def users(events: ir.Table) -> ir.Table:
    """Return (user int64, user_id): ordinals from 0 in the order of the ids' bytes."""
    return _numbered(events, "user")


def items(events: ir.Table) -> ir.Table:
    """Return (item int64, item_id), as `users` does."""
    return _numbered(events, "item")


def log(events: ir.Table, users: ir.Table, items: ir.Table) -> ir.Table:
    """Return (user, item, timestamp_ms, position), all int64: `training.interactions` in SQL.

    A user's repeats of an item keep the last. ``position`` counts a user's interactions from 0,
    oldest first; those of one moment stand in the order of their items.
    """
    last = events.group_by("user_id", "item_id").aggregate(timestamp_ms=events.timestamp_ms.max())
    known = last.join(users, "user_id").join(items, "item_id")
    known = known.select("user", "item", "timestamp_ms")
    in_order = ibis.window(group_by="user", order_by=["timestamp_ms", "item"])
    return known.mutate(position=numbered(ibis.row_number().over(in_order)))


def _numbered(events: ir.Table, name: str) -> ir.Table:
    ids = events.select(f"{name}_id").distinct()
    number = numbered(ibis.row_number().over(order_by=f"{name}_id"))
    return ids.select(number.name(name), f"{name}_id")
