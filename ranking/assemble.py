"""The ranker's rows: one function, called by training and by every request alike."""

import numpy as np

from features.types import Candidates, Context, FeatureBlock, Mask, Rows
from ranking.columns import CROSS, EXTRA, LIVE, SOURCE_NAMES
from ranking.freshness import write_freshness
from ranking.live import write_live
from ranking.places import write_places
from ranking.profile import Profile
from ranking.retrieval import opinions
from ranking.snapshot import Snapshot
from ranking.taste import write_taste
from ranking.write import all_finite, write


def assemble(
    context: Context, candidates: Candidates, item_rows: Rows, present: Mask, snapshot: Snapshot
) -> FeatureBlock:
    """Make one row per candidate: source scores, crosses with the history, item and user row.

    Args:
        context: the asker.
        candidates: n of them.
        item_rows: float32[n, w], the candidates' stored rows, or the schema's defaults.
        present: bool[n], False where the defaults stand in.
        snapshot: supplies the rest; its scorer decides which columns, and no group is computed
            of which it wants none.

    Returns a block whose rows are float32[n, f], C-contiguous and finite: a value that is not
    a finite number counts as 0. They are ``item_rows`` itself where those are all that is wanted.

    A source's score is asked for every candidate, whoever offered it, so that a row means the
    same in a recommendation and in the ranking of a caller's own candidates.
    """
    wanted, items = snapshot.wanted, candidates.items
    if wanted.item_rows_alone and all_finite(item_rows):
        return FeatureBlock(items, item_rows, present)
    extra = len(EXTRA) if wanted.any_live or wanted.any_fresh else 0
    crosses = np.empty((len(items), len(CROSS) + extra), np.float32)
    sources = len(SOURCE_NAMES)
    if wanted.any_opinion:
        scores = opinions(context, snapshot, items)
        crosses[:, :sources] = scores.T
        write_places(scores, crosses, sources)
    profile = Profile.of(context, snapshot)
    if wanted.any_taste:
        write_taste(context, profile, items, item_rows, snapshot, crosses)
    if wanted.any_live:
        write_live(context.live, items, crosses, len(CROSS))
    if wanted.any_fresh:
        write_freshness(context, item_rows, snapshot, crosses, len(CROSS) + len(LIVE))
    rows = np.empty((len(items), len(snapshot.scorer.columns)), np.float32)
    write(crosses, item_rows, context.user_row, profile.numbers, *wanted.targets, rows)
    return FeatureBlock(items, rows, present)
