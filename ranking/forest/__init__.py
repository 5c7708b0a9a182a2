"""A boosted forest as a kernel: LightGBM's model text in, one raw score per row out."""

from ranking.forest.parse import parse
from ranking.forest.tree import Forest, ModelRejected, Tree

__all__ = ["Forest", "ModelRejected", "Tree", "parse"]
