"""Why a row has the score it has."""

from ranking.explain.contributions import Contributions, contributions

__all__ = ["Contributions", "contributions"]
