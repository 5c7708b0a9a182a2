"""Every block of code in docs/own-scorer.md does what the page says it does."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ranking.artifact import read
from ranking.scorers import FunctionScorer, MlpScorer
from tests.training.worlds import small_world

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-scorer.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
COLUMNS = ("taste.best", "gap.year", "source.popularity", "item.genre=Comedy", "user.age")


def run(block: str) -> ModuleType:
    """Run a block as a module of its own."""
    module = ModuleType("own")
    module.__dict__["__name__"] = "own"
    exec(compile(block, PAGE.name, "exec"), module.__dict__)  # noqa: S102  our own page
    return module


def test_the_page_has_its_blocks() -> None:
    assert len(BLOCKS) == 6
    assert sum("def score(" in block for block in BLOCKS) == 5


@pytest.mark.parametrize("block", [b for b in BLOCKS if "def score(" in b])
def test_a_scorer_on_the_page_scores_the_same_for_any_split(block: str) -> None:
    scorer = FunctionScorer(run(block).score, COLUMNS, ("user.age",))
    rows = np.random.default_rng(0).integers(0, 2, (300, len(COLUMNS))).astype(np.float32)
    rows[:, :3] += np.random.default_rng(1).random((300, 3), dtype=np.float32)
    rows[:, -1] = 29.0
    scores = scorer(rows)
    assert len(np.unique(scores)) > 100
    parts = [scorer(part) for part in np.split(rows, (1, 128, 128, 299))]
    assert np.concatenate(parts).tobytes() == scores.tobytes()


def test_a_network_is_published_as_the_page_says(tmp_path: Path) -> None:
    (block,) = (block for block in BLOCKS if "def publish_network(" in block)
    artifact = run(block).publish_network(small_world(), tmp_path)
    scorer = read(artifact).scorer
    assert isinstance(scorer, MlpScorer)
    assert np.isfinite(scorer(np.ones((5, 3), np.float32))).all()
