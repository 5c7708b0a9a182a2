"""Vectors beyond this machine's memory: a Redis 8 vector set as a source of candidates.

A surface names it like any function of one's own: ``function = "service.vectors:nearest"``.
"""

from service.vectors.nearest import nearest
from service.vectors.vector_set import VectorSet

__all__ = ["VectorSet", "nearest"]
