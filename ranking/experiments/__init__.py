"""Experiments: who sees which variant of a surface, and what came of it."""

from ranking.experiments.assign import assign, bucket, shares_of
from ranking.experiments.drift import stability_index
from ranking.experiments.interleave import Pick, preference, team_draft
from ranking.experiments.overlap import jaccard, rank_biased_overlap
from ranking.experiments.settings import CONTROL, HOLDOUT, Experiment, Variant

__all__ = [
    "CONTROL",
    "HOLDOUT",
    "Experiment",
    "Pick",
    "Variant",
    "assign",
    "bucket",
    "jaccard",
    "preference",
    "rank_biased_overlap",
    "shares_of",
    "stability_index",
    "team_draft",
]
