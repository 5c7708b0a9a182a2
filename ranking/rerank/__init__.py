"""Re-rankers: from scored candidates to a slate that is not all of one kind."""

from ranking.rerank.mmr import mmr

__all__ = ["mmr"]
