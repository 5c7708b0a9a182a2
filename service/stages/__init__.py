"""The stages of the recipe, a file each: functions from one value to the next.

Query -> Context -> Candidates -> FeatureBlock -> Scores -> Slate
"""

from service.stages.context import context_of, read_users
from service.stages.features import block_of, last_known, read_missed
from service.stages.means import Means, Share, serial
from service.stages.rerank import slate_of
from service.stages.retrieve import candidates_of, found_of
from service.stages.score import scores_of

__all__ = [
    "Means",
    "Share",
    "block_of",
    "candidates_of",
    "context_of",
    "found_of",
    "last_known",
    "read_missed",
    "read_users",
    "scores_of",
    "serial",
    "slate_of",
]
