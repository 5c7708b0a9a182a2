"""What a surface's model may not see reads 0."""

import numpy as np
import pytest

from features.types import FeatureBlock
from ranking.view import veil, view_mask
from tests.ranking.snapshots import COLUMNS

ROWS = np.random.default_rng(0).normal(size=(300, len(COLUMNS))).astype(np.float32)
BLOCK = FeatureBlock(np.arange(300), ROWS, np.ones(300, np.bool_))


@pytest.mark.parametrize("patterns", [("item.*", "taste.last"), ("*",), ("gap.y*", "user.a?e")])
def test_columns_out_of_view_read_zero_and_the_others_as_they_are(
    patterns: tuple[str, ...],
) -> None:
    mask = view_mask(patterns, COLUMNS)
    seen = veil(BLOCK, np.flatnonzero(~mask))
    assert seen.rows.tobytes() == np.where(mask, ROWS, np.float32(0)).tobytes()
    assert seen.items is BLOCK.items


def test_a_view_of_everything_is_the_block_itself() -> None:
    assert view_mask(("*",), COLUMNS).all()
    assert veil(BLOCK, np.flatnonzero(~view_mask(("*",), COLUMNS))) is BLOCK


def test_the_rows_themselves_are_left_alone() -> None:
    before = ROWS.tobytes()
    assert not veil(BLOCK, np.arange(len(COLUMNS))).rows.any()
    assert ROWS.tobytes() == before


def test_patterns_choose_columns_by_name() -> None:
    mask = view_mask(("source.*", "item.genre=[ab]"), COLUMNS)
    seen = {name for name, shown in zip(COLUMNS, mask.tolist(), strict=True) if shown}
    assert seen == {n for n in COLUMNS if n.startswith("source.")} | {
        "item.genre=a",
        "item.genre=b",
    }


def test_a_pattern_that_nothing_matches_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"matches 'itme\.\*'; there are source\.\*, rank\.\*"):
        view_mask(("*", "itme.*"), COLUMNS)
