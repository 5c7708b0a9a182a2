"""The offline pipeline on MovieLens 100k: what numpy makes of it, and what was known then.

It runs in its own environment; `make offline-test` holds Spark to DuckDB as well.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import compute, parquet

from benchmarks.offline import PYTHON, TABLES
from features import events
from features.types import Context
from ranking.artifact import read
from ranking.retrieval.recency import recent
from ranking.snapshot import Snapshot
from training import metrics
from training.bootstrap import ratio
from training.constants import CUTS, DIMENSIONS, SHARE
from training.datasets import Dataset, movielens
from training.datasets.errors import DataError
from training.embeddings import folded_in, item_embeddings
from training.interactions import Interactions
from training.neighbours import neighbours
from training.offline import learn_from
from training.offline.prepared import FEATURES, Prepared
from training.offline.tables import Tables
from training.popularity import decayed
from training.replay import context_of
from training.served import _label, _labels
from training.steps import RANKED, steps
from training.train import SEED, learn, train

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.is_file(), reason="no .venv-offline: `make offline` makes it"),
]
spark_too = pytest.mark.skipif(
    "BRAID_SPARK" not in os.environ, reason="takes minutes: `make offline-test` runs it"
)


def piped(into: Path, *words: str, source: Path | None = None) -> Path:
    """Run the pipeline on MovieLens, or on another log, and return its folder."""
    source = source or movielens.default_folder() / "ml-100k.inter"
    command = [PYTHON, "-m", "training.pipeline", "--interactions", source, "--into", into, *words]
    subprocess.run([str(word) for word in command], cwd=ROOT, check=True, capture_output=True)
    return into


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    try:
        return movielens.fetch()
    except DataError as fault:
        pytest.skip(str(fault))


@pytest.fixture(scope="module")
def folder(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return piped(tmp_path_factory.mktemp("pipeline") / "duckdb")


@pytest.fixture(scope="module")
def prepared(dataset: Dataset, folder: Path) -> Prepared:
    return Prepared.of(dataset, Tables.of(folder, dataset))


@pytest.fixture(scope="module")
def examples(prepared: Prepared) -> dict[str, NDArray[Any]]:
    return prepared.tables.read("examples", ("cut", "user", "item"))


def test_the_log_is_that_of_the_data_set(dataset: Dataset, prepared: Prepared) -> None:
    ours, theirs = prepared.dataset.interactions, dataset.interactions
    assert ours.offsets.tolist() == theirs.offsets.tolist()
    assert ours.times.tolist() == theirs.times.tolist()
    for one in (ours, theirs):  # of one moment, only the order differs
        assert len(set(zip(one.users.tolist(), one.items.tolist(), strict=True))) == len(one)
    assert sorted(zip(ours.users.tolist(), ours.items.tolist(), strict=True)) == sorted(
        zip(theirs.users.tolist(), theirs.items.tolist(), strict=True)
    )


def test_popularity_is_what_numpy_makes_it(prepared: Prepared) -> None:
    numpys = decayed(prepared.dataset.interactions, len(prepared.dataset.catalogue))
    np.testing.assert_allclose(prepared.learnt.popularity, numpys, rtol=1e-6)


def test_neighbours_are_those_that_numpy_finds(prepared: Prepared) -> None:
    table, scores = neighbours(prepared.dataset.interactions, len(prepared.dataset.catalogue))
    np.testing.assert_allclose(prepared.learnt.neighbour_scores, scores, rtol=2e-6)
    same = np.mean(prepared.learnt.neighbours == table)
    assert same > 0.995  # of nearly equal scores, rounding may put either first


def test_requests_are_where_the_split_cuts(
    prepared: Prepared, examples: dict[str, NDArray[Any]]
) -> None:
    before = prepared.dataset.interactions
    for cut in range(CUTS):
        before, after = before.split(SHARE)
        mine = (examples["cut"] == cut) & (examples["label"] == 1)
        chosen = set(
            zip(examples["user"][mine].tolist(), examples["item"][mine].tolist(), strict=True)
        )
        assert chosen == set(zip(after.users.tolist(), after.items.tolist(), strict=True))


def test_features_are_what_was_known_just_before_the_request(
    prepared: Prepared, examples: dict[str, NDArray[Any]]
) -> None:
    log = prepared.dataset.interactions
    rows = np.random.default_rng(0).choice(len(examples["label"]), 400, replace=False)
    for row in rows.tolist():
        now = int(examples["at_ms"][row])
        for key, ordinals in (("user", log.users), ("item", log.items)):
            times = log.times[(ordinals == examples[key][row]) & (log.times < now)]
            expected = [
                len(times),
                np.count_nonzero(times >= now - 30 * 86_400_000),
                (now - times.min()) / 86_400_000 if len(times) else 0,
                (now - times.max()) / 86_400_000 if len(times) else 0,
            ]
            found = [examples[f"{key}.{name}"][row] for name in FEATURES]
            assert found == [np.float32(value) for value in expected]


def test_features_at_the_end_are_those_of_the_whole_log(prepared: Prepared) -> None:
    log = prepared.dataset.interactions
    end = log.times.max() + 1
    for key, ordinals in (("user", log.users), ("item", log.items)):
        table = prepared.tables.read(f"{key}_features", (key,))
        assert table[key].tolist() == np.unique(ordinals).tolist()
        assert (table["at_ms"] == end).all()
        for row in np.random.default_rng(0).choice(len(table[key]), 100, replace=False).tolist():
            times = log.times[ordinals == table[key][row]]
            expected = [
                len(times),
                np.count_nonzero(times >= end - 30 * 86_400_000),
                (end - times.min()) / 86_400_000,
                (end - times.max()) / 86_400_000,
            ]
            assert [table[name][row] for name in FEATURES] == [np.float32(x) for x in expected]


def test_what_was_not_chosen_had_been_there_and_was_new_to_the_user(
    prepared: Prepared, examples: dict[str, NDArray[Any]]
) -> None:
    log = prepared.dataset.interactions
    passed = np.flatnonzero(examples["label"] == 0)
    assert len(passed) > 50_000
    assert (examples["item.log.consumed"][passed] > 0).all()
    for row in np.random.default_rng(0).choice(passed, 200, replace=False).tolist():
        user = int(examples["user"][row])
        had = log.of_user(user)[::-1][: round_after(log.offsets, user, int(examples["cut"][row]))]
        assert examples["item"][row] not in had


def round_after(offsets: NDArray[np.int64], user: int, cut: int) -> int:
    """Return how many of a user's interactions end with what was taken at a cut."""
    n = int(offsets[user + 1] - offsets[user])
    for _ in range(cut):
        n -= max(round(n * SHARE), 1)
    return n


