"""Records of served features drawn at random."""

import numpy as np

from features.served_features import Head, ServedFeatures


def draw(seed: int, n: int = 40, width: int = 7, **said: object) -> ServedFeatures:
    """Return a record of n rows, odd numbers among them; ``said`` replaces parts of its head."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = rng.choice([-0.0, 1e-42, 3e38, -np.inf, np.nan])
    told = {
        "request_id": f"request-{seed}",
        "timestamp_ms": 1_700_000_000_000 + 1000 * seed,
        "user_id": f"user-{seed % 5}",
        "surface": "home",
        "variant": "control",
        "model_version": "2026-11-22-1",
        "columns": tuple(f"f.{place}" for place in range(width)),
        "item_ids": tuple(f"item-{item}" for item in rng.permutation(10 * n)[:n].tolist()),
        "picks": tuple(rng.permutation(n)[: min(n, 10)].tolist()),
    }
    head = Head(**(told | said))  # type: ignore[arg-type]
    return ServedFeatures(head, rows, rng.normal(size=n).astype(np.float32))


def same(one: ServedFeatures, other: ServedFeatures) -> bool:
    """Tell whether two records agree bit for bit."""
    return (
        one.head == other.head
        and one.rows.shape == other.rows.shape
        and one.rows.tobytes() == other.rows.tobytes()
        and one.scores.tobytes() == other.scores.tobytes()
    )
