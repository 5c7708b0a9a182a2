"""What `GET /v1/experiments` says: who is in which arm, and what the shadows found."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from ranking.experiments import shares_of
from ranking.surfaces import Surfaces
from service.experiments.findings import Findings


class Challenger(msgspec.Struct, frozen=True):
    """A shadow's challenger: ``model`` is None for the served model under other settings.

    ``refused`` says why it cannot be used; ``findings`` are None before the first comparison.
    """

    model: str | None
    share: float
    ready: bool
    refused: str | None
    findings: Findings | None


class Running(msgspec.Struct, frozen=True):
    """One surface's experiment: shares of users by arm, and slates by arm since the start, here."""

    surface: str
    experiment: str
    kind: str
    shares: dict[str, float]
    slates: dict[str, int]
    shadow: Challenger | None


class ExperimentsAnswer(msgspec.Struct, frozen=True):
    """All of them, as this replica knows them."""

    replica: str
    experiments: list[Running]


def listing(
    replica: str,
    surfaces: Surfaces,
    slates: Iterable[Mapping[tuple[str, str], int]],
    challengers: Mapping[str, Challenger],
) -> ExperimentsAnswer:
    """Bring together settings, each event loop's counts by surface and arm, and challengers."""
    total = Counter[tuple[str, str]]()
    for counts in slates:
        total.update(dict(counts))
    running = []
    for name, surface in sorted(surfaces.by_name.items()):
        experiment = surface.experiment
        if experiment is None:
            continue
        dealt = experiment.kind != "shadow"
        shares = shares_of(experiment) if dealt else {}
        shown = {arm: total[name, arm] for arm in shares}
        challenger = None if dealt else challengers.get(name)
        running.append(Running(name, experiment.salt, experiment.kind, shares, shown, challenger))
    return ExperimentsAnswer(replica, running)
