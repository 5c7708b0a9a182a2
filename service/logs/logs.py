"""Everything that one event loop tells the store of answers that are made already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from features.store import FeatureStore
from service.answer import Answer
from service.experiments.choose import Choice
from service.experiments.experiments import Experiments
from service.experiments.exposures import ExposureLog
from service.logs.features import FeatureLog
from service.logs.served import ServedLog
from service.state import Serving


@dataclass(frozen=True, slots=True)
class Logs:
    """What was shown to whom, which arm they were in, and what some were ranked by.

    Nobody waits for any of it; what the store does not take is dropped, and counted.
    """

    served: ServedLog
    exposures: ExposureLog
    features: FeatureLog

    @classmethod
    def open(cls, store: FeatureStore, experiments: Experiments, feature_rate: float) -> Self:
        """Make one event loop's logs; ``feature_rate`` is the share of answers whose rows stay."""
        return cls(ServedLog(store), experiments.open_log(store), FeatureLog(store, feature_rate))

    def note(
        self,
        request_id: str,
        answer: Answer,
        choice: Choice,
        serving: Serving,
        now_s: float,
        drafted: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Note an answer; ``drafted`` are the items of an interleaved slate with their teams."""
        user_id, name = answer.query.user_id, answer.plan.name
        now_ms = int(now_s * 1e3)
        served = answer.plan.surface.filters.served
        if user_id is not None and served is not None and served.log:
            ids = serving.snapshot.catalogue.ids
            shown = [item for item, _ in drafted] or [
                ids[item] for item in answer.block.items[answer.slate.picks].tolist()
            ]
            self.served.note(user_id, shown, request_id, name, choice.arm)
        if user_id is not None and choice.experiment is not None:
            self.exposures.note(
                user_id, name, choice.experiment, choice.arm, request_id, now_ms, drafted
            )
        if not drafted:  # what was shown is not what this model picked
            self.features.note(request_id, now_ms, answer, serving.snapshot)

    def counts(self, name: str) -> tuple[int, int]:
        """Return how many records of a log the store took, and how many were dropped."""
        appender = getattr(self, name).appender
        return appender.written, appender.dropped

    async def close(self) -> None:
        """Write what waits."""
        for log in (self.served, self.exposures, self.features):
            await log.appender.close()
