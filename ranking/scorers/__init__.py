"""The scorer role: a callable with ``columns`` that maps rows float32[n, f] to scores float32[n].

The same length and order comes out as went in, and each row's score depends on that row alone,
so that any split of the rows over threads gives the same bits. ``rows_per_block`` says how many
rows it does at the cost of one: cutting elsewhere than at its multiples would waste work.
"""

from ranking.scorers.factorisation import FactorisationScorer
from ranking.scorers.forest import ForestScorer
from ranking.scorers.function import FunctionScorer
from ranking.scorers.linear import LinearScorer
from ranking.scorers.mlp import MlpScorer
from ranking.scorers.stored import StoredScorer, restore

__all__ = [
    "FactorisationScorer",
    "ForestScorer",
    "FunctionScorer",
    "LinearScorer",
    "MlpScorer",
    "StoredScorer",
    "restore",
]
