"""Experiments: who sees which variant of a surface, and what came of it."""

from ranking.experiments.settings import Experiment, Variant

__all__ = ["Experiment", "Variant"]
