"""A boosted forest as a kernel: LightGBM's model text in, one raw score per row out."""

from ranking.forest.parse import Forest, ModelRejected, Tree, parse

__all__ = ["Forest", "ModelRejected", "Tree", "parse"]
