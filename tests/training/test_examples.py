"""The examples are what requests of the past would have had: nothing of the future is in them."""

import numpy as np
import pytest

from ranking.retrieval import retrieve
from tests.training.worlds import small_world
from training import examples as module
from training.constants import CUTS, SHARE
from training.datasets.errors import DataError
from training.examples import Examples, examples
from training.fit import fit
from training.interactions import Interactions
from training.replay import context_of, rows_of

WORLD = small_world()
OWN = WORLD.interactions


@pytest.fixture
def every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cut and no sampling, so that the rows do not depend on the labels."""
    monkeypatch.setattr(module, "CUTS", 1)
    monkeypatch.setattr(module, "NEGATIVES", 10_000)


def with_another_future(own: Interactions) -> Interactions:
    """Keep everybody's past; afterwards, they consume other items, at other times."""
    before, after = own.split(SHARE)
    rng = np.random.default_rng(9)
    items = after.items.copy()
    for user in range(own.n_users):
        unseen = np.setdiff1d(np.arange(60), own.of_user(user))
        mine = after.users == user
        items[mine] = rng.choice(unseen, mine.sum(), replace=False)
    return Interactions.of(
        np.concatenate((before.users, after.users)),
        np.concatenate((before.items, items)),
        np.concatenate((before.times, after.times + 86_400_000)),
        own.n_users,
    )


@pytest.mark.usefixtures("every_row")
def test_another_future_changes_the_labels_and_not_one_bit_of_the_rows() -> None:
    was = examples(WORLD, OWN, seed=1)
    would_be = examples(WORLD, with_another_future(OWN), seed=1)
    assert was.requests.tolist() == would_be.requests.tolist()
    assert was.rows.tobytes() == would_be.rows.tobytes()
    assert (was.labels != would_be.labels).sum() > 100


@pytest.mark.usefixtures("every_row")
def test_another_past_does_change_the_rows() -> None:
    """The test above can fail: the same comparison notices a change before the cut."""
    mirrored = Interactions.of(OWN.users, 59 - OWN.items, OWN.times, OWN.n_users)
    assert examples(WORLD, OWN, 1).rows.tobytes() != examples(WORLD, mirrored, 1).rows.tobytes()


@pytest.mark.usefixtures("every_row")
def test_a_row_is_labelled_by_what_was_consumed_next() -> None:
    found = examples(WORLD, OWN, seed=1)
    before, after = OWN.split(SHARE)
    snapshot = fit(WORLD, before, seed=1)
    start = 0
    for user, n in enumerate(found.requests):
        context = context_of(WORLD, before, user)
        block = rows_of(context, retrieve(context, snapshot), snapshot)
        labels = found.labels[start : start + n]
        assert found.rows[start : start + n].tobytes() == block.rows.tobytes()
        assert set(block.items[labels == 1]) == set(after.of_user(user)) & set(block.items)
        start += n


def test_what_was_consumed_before_is_no_candidate() -> None:
    before, _ = OWN.split(SHARE)
    snapshot = fit(WORLD, before, seed=1)
    for user in range(before.n_users):
        context = context_of(WORLD, before, user)
        assert not set(retrieve(context, snapshot).items) & set(before.of_user(user))


def test_examples_come_in_requests_with_hits_and_misses() -> None:
    found: Examples = examples(WORLD, OWN, seed=1)
    assert len(found.rows) == len(found.labels) == found.requests.sum()
    assert found.rows.shape[1] == len(found.columns)
    assert len(found.requests) == CUTS * OWN.n_users
    for labels in np.split(found.labels, np.cumsum(found.requests)[:-1]):
        assert 0 < labels.sum() < len(labels)


def test_the_same_seed_gives_the_same_examples() -> None:
    assert examples(WORLD, OWN, 1).rows.tobytes() == examples(WORLD, OWN, 1).rows.tobytes()


def test_a_world_without_a_past_is_refused_with_a_remedy() -> None:
    first = np.flatnonzero(np.diff(OWN.users, prepend=-1))
    once = Interactions.of(OWN.users[first], OWN.items[first], OWN.times[first], OWN.n_users)
    with pytest.raises(DataError, match="give more interactions per user"):
        examples(WORLD, once, seed=1)
