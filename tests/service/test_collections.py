"""Garbage collections on the metrics page."""

import gc

from service.observe.collections import Collections


def test_each_collection_is_counted_and_none_after_the_end() -> None:
    collections = Collections()
    gc.disable()  # none but ours
    try:
        collections.start()
        gc.collect()
        gc.collect()
        collections.stop()
        gc.collect()
    finally:
        gc.enable()

    [family] = collections.metrics()
    [count] = [one.value for one in family.samples if one.name.endswith("_count")]
    [total] = [one.value for one in family.samples if one.name.endswith("_sum")]
    assert count == 2
    assert total > 0
