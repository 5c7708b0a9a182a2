import numpy as np
import pytest

from ranking.columns import SOURCE_NAMES
from service.answers import _primary_sources


def plain(scores: np.ndarray, picks: np.ndarray) -> list[str]:
    """Count, for every pick and source, the candidates that the source places higher."""
    named = []
    for pick in picks:
        places = [
            len(scores) if np.isnan(mine) else int((column > mine).sum())
            for mine, column in zip(scores[pick], scores.T, strict=True)
        ]
        named.append(SOURCE_NAMES[int(np.argmin(places))])
    return named


@pytest.mark.parametrize("seed", range(20))
def test_an_item_s_source_is_the_one_that_placed_it_highest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 30, (100, len(SOURCE_NAMES))).astype(np.float32)  # with many ties
    scores[rng.random(scores.shape) < 0.4] = np.nan
    picks = rng.permutation(100)[:20]
    assert _primary_sources(scores, picks) == plain(scores, picks)
