"""Which settings one request is answered by, and whether it counts for an experiment."""

from typing import NamedTuple

from ranking.experiments import CONTROL, assign
from ranking.surfaces import Surface, Surfaces


class Choice(NamedTuple):
    """``surface`` is what to answer by, ``variant`` its name, "control" where there is none.

    ``experiment`` is the salt under which the exposure is noted, None where the request does not
    count. With a ``rival`` the slate is drafted from this one's and the rival's.
    """

    surface: Surface
    variant: str = CONTROL
    experiment: str | None = None
    rival: Choice | None = None

    @property
    def arm(self) -> str:
        """Return what is told to the client and noted: of a draft it is the rival's name."""
        return self.variant if self.rival is None else self.rival.variant


def choose(surfaces: Surfaces, name: str, user_id: str | None) -> Choice:
    """Choose by user, so that everybody stays in the arm they are in, on every replica.

    A session without a user gets the surface itself and does not count: nothing of it stays the
    same from one request to the next, so it cannot be kept in an arm. A shadow experiment changes
    nothing here.

    Raises:
        KeyError: there is no such surface.
    """
    surface = surfaces.by_name[name]
    experiment = surface.experiment
    if experiment is None or experiment.kind == "shadow" or user_id is None:
        return Choice(surface)
    arm = assign(experiment, user_id)
    variant = surfaces.variants.get((name, arm))  # control and the holdout have no settings
    if variant is None:
        return Choice(surface, arm, experiment.salt)
    if experiment.kind == "interleaving":
        return Choice(surface, CONTROL, experiment.salt, Choice(variant, arm))
    return Choice(variant, arm, experiment.salt)
