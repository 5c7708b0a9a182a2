"""docs/scoring.md says what the code does, and its examples run."""

import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np

from features.events import WEIGHTS
from features.served_features import RECORDS_KEPT
from features.types import Live
from ranking.artifact import read
from ranking.columns import EXTRA
from ranking.live import PRIOR_CLICKS, PRIOR_IMPRESSIONS
from ranking.objectives import Objectives, ScoringSettings, available, check_scoring
from ranking.scorers import LinearScorer
from ranking.surfaces import parse
from ranking.view import view_mask
from tests.ranking.snapshots import COLUMNS, context, snapshot
from tests.training.worlds import small_world
from training import publish as publishing
from training.fit import fit
from training.served import LARGEST_LABEL, WITHIN_S

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scoring.md").read_text()
SCORING, VIEW = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[CODE] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_s_surfaces_can_be_read() -> None:
    scoring = parse(SCORING).by_name["home"].scoring
    assert scoring.objectives == {"model": 1.0, "trend": 0.2, "item.price": -0.1}
    assert (scoring.light_keeps, scoring.light_weights) == (300, {"trending": 0.5})
    view = parse(VIEW).by_name["kiosk"].features
    seen = view_mask(view, (*COLUMNS, *EXTRA))
    assert seen.any()
    assert not seen.all()


def test_the_page_tells_of_every_setting_and_every_column() -> None:
    for field in msgspec.structs.fields(ScoringSettings):
        assert f"`{field.name}`" in PAGE
    section = PAGE.partition("## Features of the moment")[2].partition("## A view")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`([^`]+)`", row)] == [*EXTRA]


def test_the_page_s_scores_are_those_of_its_formula() -> None:
    table = re.search(r"\| model \| trend \| score \|\n\|[-|]+\n((?:\|.*\n)+)", PAGE)
    assert table is not None
    rows = [[float(cell) for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    model, trend, expected = np.array(rows).T
    made = snapshot(4)
    ready = Objectives.of(ScoringSettings(objectives={"model": 1.0, "trend": 0.5}), made)
    values = ready.room(4)
    values[0] = model
    nothing = np.zeros((2, 4), np.float32)
    live = Live(
        nothing,
        nothing,
        np.expm1(trend).astype(np.float32),
        np.empty(0, np.int64),
    )
    asker = replace(context(), live=live)
    found = ready.total(values, asker, np.arange(4), made.item_rows)
    np.testing.assert_allclose(found, expected, atol=6e-4)


def test_the_page_s_words_are_the_code_s() -> None:
    made = snapshot()
    [complaint] = check_scoring(ScoringSettings(objectives={"modle": 1.0}), made)
    assert f"`{complaint}`" in PAGE
    prior = f"(clicks + {PRIOR_CLICKS:g}) / (impressions + {PRIOR_IMPRESSIONS:g})"
    assert prior in PAGE
    assert f"the last {RECORDS_KEPT:,} or so" in PAGE
    weights = [WEIGHTS[kind] for kind in ("view", "click", "rating", "purchase")]
    assert weights == [1, 2, 2, 5]
    assert f"up to {LARGEST_LABEL};" in PAGE
    assert WITHIN_S == 1800
    assert {"model", "trend", "ctr", "item.year"} <= set(available(made))


def test_the_page_s_artifact_has_two_rankers(tmp_path: Path) -> None:
    module = ModuleType("own")
    module.__dict__["publish"] = publishing.publish
    exec(compile(CODE, "scoring.md", "exec"), module.__dict__)  # noqa: S102  our own page
    world = small_world()
    made = fit(world, world.interactions, seed=1)
    margin = LinearScorer(np.ones(len(made.columns)), 0.0, made.columns)
    path = module.publish_two(tmp_path, world, made, None, margin)
    assert "margin" in available(read(path))
