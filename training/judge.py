"""The one measure that every recommender is held against, ours and others' alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Items
from ranking.snapshot import Snapshot
from training import metrics
from training.interactions import Interactions

type Slates = Sequence[Items]
"""One slate per user, best first; an item at most once."""

type PerUser = dict[str, NDArray[np.float64]]

SHOWN: Final = 10
"""How many items people look at: the measures beyond accuracy are of these."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What n users did before and after, and what is needed to judge what they are shown.

    ``histories`` and ``relevant`` are the items before and after the cut; ``novelty`` float64[i]
    is each item's in bits, ``popularity`` float64[i] its share of the users, ``labels``
    float64[i, a] its attributes, a row's sum being 1 or 0. ``directions`` float32[i, d] tell which
    items are alike. ``expected`` is what popularity alone shows each user.
    """

    histories: Slates
    relevant: Slates
    novelty: NDArray[np.float64]
    popularity: NDArray[np.float64]
    labels: NDArray[np.float64]
    directions: NDArray[np.float32]
    expected: Slates

    @classmethod
    def of(cls, snapshot: Snapshot, before: Interactions, after: Interactions) -> Judge:
        """Judge the users who have something after the cut."""
        users = np.flatnonzero(np.diff(after.offsets)).tolist()
        histories = [before.of_user(user) for user in users]
        consumers = np.bincount(before.items, minlength=len(snapshot.catalogue))
        attributes = snapshot.attributes.astype(np.float64)
        popular = np.argsort(-consumers, kind="stable")
        return cls(
            histories=histories,
            relevant=[after.of_user(user) for user in users],
            novelty=metrics.self_information(consumers, before.n_users),
            popularity=consumers / max(before.n_users, 1),
            labels=attributes / np.maximum(attributes.sum(axis=1, keepdims=True), 1.0),
            directions=snapshot.directions,
            expected=[_first_new(popular, history) for history in histories],
        )

    def per_user(self, slates: Slates) -> PerUser:
        """Return each measure's values float64[n], by the measure's usual name."""
        judged = [self._of_one(user, slate) for user, slate in enumerate(slates)]
        return {name: np.array([one[name] for one in judged]) for name in judged[0]}

    def over_all(self, slates: Slates) -> dict[str, float]:
        """Return what no single user's slate has: how the catalogue is used.

        ``popularity_lift`` is how much more popular what is shown is than what these users had
        chosen themselves (Abdollahpouri et al., RMSE workshop 2019): 0 is no bias, 1 is twice.
        """
        shown = np.concatenate([slate[:SHOWN] for slate in slates])
        exposures = np.bincount(shown, minlength=len(self.novelty))
        return {
            "coverage": float((exposures > 0).mean()),
            "gini": metrics.gini(exposures),
            "popularity_lift": self._mean_popularity(slates)
            / max(self._mean_popularity(self.histories, None), 1e-12)
            - 1.0,
        }

    def _mean_popularity(self, lists: Slates, first: int | None = SHOWN) -> float:
        means = [self.popularity[items[:first]].mean() for items in lists if len(items)]
        return float(np.mean(means)) if means else 0.0

    def _of_one(self, user: int, slate: Items) -> dict[str, float]:
        relevant, shown = self.relevant[user], slate[:SHOWN]
        taste, mirrored = (
            self.labels[items].sum(axis=0) for items in (self.histories[user], shown)
        )
        return {
            "ndcg@10": metrics.ndcg(slate, relevant, 10),
            "recall@10": metrics.recall(slate, relevant, 10),
            "recall@50": metrics.recall(slate, relevant, 50),
            "mrr": metrics.reciprocal_rank(slate, relevant),
            "novelty": float(self.novelty[shown].mean()) if len(shown) else 0.0,
            "ild": metrics.intra_list_distance(self.directions[shown]),
            "serendipity": metrics.serendipity(shown, relevant, self.expected[user]),
            "miscalibration": metrics.miscalibration(taste, mirrored),
        }


def _first_new(ranked: Items, history: Items) -> Items:
    """Return the first ten that are not in the history; the history has no repeats."""
    head = ranked[: SHOWN + len(history)]
    return head[~np.isin(head, history)][:SHOWN]
