"""New items get vectors from what is like them, and are found by them."""

import numpy as np
import pytest

from features.types import Rows
from ranking.cold import FARTHEST, KNOWN, LIKE, SOFTNESS, embed_like
from ranking.retrieval import SOURCES
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import SCHEMAS, context, snapshot


def plain(row: Rows, made: Snapshot) -> Rows:
    """Return one item's vector, step by step."""
    known = [item for item in range(len(made.catalogue)) if made.embeddings[item].any()]
    years = made.item_rows[known, 0].astype(np.float64)

    def scaled(own: Rows) -> Rows:
        year = np.clip((own[0] - years.mean()) / years.std(), -FARTHEST, FARTHEST)
        genres = own[1:].astype(np.float64)
        scaled: Rows = np.append(year, genres / max(np.linalg.norm(genres), 1e-9))
        return scaled

    distances = [float(((scaled(made.item_rows[item]) - scaled(row)) ** 2).sum()) for item in known]
    nearest = sorted(range(len(known)), key=lambda at: (distances[at], at))[:LIKE]
    weights = np.array([1 / (distances[at] + SOFTNESS) for at in nearest])
    mean: Rows = weights / weights.sum() @ made.embeddings[[known[at] for at in nearest]]
    return mean


def test_cold_start_items_take_the_mean_of_what_is_like_them() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = np.hstack((rng.uniform(1900, 2030, (207, 1)), rng.integers(0, 2, (207, 3))))
        rows, new = rows[:200].astype(np.float32), rows[200:].astype(np.float32)
        embeddings = rng.normal(size=(200, 8)).astype(np.float32)
        embeddings[::9] = 0.0
        made = snapshot(200, item_rows=rows, embeddings=embeddings)
        expected = [plain(row, made) for row in new]
        np.testing.assert_allclose(embed_like(new, made), expected, rtol=1e-3, atol=1e-4)


def two_tastes(n_items: int = 120) -> Snapshot:
    """Items of genre a point one way, those of genre b the other; c has nobody's vector yet."""
    rows = np.zeros((n_items, 4), np.float32)
    rows[:, 0] = 1990.0
    rows[::2, 1] = rows[1::2, 2] = 1.0
    embeddings = np.random.default_rng(0).normal(0.0, 0.1, (n_items, 8)).astype(np.float32)
    embeddings[::2, 0] += 1.0
    embeddings[1::2, 1] += 1.0
    return snapshot(n_items, item_rows=rows, embeddings=embeddings)


def test_a_cold_start_item_is_offered_to_those_who_like_its_kind() -> None:
    made = two_tastes()
    new = embed_like(np.array([[1990, 1, 0, 0], [1990, 0, 1, 0]], np.float32), made)
    grown = two_tastes(122)
    embeddings = np.concatenate((made.embeddings, new))
    grown = snapshot(122, item_rows=grown.item_rows, embeddings=embeddings)
    blocked = np.zeros(122, np.bool_)
    for asker, own, other in ((context(0, 2, 4), 120, 121), (context(1, 3, 5), 121, 120)):
        offered = SOURCES["vector"](asker, grown, blocked, 62).items.tolist()
        assert own in offered
        assert other not in offered


def test_an_item_s_vector_does_not_depend_on_what_comes_with_it() -> None:
    made = snapshot(300)
    rows = made.item_rows[:40] + np.float32(0.25)
    together = embed_like(rows, made)
    alone = [embed_like(rows[place : place + 1], made)[0] for place in range(40)]
    assert np.array(alone).tobytes() == together.tobytes()


def test_wild_and_missing_values_count_as_the_mean_or_little_more() -> None:
    made = two_tastes()
    strange = np.array(
        [[np.nan, 1, 0, 0], [np.inf, 1, 0, 0], [3e38, 1, 0, 0], [1990, 1, np.nan, -np.inf]], "f4"
    )
    usual = embed_like(np.array([[1990, 1, 0, 0]], np.float32), made)
    found = embed_like(strange, made)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[[0, 1, 3]], np.repeat(usual, 3, axis=0))


@pytest.mark.filterwarnings("error")
def test_every_size_of_world_gives_finite_vectors() -> None:
    nothing = snapshot(50, embeddings=np.zeros((50, 8), np.float32))
    assert not embed_like(nothing.item_rows, nothing).any()
    for size in (1, 2, LIKE, KNOWN + 500):
        made = snapshot(max(size, 5))
        found = embed_like(made.item_rows[:3], made)
        assert found.shape == (3, 8)
        assert found.any(axis=1).all()
        assert embed_like(made.item_rows[:0], made).shape == (0, 8)


def test_without_any_features_an_item_is_the_mean_of_all() -> None:
    schemas = {**SCHEMAS, "item": {"name": "item", "version": 1, "features": []}}
    bare = snapshot(
        item_rows=np.empty((50, 0), np.float32),
        item_columns=(),
        schemas=schemas,
        scorer=NoColumns(),
    )
    found = embed_like(np.empty((2, 0), np.float32), bare)
    np.testing.assert_allclose(found, np.tile(bare.embeddings.mean(axis=0), (2, 1)), atol=1e-6)


class NoColumns:
    """A scorer that wants nothing."""

    columns: tuple[str, ...] = ()
    rows_per_block = 1

    def __call__(self, rows: Rows) -> Rows:
        return np.zeros(len(rows), np.float32)
