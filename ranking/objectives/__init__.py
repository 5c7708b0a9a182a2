"""Objectives: what candidates are scored by, beside the model or in its place."""

from ranking.objectives.names import available, check_scoring
from ranking.objectives.objectives import Objectives
from ranking.objectives.settings import MODEL, ScoringSettings

__all__ = ["MODEL", "Objectives", "ScoringSettings", "available", "check_scoring"]
