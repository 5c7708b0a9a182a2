"""The evaluation of a small world, and of MovieLens with the figures the project promises."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.training.worlds import small_world
from training.datasets import movielens
from training.evaluate import PROTOCOL, evaluate
from training.fit import fit
from training.metrics import ndcg
from training.page import page
from training.peers.exchange import Lists
from training.plot import plot
from training.replay import context_of
from training.report import Report, Row
from training.steps import RANKED, steps

WORLD = small_world()


def oracle() -> Lists:
    """Return lists of a peer that knows the test part: nobody can be better."""
    _, after = WORLD.interactions.split(0.2)
    items = np.full((after.n_users, 50), -1, np.int32)
    for user in range(after.n_users):
        taken = after.of_user(user)
        items[user, : len(taken)] = taken
    return Lists(items, {"clairvoyance": 1.0}, 1.0, 3, helped=False)


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(WORLD, peers={"oracle": oracle()})


def rows(report: Report) -> dict[str, Row]:
    return {row.name: row for row in report.rows}


def test_offline_accuracy_and_beyond_accuracy_metrics_are_reported_for_every_step(
    report: Report,
) -> None:
    found = rows(report)
    assert {"popularity", "vector", "cooccurrence"} <= {
        name for name, row in found.items() if row.kind == "source"
    }
    assert [row.name for row in report.rows if row.kind == "stage"] == [
        "retrieval", "retrieval + ranker", "retrieval + ranker + MMR",
    ]  # fmt: skip
    assert report.users == 40
    for row in report.rows:
        assert list(row.measures) == [
            "ndcg@10", "recall@10", "recall@50", "mrr",
            "novelty", "ild", "serendipity", "miscalibration",
        ]  # fmt: skip
        assert list(row.over_all) == ["coverage", "gini", "popularity_lift"]


def test_json_has_every_measure_with_its_interval(report: Report) -> None:
    document = msgspec.json.decode(msgspec.json.encode(report))
    assert document["protocol"] == PROTOCOL
    for row in document["rows"]:
        assert all(np.isfinite(value) for value in row["over_all"].values())
        for one in (*row["measures"].values(), *row["segments"].values()):
            assert one["low"] <= one["mean"] + 1e-9
            assert one["mean"] <= one["high"] + 1e-9


def test_a_peer_is_measured_by_the_same_measure(report: Report) -> None:
    best = rows(report)["oracle"]
    assert best.kind == "peer"
    assert best.measures["ndcg@10"].mean == pytest.approx(1)
    assert best.measures["recall@50"].mean == pytest.approx(1)
    (against,) = (one for one in report.comparisons if one.theirs == "oracle")
    assert against.ours == RANKED
    assert against.lift.high < 1
    assert against.disjoint


def test_the_ranker_s_reach_is_what_retrieval_offers(report: Report) -> None:
    *sources, together = report.reach
    assert together.name == "all sources"
    assert together.recall >= max(one.recall for one in sources)
    assert together.recall >= rows(report)[RANKED].measures["recall@50"].mean
    assert together.best_ndcg_10 >= rows(report)[RANKED].measures["ndcg@10"].mean
    assert sum(one.alone for one in sources) <= together.recall + 1e-9


def test_users_are_reported_by_how_much_is_known_of_them(report: Report) -> None:
    assert report.segments == {"cold": 40}  # 16 interactions each
    for row in report.rows:
        assert row.segments["cold"].mean == pytest.approx(row.measures["ndcg@10"].mean)


def test_no_step_recommends_what_was_consumed() -> None:
    before, _ = WORLD.interactions.split(0.2)
    snapshot = fit(WORLD, before, seed=1)
    for user in range(10):
        context = context_of(WORLD, before, user)
        for name, items in steps(context, snapshot).slates.items():
            slate = items.tolist()
            assert len(slate) == len(set(slate)), name
            assert not set(slate) & set(context.history.tolist()), name


def test_the_popularity_row_is_what_a_plain_count_gives(report: Report) -> None:
    before, after = WORLD.interactions.split(0.2)
    popularity = fit(WORLD, before, seed=1).popularity
    values = []
    for user in range(before.n_users):
        scores = popularity.copy()
        scores[before.of_user(user)] = -1
        slate = np.argsort(-scores, kind="stable")
        values.append(ndcg(slate, after.of_user(user), 10))
    assert rows(report)["popularity"].measures["ndcg@10"].mean == pytest.approx(np.mean(values))


def test_a_plot_is_drawn_in_the_format_of_its_suffix(report: Report, tmp_path: Path) -> None:
    assert plot(report, tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in plot(report, tmp_path / "a.svg").read_bytes()


def test_the_page_shows_every_recommender_and_the_picture(report: Report) -> None:
    written = page(report, "a.svg")
    assert "![every measure](a.svg)" in written
    for row in report.rows:
        assert f"| {row.name} | " in written
    assert "| oracle | 3 | 1.000 | clairvoyance 1 |" in written


@pytest.mark.slow
def test_movielens_reaches_the_promised_figures() -> None:
    report = evaluate(movielens.fetch())
    found = {name: row.measures for name, row in rows(report).items()}
    assert report.users == 943
    assert found["popularity"]["ndcg@10"].mean == pytest.approx(0.12, abs=0.005)
    ranked, varied = found[RANKED], found["retrieval + ranker + MMR"]
    assert ranked["ndcg@10"].mean >= 0.26
    for name in ("popularity", "vector", "cooccurrence", "retrieval"):
        assert ranked["ndcg@10"].mean > found[name]["ndcg@10"].mean + 0.01, name
        assert ranked["recall@50"].mean > found[name]["recall@50"].mean, name
    assert varied["ndcg@10"].mean > 0.95 * ranked["ndcg@10"].mean
    assert varied["ild"].mean > ranked["ild"].mean + 0.03
