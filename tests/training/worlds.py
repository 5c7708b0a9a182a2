"""Small made-up worlds in which it is known what should be learnt."""

import numpy as np

from ranking.catalogue import Catalogue
from training.datasets import Dataset
from training.datasets.rows import labels, lay_out, numbers
from training.interactions import Interactions

DAY_MS = 86_400_000


def small_world(n_users: int = 40, n_items: int = 60, seen: int = 20, seed: int = 0) -> Dataset:
    """Two tastes: even users take nearly only even items, odd users odd ones, one a day."""
    rng = np.random.default_rng(seed)
    parity = np.arange(n_items) % 2
    users, items, times = [], [], []
    for user in range(n_users):
        liking = np.where(parity == user % 2, 10.0, 0.5)
        own = rng.choice(n_items, size=seen, replace=False, p=liking / liking.sum())
        users.append(np.full(seen, user))
        items.append(own)
        times.append(np.arange(seen) * DAY_MS + user)
    genres = [("even",) if item % 2 == 0 else ("odd", "rare kind") for item in range(n_items)]
    item_schema, item_rows = lay_out(
        "item",
        [numbers("year", [1950.0 + item for item in range(n_items)]), labels("genre", genres)],
        n_items,
    )
    user_schema, user_rows = lay_out(
        "user", [numbers("age", [20.0 + user for user in range(n_users)])], n_users
    )
    return Dataset(
        name="small world",
        catalogue=Catalogue(
            tuple(f"i{item}" for item in range(n_items)),
            tuple(
                {"title": f"Item {item}", "genre": list(genres[item])} for item in range(n_items)
            ),
        ),
        user_ids=tuple(f"u{user}" for user in range(n_users)),
        interactions=Interactions.of(
            np.concatenate(users).astype(np.int32),
            np.concatenate(items).astype(np.int32),
            np.concatenate(times).astype(np.int64),
            n_users,
        ),
        item_schema=item_schema,
        item_rows=item_rows,
        user_schema=user_schema,
        user_rows=user_rows,
    )
