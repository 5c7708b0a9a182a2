"""Readers and writers against one real server: no row torn, none another's, none too old."""

from collections.abc import Callable
from dataclasses import asdict

from benchmarks.coherence import measure
from tests.stores import Store

SECONDS = 3.0


def test_while_rows_change_10000_times_a_second_every_row_read_is_whole_and_in_time(
    valkey: Store, record_property: Callable[[str, object], None]
) -> None:
    found = measure(valkey.url, seconds=SECONDS)
    for name, figure in asdict(found).items():
        record_property(name, figure)
    # Not `backwards`: who read a new row from the store may be given the old one from memory for
    # as long as the announcement takes, on a busy machine milliseconds. `too_old` is the promise.
    assert (found.torn, found.foreign, found.too_old) == (0, 0, 0)
    assert found.rows_read > 10_000
    assert 0.1 < found.hit_share < 1.0
    assert found.writes_per_s > 1000  # a slow machine may not keep up; a stopped writer must show
