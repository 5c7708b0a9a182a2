"""The search for the best of many vectors: exact or by a sketch, whole or in parts."""

import hashlib
import os
import platform
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import ranking
from features.types import Items, Mask, Scores
from ranking import lanes
from ranking.scan import instructions, keys
from ranking.scan.search import BREADTH, Search
from ranking.scan.sketch import Sketch
from ranking.scan.stride import even_stride

type Vectors = NDArray[np.float32]

N, K = 100_000, 100


def draw(n: int, width: int, seed: int = 0) -> Vectors:
    return np.random.default_rng(seed).standard_normal((n, width), np.float32)


def clusters(n: int, width: int) -> Vectors:
    """Vectors in tight groups, group by group, their lengths and coordinates far from alike."""
    rng = np.random.default_rng(1)
    vectors = draw(40, width)[np.sort(rng.integers(0, 40, n))]
    vectors += 0.3 * draw(n, width, 2) + 3
    scale = rng.uniform(0.2, 2, (n, 1)) * np.geomspace(1, 0.1, width)
    made: Vectors = (vectors * scale).astype(np.float32)
    return made


WORLDS = {
    "uniform": draw(N, 64),
    "narrow": draw(N, 20),
    "clusters": clusters(N, 48),
}
SKETCHES = {name: Sketch.draw(vectors) for name, vectors in WORLDS.items()}
OPEN = np.zeros(N, np.bool_)


def whole(search: Search) -> tuple[Items, Scores]:
    return search.best([search.part(0, search.blocks)])


def by_sorting(vectors: Vectors, query: Vectors, blocked: Mask, k: int) -> Items:
    scores = np.where(blocked, -np.inf, vectors.astype(np.float64) @ query)
    return np.argsort(-scores, kind="stable")[:k]


def queries(vectors: Vectors, count: int = 8) -> Vectors:
    picked = np.random.default_rng(5).integers(0, len(vectors), (count, 4))
    return vectors[picked].sum(axis=1)


@pytest.mark.parametrize("width", [1, 15, 16, 17, 64, 100])
@pytest.mark.parametrize("n", [1, 127, 128, 129, 5000])
def test_vector_retrieval_exact_finds_the_best(n: int, width: int) -> None:
    vectors = draw(n, width)
    blocked = np.random.default_rng(n).random(n) < 0.2
    for query in queries(vectors, 3):
        for k in (1, 40, n):
            items, scores = whole(Search(vectors, query, blocked, k))
            wanted = by_sorting(vectors, query, blocked, k)[: np.count_nonzero(~blocked)]
            exact = vectors.astype(np.float64) @ query
            assert not blocked[items].any()
            np.testing.assert_allclose(exact[items], exact[wanted], rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(scores, exact[items], rtol=1e-4, atol=1e-4)
            assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("world", WORLDS)
def test_vector_retrieval_approximate_finds_nearly_all_of_the_best_in_exact_order(
    world: str,
) -> None:
    vectors, recalls = WORLDS[world], []
    for query in queries(vectors):
        items, scores = whole(Search(vectors, query, OPEN, K, SKETCHES[world]))
        assert len(set(items.tolist())) == K
        assert (np.diff(scores) <= 0).all()
        recalls.append(np.isin(by_sorting(vectors, query, OPEN, K), items).mean())
    assert np.mean(recalls) >= 0.95


@pytest.mark.parametrize("world", WORLDS)
def test_a_sketch_and_a_whole_scan_give_an_item_the_same_score(world: str) -> None:
    vectors = WORLDS[world]
    query = queries(vectors)[0]
    exact, near = (
        dict(zip(items.tolist(), scores.tolist(), strict=True))
        for sketch in (None, SKETCHES[world])
        for items, scores in [whole(Search(vectors, query, OPEN, K, sketch))]
    )
    both = exact.keys() & near.keys()
    assert len(both) >= 0.9 * K
    assert all(exact[item] == near[item] for item in both)


@pytest.mark.parametrize("width", [3, 16, 50])
def test_a_scan_ranks_by_the_bits_of_the_scores_it_returns(width: int) -> None:
    """Four vectors at a time, one at a time: what is found must not hang on a vector's place."""
    vectors, n = draw(1003, width), 1003
    search = Search(vectors, vectors[7], OPEN[:n], n)
    found = np.sort(search.part(0, search.blocks))[::-1]
    items, scores = whole(search)
    assert keys.indices(found).tolist() == items.tolist()
    bits = scores.view(np.int32)
    assert (found >> 32).tolist() == np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF)).tolist()


