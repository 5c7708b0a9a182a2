"""Each pick is credited to one source."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ranking.retrieval.credit import credit

NAN = float("nan")

offers = st.one_of(st.just(NAN), st.sampled_from([0.0, 0.5, 1.0, -1.0, 7.0]))


@given(arrays(np.float32, st.tuples(st.integers(1, 60), st.just(3)), elements=offers), st.data())
def test_a_pick_is_credited_to_the_source_that_placed_it_highest(
    scores: np.ndarray, data: st.DataObject
) -> None:
    picks = data.draw(st.lists(st.integers(0, len(scores) - 1), unique=True))
    expected = []
    for pick in picks:
        places = []
        for column in scores.T:
            ahead = sum(1 for other in column if other > column[pick])
            places.append(len(scores) if math.isnan(column[pick]) else ahead)
        expected.append(places.index(min(places)))
    sources = np.full(len(picks), -1, np.int64)
    credit(np.ascontiguousarray(scores.T), np.array(picks, np.int64), sources)
    assert sources.tolist() == expected
