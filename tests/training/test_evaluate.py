"""The evaluation of a small world, and of MovieLens with the figures the project promises."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.training.worlds import small_world
from training.datasets import movielens
from training.evaluate import PROTOCOL, Report, Row, evaluate, steps
from training.fit import fit
from training.metrics import ndcg
from training.plot import plot
from training.replay import context_of

WORLD = small_world()


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(WORLD)


def test_every_step_has_a_row_in_the_pipeline_s_order(report: Report) -> None:
    assert [row.name for row in report.rows] == [
        "popularity", "vector", "cooccurrence",
        "retrieval", "retrieval + ranker", "retrieval + ranker + MMR",
    ]  # fmt: skip
    assert report.users == 40


def test_json_has_the_measures_under_their_usual_names(report: Report) -> None:
    document = msgspec.json.decode(msgspec.json.encode(report))
    assert document["protocol"] == PROTOCOL
    for row in document["rows"]:
        assert list(row) == [
            "name", "ndcg@10", "recall@10", "recall@50", "mrr", "coverage", "novelty", "ild"
        ]  # fmt: skip
        assert all(np.isfinite(value) for name, value in row.items() if name != "name")


def test_no_step_recommends_what_was_consumed() -> None:
    before, _ = WORLD.interactions.split(0.2)
    snapshot = fit(WORLD, before, seed=1)
    for step in steps().values():
        for user in range(10):
            context = context_of(WORLD, before, user)
            slate = step(context, snapshot).tolist()
            assert len(slate) == len(set(slate)) > 0
            assert not set(slate) & set(context.history.tolist())


def test_the_popularity_row_is_what_a_plain_count_gives(report: Report) -> None:
    before, after = WORLD.interactions.split(0.2)
    popularity = fit(WORLD, before, seed=1).popularity
    values = []
    for user in range(before.n_users):
        scores = popularity.copy()
        scores[before.of_user(user)] = -1
        slate = np.argsort(-scores, kind="stable")
        values.append(ndcg(slate, after.of_user(user), 10))
    assert report.rows[0].ndcg_10 == pytest.approx(np.mean(values))


def test_a_plot_is_drawn_in_the_format_of_its_suffix(report: Report, tmp_path: Path) -> None:
    assert plot(report, tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in plot(report, tmp_path / "a.svg").read_bytes()


@pytest.mark.slow
def test_movielens_reaches_the_promised_figures() -> None:
    report = evaluate(movielens.fetch())
    rows: dict[str, Row] = {row.name: row for row in report.rows}
    assert report.users == 943
    assert rows["popularity"].ndcg_10 == pytest.approx(0.12, abs=0.005)
    ranked = rows["retrieval + ranker"]
    assert ranked.ndcg_10 >= 0.26
    for name in ("popularity", "vector", "cooccurrence", "retrieval"):
        assert ranked.ndcg_10 > rows[name].ndcg_10 + 0.01, name
        assert ranked.recall_50 > rows[name].recall_50, name
    varied = rows["retrieval + ranker + MMR"]
    assert varied.ndcg_10 > 0.95 * ranked.ndcg_10
    assert varied.ild > ranked.ild + 0.03