@pytest.mark.parametrize("share", [0.5, 0.99, 0.9999, 1.0])
@pytest.mark.parametrize("world", WORLDS)
def test_what_is_blocked_takes_nobody_s_place(world: str, share: float) -> None:
    vectors = WORLDS[world]
    blocked = np.random.default_rng(7).random(N) < share
    if share == 0.5:  # and the very best of all
        blocked[by_sorting(vectors, queries(vectors)[0], OPEN, 4 * K)] = True
    for query in queries(vectors, 3):
        items, _ = whole(Search(vectors, query, blocked, K, SKETCHES[world]))
        wanted = by_sorting(vectors, query, blocked, K)[: np.count_nonzero(~blocked)]
        assert not blocked[items].any()
        assert len(items) == len(wanted)
        assert np.isin(wanted, items).mean() >= 0.9 if len(wanted) else True


@given(
    st.sampled_from([*WORLDS]), st.booleans(), st.lists(st.integers(0, N // 128 + 1), max_size=7)
)
def test_parts_give_what_the_whole_gives_bit_for_bit(
    world: str, sketched: bool, cuts: list[int]
) -> None:
    vectors = WORLDS[world]
    blocked = np.random.default_rng(3).random(N) < 0.1
    query = queries(vectors)[len(cuts)]
    search = Search(vectors, query, blocked, K, SKETCHES[world] if sketched else None)
    edges = [0, *sorted(min(cut, search.blocks) for cut in cuts), search.blocks]
    parts = [search.part(low, high) for low, high in pairwise(edges)]
    items, scores = whole(search)
    found, found_scores = search.best(parts[::-1])
    assert found.tobytes() == items.tobytes()
    assert found_scores.tobytes() == scores.tobytes()


@pytest.mark.parametrize("sketched", [False, True])
def test_equal_scores_break_by_the_lower_index(sketched: bool) -> None:
    vectors = np.tile(draw(10, 16), (N // 10, 1))
    query = vectors[3]
    sketch = Sketch.draw(vectors) if sketched else None
    items, _ = whole(Search(vectors, query, OPEN, K, sketch))
    best = by_sorting(vectors[:10], query, OPEN[:10], 1)[0]
    if sketched:  # which of too many equals become candidates is the sketch's affair
        assert (items % 10 == best).all()
        assert (np.diff(items) > 0).all()
    else:
        assert items.tolist() == [*range(best, 10 * K, 10)]


def test_nan_and_minus_infinity_are_never_found() -> None:
    vectors = draw(300, 16)
    vectors[::3] = np.nan
    query = np.abs(vectors[1])
    vectors[1::3] = -np.inf
    items, scores = whole(Search(vectors, query, OPEN[:300], 300))
    assert sorted(items.tolist()) == [*range(2, 300, 3)]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("direction", [1, -1])
def test_vectors_in_order_of_their_score_are_searched_like_others(direction: int) -> None:
    vectors = draw(N, 16)
    query = draw(1, 16, 9)[0]
    vectors = vectors[np.argsort(direction * (vectors @ query))]
    wanted = by_sorting(vectors, query, OPEN, K)
    assert np.isin(wanted, whole(Search(vectors, query, OPEN, K))[0]).all()
    near, _ = whole(Search(vectors, query, OPEN, K, Sketch.draw(vectors)))
    assert np.isin(wanted, near).mean() >= 0.95


def test_a_query_of_zeros_finds_the_first_by_scan_and_any_by_sketch() -> None:
    vectors, query = WORLDS["uniform"], np.zeros(64, np.float32)
    assert whole(Search(vectors, query, OPEN, K))[0].tolist() == [*range(K)]
    assert len(whole(Search(vectors, query, OPEN, K, SKETCHES["uniform"]))[0]) == K


def test_a_sketch_of_equal_vectors_has_no_opinion() -> None:
    vectors = np.ones((N, 16), np.float32)
    items, scores = whole(Search(vectors, vectors[0], OPEN, K, Sketch.draw(vectors)))
    assert len(items) == K
    assert (scores == 16).all()


def test_a_sketch_is_left_aside_where_its_candidates_would_be_much_of_the_whole() -> None:
    vectors, query = WORLDS["uniform"], queries(WORLDS["uniform"])[0]
    k = N // BREADTH
    near, _ = whole(Search(vectors, query, OPEN, k, SKETCHES["uniform"]))
    assert near.tolist() == whole(Search(vectors, query, OPEN, k))[0].tolist()


def test_the_more_vectors_the_more_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranking.scan.search.LEAST_BREADTH", 1)
    monkeypatch.setattr("ranking.scan.search.BREADTH", 1)
    vectors, found = WORLDS["uniform"], []
    for one_of in (N, 20):
        monkeypatch.setattr("ranking.scan.search.ITEMS_A_CANDIDATE", one_of)
        near = [
            np.isin(
                by_sorting(vectors, query, OPEN, K),
                whole(Search(vectors, query, OPEN, K, SKETCHES["uniform"]))[0],
            ).mean()
            for query in queries(vectors)
        ]
        found.append(np.mean(near))
    assert found[0] < 0.8
    assert found[1] >= 0.99


@pytest.mark.parametrize("n", [1074, 1110, 1152, 1370, 1500, 1890])
def test_a_stride_is_even_also_where_the_nearest_coprime_step_is_not(n: int) -> None:
    places = np.sort(np.arange(100) * even_stride(n) % n)
    assert np.diff(places, append=places[0] + n).max() <= n / 20


@given(st.integers(1, 100_000))
def test_an_even_stride_visits_all_and_any_few_are_spread(n: int) -> None:
    step = even_stride(n)
    assert np.gcd(step, n) == 1
    if n >= 1000:
        places = np.sort(np.arange(100) * step % n)
        assert np.diff(places, append=places[0] + n).max() <= n / 20


PROBE = """
import hashlib
from tests.ranking.test_scan import OPEN, SKETCHES, WORLDS, K, queries, whole
from ranking.scan.search import Search
digest = hashlib.sha256()
for world, vectors in WORLDS.items():
    for query in queries(vectors):
        search = Search(vectors, query, OPEN, K, SKETCHES[world])
        digest.update(search.part(0, search.blocks).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_a_processor_with_fewer_instructions_finds_the_same_candidates(tmp_path: Path) -> None:
    def found(**numba: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", PROBE],
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, **numba},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def compiled_for(cpu: str, features: str) -> str:
        cache = str(tmp_path / cpu)
        return found(NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES=features, NUMBA_CACHE_DIR=cache)

    here = found()
    assert compiled_for("generic", "") == here
    if platform.machine() == "x86_64" and "avx2" in Path("/proc/cpuinfo").read_text():
        assert compiled_for("haswell", "+avx2,+fma") == here


def test_every_kernel_carries_the_hash_of_what_is_compiled_into_it() -> None:
    """Else numba, which looks at a kernel's own file only, would run what it compiled before."""
    modules = (lanes, instructions, keys)
    compiled_in = {module.__name__: Path(str(module.__file__)) for module in modules}
    carried = 0
    for path in Path(ranking.__path__[0]).rglob("*.py"):
        text = path.read_text()
        for name, source in compiled_in.items():
            if f"from {name} import" in text and (
                "@kernel(" in text or path in compiled_in.values()
            ):
                digest = hashlib.sha256(source.read_bytes()).hexdigest()
                assert f"# {source.name}: {digest}" in text, f"put the new hash in {path}"
                carried += 1
    assert carried >= 10
