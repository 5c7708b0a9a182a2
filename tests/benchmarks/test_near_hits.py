"""The near cache's hits by the mean field, beside the thing itself."""

import numpy as np
import pytest

from benchmarks.near_hits import hit_rate, zipf


def test_a_cache_of_everything_always_hits_and_equal_items_hit_by_their_share() -> None:
    assert hit_rate(zipf(100, 1.0), 100) == 1.0
    assert hit_rate(zipf(1000, 0.0), 250) == pytest.approx(0.25)


@pytest.mark.parametrize("exponent", [0.6, 1.0])
def test_it_agrees_with_random_replacement_played_through(exponent: float) -> None:
    items, slots, reads = 400, 80, 40_000
    rng = np.random.default_rng(1)
    shares = zipf(items, exponent)
    kept, there, hits = np.full(slots, -1), np.zeros(items, bool), 0
    victims = rng.integers(slots, size=reads)
    for read, (item, victim) in enumerate(
        zip(rng.choice(items, reads, p=shares), victims, strict=True)
    ):
        if there[item]:
            hits += read >= reads // 4
            continue
        if kept[victim] >= 0:
            there[kept[victim]] = False
        kept[victim], there[item] = item, True
    assert hit_rate(shares, slots) == pytest.approx(hits / (reads * 3 / 4), abs=0.02)
