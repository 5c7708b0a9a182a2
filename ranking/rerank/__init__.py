"""Re-rankers: from scored candidates to a slate that is not all of one kind."""

from ranking.rerank.dpp import dpp
from ranking.rerank.mmr import mmr

__all__ = ["dpp", "mmr"]
