"""Re-rankers: from scored candidates to a slate that is not all of one kind, within rules."""

from ranking.rerank.arrange import arrange
from ranking.rerank.compiled import CompiledRules, compile_rules
from ranking.rerank.dpp import dpp
from ranking.rerank.faults import Fault, boost_faults, faults, pin_faults
from ranking.rerank.fill import depth_for, fill
from ranking.rerank.mmr import mmr
from ranking.rerank.pins import pins_of
from ranking.rerank.rotation import Showings, showings
from ranking.rerank.rules import Rules

__all__ = [
    "CompiledRules",
    "Fault",
    "Rules",
    "Showings",
    "arrange",
    "boost_faults",
    "compile_rules",
    "depth_for",
    "dpp",
    "faults",
    "fill",
    "mmr",
    "pin_faults",
    "pins_of",
    "showings",
]
