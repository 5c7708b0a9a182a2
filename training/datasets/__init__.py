"""Data sets: MovieLens for a first run, any tables of one's own after that."""

from training.datasets.dataset import Dataset

__all__ = ["Dataset"]
