"""How good the recommendations are, step by step, through the functions that serve them."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from features.types import Context, Items
from ranking.masks import blocked
from ranking.rerank import depth_for, fill
from ranking.retrieval import SOURCES, fuse, retrieve
from ranking.snapshot import Snapshot
from ranking.topk import top_k
from training import metrics
from training.datasets import Dataset
from training.interactions import Interactions
from training.progress import Progress, silent
from training.replay import context_of, rows_of
from training.train import SEED, learn

SHARE: Final = 0.2
DEPTH: Final = 50
DIVERSITY: Final = 0.3
"""A request's default for MMR."""
SLATE: Final = 10
"""The slate's length that decides how many candidates compete for it."""

PROTOCOL: Final = (
    "test: the last 20 % of each user's interactions by time; trained on the rest, whose items are "
    "masked; every interaction counts as relevant; ideal DCG over min(10, test items); means over "
    "users; coverage, novelty (bits) and ild (1 - cosine of embeddings) over the first 10"
)


class Row(
    msgspec.Struct,
    frozen=True,
    rename={"ndcg_10": "ndcg@10", "recall_10": "recall@10", "recall_50": "recall@50"},
):
    """One step's measures, each a mean over users."""

    name: str
    ndcg_10: float
    recall_10: float
    recall_50: float
    mrr: float
    coverage: float
    novelty: float
    ild: float


class Report(msgspec.Struct, frozen=True):
    """The evaluation: `msgspec.json.encode` makes what ``braid evaluate --json`` prints."""

    protocol: str
    data: str
    users: int
    rows: tuple[Row, ...]


type Step = Callable[[Context, Snapshot], Items]
"""A way to fill a slate: the best 50 items or fewer, best first."""


def evaluate(dataset: Dataset, seed: int = SEED, progress: Progress = silent) -> Report:
    """Learn from the first 80 % of each user's interactions, test on the rest."""
    before, after = dataset.interactions.split(SHARE)
    snapshot, _ = learn(dataset, before, seed, progress)
    users = np.flatnonzero(np.diff(after.offsets))
    contexts = [context_of(dataset, before, int(user)) for user in users]
    relevant = [after.of_user(int(user)) for user in users]
    rows: list[Row] = []
    for done, (name, step) in enumerate(steps().items()):
        progress("evaluate", done, len(steps()))
        slates = [step(context, snapshot) for context in contexts]
        rows.append(_measure(name, slates, relevant, snapshot, before))
    progress("evaluate", len(rows), len(rows))
    return Report(PROTOCOL, dataset.name, len(users), tuple(rows))


def steps() -> dict[str, Step]:
    """Return each step by name, from the plainest to the whole pipeline."""
    return {
        "popularity": _source("popularity"),
        "vector": _source("vector"),
        "cooccurrence": _source("cooccurrence"),
        "retrieval": _retrieval,
        "retrieval + ranker": _ranked,
        "retrieval + ranker + MMR": _diversified,
    }


def _source(name: str) -> Step:
    def slate(context: Context, snapshot: Snapshot) -> Items:
        return SOURCES[name](context, snapshot, blocked(context, snapshot), DEPTH).items

    return slate


def _retrieval(context: Context, snapshot: Snapshot) -> Items:
    candidates = retrieve(context, snapshot)
    return candidates.items[top_k(fuse(candidates), DEPTH)]


def _ranked(context: Context, snapshot: Snapshot) -> Items:
    block = rows_of(context, retrieve(context, snapshot), snapshot)
    return block.items[top_k(snapshot.scorer(block.rows), DEPTH)]


def _diversified(context: Context, snapshot: Snapshot) -> Items:
    block = rows_of(context, retrieve(context, snapshot), snapshot)
    scores = snapshot.scorer(block.rows)
    depth = depth_for(SLATE)
    return block.items[fill(block.items, scores, snapshot.directions, DEPTH, DIVERSITY, depth)]


def _measure(
    name: str,
    slates: list[Items],
    relevant: list[Items],
    snapshot: Snapshot,
    before: Interactions,
) -> Row:
    pairs = list(zip(slates, relevant, strict=True))
    n_items = len(snapshot.catalogue)
    novelty = metrics.self_information(np.bincount(before.items, minlength=n_items), before.n_users)
    shown = np.unique(np.concatenate([slate[:10] for slate in slates]))
    return Row(
        name=name,
        ndcg_10=float(np.mean([metrics.ndcg(*pair, 10) for pair in pairs])),
        recall_10=float(np.mean([metrics.recall(*pair, 10) for pair in pairs])),
        recall_50=float(np.mean([metrics.recall(*pair, 50) for pair in pairs])),
        mrr=float(np.mean([metrics.reciprocal_rank(*pair) for pair in pairs])),
        coverage=len(shown) / n_items,
        novelty=float(np.mean([novelty[slate[:10]].mean() for slate in slates if len(slate)])),
        ild=float(
            np.mean(
                [metrics.intra_list_distance(snapshot.directions[slate[:10]]) for slate in slates]
            )
        ),
    )
