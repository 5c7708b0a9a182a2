"""How good the recommendations are, step by step, and beside those of others."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from ranking.retrieval import SOURCES
from training.datasets import Dataset
from training.judge import Judge
from training.measure import Recommender, measure
from training.peers.exchange import Lists
from training.progress import Progress, silent
from training.reach import reach
from training.replay import context_of
from training.report import Report, Tuned
from training.segments import segments
from training.steps import STAGES, steps
from training.train import SEED, learn

SHARE: Final = 0.2

PROTOCOL: Final = (
    "test: the last 20 % of each user's interactions by time; trained on the rest, whose items are "
    "masked; every interaction counts as relevant; ideal DCG over min(10, test items); means over "
    "users with 95 % percentile intervals of 2000 bootstrap resamples of users; novelty (bits), "
    "ild (1 - cosine of embeddings), serendipity, miscalibration (KL), coverage, gini and "
    "popularity_lift over the first 10"
)


def evaluate(
    dataset: Dataset,
    seed: int = SEED,
    progress: Progress = silent,
    peers: Mapping[str, Lists] | None = None,
) -> Report:
    """Learn from the first 80 % of each user's interactions, test on the rest.

    ``peers`` are what others, who learnt from the same 80 %, recommend to each user of the data
    set: they are measured alike.
    """
    peers = peers or {}
    before, after = dataset.interactions.split(SHARE)
    snapshot, _ = learn(dataset, before, seed, progress)
    users = np.flatnonzero(np.diff(after.offsets)).tolist()
    answers = []
    for done, user in enumerate(users):
        progress("evaluate", done, len(users))
        answers.append(steps(context_of(dataset, before, user), snapshot))
    progress("evaluate", len(users), len(users))
    judge = Judge.of(snapshot, before, after)
    ours = [
        Recommender(
            name, "stage" if name in STAGES else "source", [one.slates[name] for one in answers]
        )
        for name in (*SOURCES, *STAGES)
    ]
    theirs = [
        Recommender(
            name,
            "helped peer" if lists.helped else "peer",
            [row[row >= 0].astype(np.int64) for row in lists.items[users]],
        )
        for name, lists in peers.items()
    ]
    rows, comparisons = measure([*ours, *theirs], judge, seed)
    return Report(
        protocol=PROTOCOL,
        data=dataset.name,
        users=len(users),
        segments={name: int(mask.sum()) for name, mask in segments(judge.histories).items()},
        rows=rows,
        reach=reach([one.candidates for one in answers], judge.relevant),
        comparisons=comparisons,
        tuned=tuple(
            Tuned(name, one.trials, one.parameters, one.validation_ndcg_10)
            for name, one in peers.items()
        ),
    )
