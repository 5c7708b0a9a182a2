"""Re-rankers: from scored candidates to a slate that is not all of one kind."""

from ranking.rerank.dpp import dpp
from ranking.rerank.fill import depth_for, fill
from ranking.rerank.mmr import mmr

__all__ = ["depth_for", "dpp", "fill", "mmr"]
