"""A new model, if it is no worse than the one that is serving."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from ranking.artifact import StoredRows
from ranking.golden import Golden, golden_requests
from ranking.snapshot import Snapshot
from training.datasets import Dataset
from training.progress import Progress, silent
from training.publish import publish
from training.rivals import Verdict, compare, cut
from training.stored import as_stored
from training.train import learn

type Gate = Callable[[Snapshot, list[Golden]], None]
"""Raises where a model must not serve."""


class Worse(Exception):
    """The candidate ranks worse than the serving model beyond the interval: it is not published."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        low, high = verdict.difference.low, verdict.difference.high
        super().__init__(
            f"the candidate's NDCG@10 is {verdict.candidate.mean:.4f}, that of "
            f"{verdict.serving_version} {verdict.serving.mean:.4f} ({low:+.4f} to {high:+.4f} over "
            f"{verdict.users} users): not published"
        )


def retrain(
    dataset: Dataset,
    serving: Snapshot,
    stored: StoredRows,
    gate: Gate,
    folder: Path,
    seed: int,
    progress: Progress = silent,
) -> tuple[Path, Verdict]:
    """Learn, compare with the serving model and its ``stored`` histories, gate, publish.

    The candidate that is compared has learnt from all but what users took last; the one that is
    published, by the same recipe and seed, from everything. Its manifest holds the verdict.

    Raises:
        Worse: by more than chance would make it; DataError: nothing new to compare on; and
            whatever the gate raises. Nothing is published then.
    """
    before, relevant = cut(dataset, stored)
    candidate, _ = learn(dataset, before, seed, progress)
    verdict = compare(dataset, before, relevant, candidate, serving, stored, seed, progress)
    if verdict.worse:
        raise Worse(verdict)
    snapshot, model_text = learn(dataset, dataset.interactions, seed, progress)
    gate(snapshot, golden_requests(as_stored(dataset, dataset.interactions)))
    metrics = {"retrain": msgspec.to_builtins(verdict)}
    path = publish(folder, dataset, dataset.interactions, snapshot, model_text, metrics)
    return path, verdict
