"""What is derived from a snapshot once."""

import time
from dataclasses import replace

from features.trust import Trust
from features.types import Rows, Scores
from service.state import CALIBRATION_ROWS, Serving, State
from tests.ranking.snapshots import Indifferent, snapshot

PAUSE_S = 0.005


class Interrupted(Indifferent):
    """Loses the processor in the midst of each call, as on a busy machine."""

    def __call__(self, rows: Rows) -> Scores:
        time.sleep(PAUSE_S)
        return super().__call__(rows)


def serving(before: Serving | None = None, **changes: object) -> Serving:
    return Serving.of(snapshot(**changes), 1, Trust(), before)  # type: ignore[arg-type]  # any field


def test_time_that_others_took_meanwhile_is_no_cost() -> None:
    cost = serving(scorer=Interrupted()).score_ns_per_row
    assert 0 < cost < PAUSE_S * 1e9 / CALIBRATION_ROWS


def test_the_near_cache_is_taken_over_where_items_and_schema_are_the_same() -> None:
    one = serving()
    other = serving(before=one, version="another", seed=3)
    assert (other.near, other.items) == (one.near, one.items)
    assert serving(before=one, n_items=51).near is not one.near
    schemas = one.snapshot.schemas
    newer = {**schemas, "item": {**schemas["item"], "version": 2}}
    assert serving(before=one, schemas=newer).near is not one.near


def test_a_reader_keeps_what_it_read_whatever_is_published_meanwhile() -> None:
    one, two = serving(), serving(version="two")
    state = State(one)
    read = state.read()
    state.publish(two)
    assert (read, state.read()) == (one, two)
    assert read.snapshot.version != replace(state.read().snapshot).version