def test_implicits_factors_recall_what_ours_do(prepared: Prepared) -> None:
    log, n_items = prepared.dataset.interactions, len(prepared.dataset.catalogue)
    ours = item_embeddings(log, n_items, SEED)
    assert prepared.learnt.embeddings.shape == ours.shape
    assert alike(prepared.learnt.embeddings, ours, n_items) > 0.5


def alike(one: NDArray[np.float32], other: NDArray[np.float32], n_items: int) -> float:
    """Return how many of an item's ten closest are so in both, on average."""
    known = np.flatnonzero(one.any(axis=1) & other.any(axis=1))
    near = [
        np.argsort(-(unit @ unit.T), axis=1)[:, 1:11]
        for unit in (
            e[known] / np.linalg.norm(e[known], axis=1, keepdims=True) for e in (one, other)
        )
    ]
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*near, strict=True)]))


def test_the_weights_of_events_are_those_of_the_service() -> None:
    program = "from training.pipeline import served; print(served.WEIGHTS)"
    found = subprocess.run(
        [str(PYTHON), "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == str(events.WEIGHTS)


def test_a_folder_that_is_not_whole_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="make offline"):
        Tables.of(tmp_path, dataset)


def test_labels_of_what_was_served_are_those_of_numpy(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    shown, told = made_up_shown(rng), made_up_events(rng)
    parquet.write_table(shown, tmp_path / "shown.parquet")
    parquet.write_table(told, tmp_path / "events.parquet")
    program = (
        "import sys; from pathlib import Path; from training.pipeline import engines, run, served\n"
        "shown, events, into = sys.argv[1:]\n"
        "with engines.opened('duckdb', '1g') as e:\n"
        "    labels = served.labels(e.read_parquet(shown), e.read_parquet(events))\n"
        "    run.written(e, labels, Path(into))\n"
    )
    names = [str(tmp_path / name) for name in ("shown.parquet", "events.parquet", "labels")]
    subprocess.run([str(PYTHON), "-c", program, *names], cwd=ROOT, check=True)
    found = parquet.read_table(tmp_path / "labels").to_pylist()
    visible = shown.filter(compute.field("place") >= 0)
    theirs = _label(visible, _labels(told, [visible], 1800.0)).tolist()
    pairs = zip(visible["request_id"].to_pylist(), visible["item_id"].to_pylist(), strict=True)
    expected = dict(zip(pairs, theirs, strict=True))
    assert {(row["request_id"], row["item_id"]): row["label"] for row in found} == expected
    assert set(expected.values()) >= {0, 1, 2, 5, 10}


def made_up_shown(rng: np.random.Generator) -> pa.Table:
    """Return slates of a few items to a few users within two hours; some items were not shown."""
    rows = []
    for request in range(60):
        user, now = f"u{rng.integers(4)}", int(rng.integers(7_200_000))
        for place, item in enumerate(rng.choice(8, 5, replace=False).tolist()):
            head = {"request_id": f"r{request}", "timestamp_ms": now, "user_id": user}
            rows.append({**head, "item_id": f"i{item}", "place": place if place < 4 else -1})
    return pa.Table.from_pylist(rows)


def made_up_events(rng: np.random.Generator) -> pa.Table:
    """Return events of every type; half name a request, some have a weight of their own."""
    rows = [
        {
            "user_id": f"u{rng.integers(4)}",
            "item_id": f"i{rng.integers(8)}",
            "type": str(rng.choice([*events.TYPES, "click"])),
            "timestamp_ms": int(rng.integers(9_000_000)),
            "request_id": f"r{rng.integers(60)}" if rng.random() < 0.5 else None,
            "weight": float(rng.choice([-1.0, 0.0, 2.5, 3.5, 40.0]))
            if rng.random() < 0.1
            else None,
        }
        for _ in range(800)
    ]
    return pa.Table.from_pylist(rows)


@spark_too
def test_spark_makes_the_same_bits_as_duckdb(folder: Path, tmp_path: Path) -> None:
    spark = piped(tmp_path / "spark", "--engine", "spark", "--memory", "2g", "--no-factors")
    program = (
        "import sys; from pathlib import Path; from training.pipeline.comparison import *;"
        "a, b, *names = sys.argv[1:]; print(differences(Path(a), Path(b), tuple(names)))"
    )
    found = subprocess.run(
        [str(PYTHON), "-c", program, str(folder), str(spark), *TABLES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == "[]"


@spark_too
def test_both_libraries_factors_recall_what_ours_do(prepared: Prepared, tmp_path: Path) -> None:
    before, after = prepared.dataset.interactions.split(SHARE)
    n_items = len(prepared.dataset.catalogue)
    columns = {"user": before.users.astype(np.int64), "item": before.items.astype(np.int64)}
    (tmp_path / "log").mkdir()
    parquet.write_table(pa.table(columns), tmp_path / "log" / "part-0.parquet")
    program = (
        "import sys; from pathlib import Path; from training.pipeline import engines, factors\n"
        "folder = Path(sys.argv[1])\n"
        "for name in engines.ENGINES:\n"
        "    with engines.opened(name, '2g', 'local[2]') as engine:\n"
        f"        factors.write_factors(engine, folder / 'log', {n_items}, folder / name, {SEED})\n"
    )
    subprocess.run([str(PYTHON), "-c", program, str(tmp_path)], cwd=ROOT, check=True)
    same = np.arange(n_items)
    tables = Tables(tmp_path, np.arange(before.n_users), same)
    found = {"ours": recall_50(item_embeddings(before, n_items, SEED), before, after)}
    for name in ("duckdb", "spark"):
        raw = tables.vectors(name, "factors", n_items, DIMENSIONS).astype(np.float64)
        found[name] = recall_50(folded_in(raw, before), before, after)
    print(found)  # noqa: T201  the figures of decision 0033
    assert min(found["duckdb"], found["spark"]) > 0.95 * found["ours"]


def recall_50(embeddings: NDArray[np.float32], before: Interactions, after: Interactions) -> float:
    """Return recall@50 of what is closest to each user's recent history, as it is served."""
    shares = []
    for user in range(before.n_users):
        history, next_ones = before.of_user(user), after.of_user(user)
        if not len(next_ones):
            continue
        context = Context(np.empty(0, np.float32), True, history, np.empty(0, np.int64))
        items, weights = recent(context)
        scores = embeddings @ (weights @ embeddings[items])
        scores[history] = -np.inf
        best = np.argsort(-scores, kind="stable")[:50]
        shares.append(np.isin(next_ones, best).mean())
    return float(np.mean(shares))


@spark_too
def test_a_model_learnt_from_the_pipeline_is_an_artifact(
    dataset: Dataset, folder: Path, tmp_path: Path
) -> None:
    snapshot = read(train(dataset, tmp_path, pipeline=folder))
    assert set(FEATURES) <= set(snapshot.item_columns)
    assert snapshot.neighbours.shape == (len(dataset.catalogue), 100)
    assert snapshot.scorer.columns == tuple(
        name for name in snapshot.columns if not name.startswith("gap.log.")
    )


@pytest.mark.xfail(
    strict=True, reason="NDCG@10 0.214 for 0.282: drawn negatives are not what retrieval offers"
)
@spark_too
def test_a_model_learnt_from_the_pipeline_ranks_no_worse(dataset: Dataset, tmp_path: Path) -> None:
    before, after = dataset.interactions.split(SHARE)
    columns = {
        "user_id": np.array(dataset.user_ids)[before.users],
        "item_id": np.array(dataset.catalogue.ids)[before.items],
        "timestamp": before.times,
    }
    parquet.write_table(pa.table(columns), tmp_path / "log.parquet")
    past = replace(dataset, interactions=before)
    with_features, snapshot, _ = learn_from(
        piped(tmp_path / "pipeline", source=tmp_path / "log.parquet"), past, SEED
    )
    found = {
        "pipeline": ndcg_10(with_features, snapshot, after),
        "ordinary": ndcg_10(past, learn(past, before)[0], after),
    }
    lift = ratio(found["pipeline"], found["ordinary"], SEED)
    means = {name: round(float(each.mean()), 4) for name, each in found.items()}
    print(means, lift)  # noqa: T201  the figures of docs/offline.md
    assert lift.mean > 0.97


def ndcg_10(dataset: Dataset, snapshot: Snapshot, after: Interactions) -> NDArray[np.float64]:
    """Return NDCG@10 of what is ranked for each user who did something afterwards."""
    values = []
    for user in np.flatnonzero(np.diff(after.offsets)).tolist():
        slate = steps(context_of(dataset, dataset.interactions, user), snapshot).slates[RANKED]
        values.append(metrics.ndcg(slate, after.of_user(user), 10))
    return np.array(values)
