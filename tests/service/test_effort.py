"""How many candidates the model scores for each effort."""

from service.effort import FEWER_ROWS, Effort, full


def test_all_some_or_none() -> None:
    assert [effort.rows(1000) for effort in Effort] == [1000, FEWER_ROWS, 0]
    assert [effort.rows(7) for effort in Effort] == [7, 7, 0]


def test_where_nobody_decides_it_is_all() -> None:
    assert full() is Effort.FULL
