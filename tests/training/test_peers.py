"""The peers on a small world: without libraries where numpy will do, and in their environment."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.worlds import small_world
from training.contest import PYTHON, contest, split_for_peers
from training.datasets.errors import DataError
from training.peers.exchange import read_lists, read_split, write_lists, write_split
from training.peers.families import FAMILIES
from training.peers.search import compete, ndcg_10, recency

WORLD = small_world()
SPLIT = split_for_peers(WORLD)


def test_the_test_part_never_reaches_the_peers(tmp_path: Path) -> None:
    write_split(tmp_path / "split.npz", SPLIT)
    read = read_split(tmp_path / "split.npz")
    before, _ = WORLD.interactions.split(0.2)
    assert len(read.train.items) == len(before) < len(WORLD.interactions)
    assert read.train.items.tolist() == before.items.tolist()
    both = len(read.fit.items) + len(read.validation.items)
    assert both == len(read.train.items)


@pytest.mark.parametrize("name", [name for name, one in FAMILIES.items() if one.needs == "numpy"])
def test_a_peer_recommends_only_what_is_new_to_the_user(name: str) -> None:
    lists = compete(SPLIT, FAMILIES[name], 2, 1, lambda _: None)
    assert lists.items.shape == (40, 50)
    before, _ = WORLD.interactions.split(0.2)
    for user, row in enumerate(lists.items):
        offered = row[row >= 0].tolist()
        assert len(offered) == len(set(offered)) == 60 - 16
        assert not set(offered) & set(before.of_user(user).tolist())


def test_ease_learns_the_taste_of_a_world_of_two() -> None:
    found = {
        name: compete(SPLIT, FAMILIES[name], 5, 1, lambda _: None).validation_ndcg_10
        for name in ("EASE", "popularity, all time")
    }
    assert found["EASE"] > found["popularity, all time"] + 0.05


def test_the_same_seed_tries_the_same_parameters() -> None:
    one, same = (compete(SPLIT, FAMILIES["EASE"], 3, 5, lambda _: None) for _ in range(2))
    assert one.parameters == same.parameters
    assert one.items.tolist() == same.items.tolist()


def test_the_peers_count_as_we_do() -> None:
    found = np.array([[3, 1, 2, -1], [0, 5, -1, -1]], np.int32)
    log = replace(SPLIT.train, users=np.array([0, 0], np.int32), items=np.array([1, 9], np.int32))
    assert ndcg_10(found, log) == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))


def test_recency_fades_with_what_came_after() -> None:
    users = np.array([0, 0, 0, 1], np.int32)
    weights = recency(users, {"decay": 0.5, "window": 2})
    assert weights.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_lists_come_back_as_they_were_sent(tmp_path: Path) -> None:
    lists = compete(SPLIT, FAMILIES["EASE"], 2, 1, lambda _: None)
    write_lists(tmp_path / "lists.npz", {"EASE": lists})
    (name, read), *_ = read_lists(tmp_path / "lists.npz").items()
    assert (name, read.parameters, read.trials) == ("EASE", lists.parameters, 2)
    assert read.items.tolist() == lists.items.tolist()


def test_peers_run_in_another_process_and_tell_how_far_they_are() -> None:
    told: list[tuple[int, int]] = []
    lists = contest(
        WORLD,
        1,
        lambda _, done, total: told.append((done, total)),
        trials=1,
        python=Path(sys.executable),
    )
    assert {name for name, one in FAMILIES.items() if one.needs == "numpy"} <= lists.keys()
    assert told[-1][0] == told[-1][1]


def test_without_their_environment_the_peers_say_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"python3 -m scripts\.bootstrap peers"):
        contest(WORLD, 1, python=tmp_path / "python")


@pytest.mark.slow
def test_every_peer_recommends_in_the_environment_made_for_them() -> None:
    if not PYTHON.is_file():
        pytest.skip("no peers here: .venv-peers is made by python3 -m scripts.bootstrap peers")
    lists = contest(WORLD, 1, trials=2)
    assert lists.keys() == FAMILIES.keys()
    for name, one in lists.items():
        assert np.isfinite(one.validation_ndcg_10), name
        assert (one.items[:, 0] >= 0).all(), name
