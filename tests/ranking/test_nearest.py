import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.masks import blocked
from ranking.nearest import Nearest
from ranking.retrieval import vector
from ranking.snapshot import Snapshot
from tests.ranking.snapshots import context, snapshot

ITEMS = 5000


@pytest.fixture(scope="module")
def indexed() -> Snapshot:
    """Clustered embeddings with a long tail of lengths, as factors of real data have."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(50, 16))
    clustered = centres[rng.integers(0, 50, ITEMS)] + 0.5 * rng.normal(size=(ITEMS, 16))
    clustered /= np.sqrt(np.arange(1, ITEMS + 1) + 50)[:, None]
    embeddings = clustered.astype(np.float32)
    return snapshot(ITEMS, embeddings=embeddings, index=Nearest.build(embeddings, threads=1))


def exact(made: Snapshot, history: tuple[int, ...], k: int) -> NDArray[np.int64]:
    asker = context(*history)
    scores = made.embeddings @ vector.fold_in(asker, made)
    scores[blocked(asker, made)] = -np.inf
    return np.argsort(-scores, kind="stable")[:k]


def test_the_index_finds_nearly_what_the_exact_search_finds(indexed: Snapshot) -> None:
    rng = np.random.default_rng(4)
    recalls = []
    for _ in range(50):
        history = tuple(rng.integers(0, 300, 20).tolist())
        asker = context(*dict.fromkeys(history))
        found = vector.retrieve(asker, indexed, blocked(asker, indexed), 100)
        assert len(found.items) == 100
        wanted = exact(indexed, tuple(dict.fromkeys(history)), 100)
        recalls.append(np.isin(wanted, found.items).mean())
    assert np.mean(recalls) >= 0.9


def test_what_the_index_finds_is_open_and_in_exact_order(indexed: Snapshot) -> None:
    asker = context(*range(40))
    mask = blocked(asker, indexed)
    found = vector.retrieve(asker, indexed, mask, 100)
    assert not mask[found.items].any()
    again = vector.score(asker, indexed, found.items)
    np.testing.assert_allclose(found.scores, again, rtol=1e-5)
    assert (np.diff(found.scores) <= 0).all()


def test_a_mask_that_blocks_most_is_answered_exactly(indexed: Snapshot) -> None:
    asker = context(1, 2, 3)
    mask = np.ones(ITEMS, dtype=np.bool_)
    mask[::100] = False
    found = vector.retrieve(asker, indexed, mask, 20)
    scores = np.where(mask, -np.inf, indexed.embeddings @ vector.fold_in(asker, indexed))
    assert found.items.tolist() == np.argsort(-scores, kind="stable")[:20].tolist()


def test_an_index_comes_back_from_its_bytes(indexed: Snapshot) -> None:
    assert indexed.index
    again = Nearest.of(indexed.index.content, (ITEMS, 16))
    for item in range(20):
        query = indexed.embeddings[item]
        assert again(query, 50).tolist() == indexed.index(query, 50).tolist()


@pytest.mark.parametrize("shape", [(ITEMS + 1, 16), (ITEMS, 17)])
def test_an_index_of_another_shape_is_refused(indexed: Snapshot, shape: tuple[int, int]) -> None:
    assert indexed.index
    with pytest.raises(ValueError, match="is no index of"):
        Nearest.of(indexed.index.content, shape)


def test_bytes_that_are_no_index_are_refused() -> None:
    with pytest.raises(ValueError, match="ndex"):
        Nearest.of(b"not an index" * 100, (ITEMS, 16))


def test_threads_at_once_get_what_each_gets_alone(indexed: Snapshot) -> None:
    index = indexed.index
    assert index
    queries = indexed.embeddings[:400]
    alone = [index(query, 50).tolist() for query in queries]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda query: index(query, 50).tolist(), queries)) == alone


def test_lightgbm_still_works_after_the_index_was_imported_first() -> None:
    """usearch's own libstdc++ once left LightGBM unable to print numbers (ranking/nearest.py)."""
    program = (
        "import ranking.nearest, lightgbm, numpy as np\n"
        "rows = np.random.default_rng(0).random((200, 3))\n"
        "data = lightgbm.Dataset(rows, rows[:, 0] > 0.5)\n"
        "forest = lightgbm.train({'verbosity': -1, 'num_threads': 1}, data, 2)\n"
        "assert 'Column_2' in forest.model_to_string()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
