"""When and where kernels are compiled."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ranking.cold import measure
from ranking.commonness import weigh_attributes
from ranking.forest.kernel import score
from ranking.likeness import liken, loudest
from ranking.places import number, rank
from ranking.profile import summarise
from ranking.rerank.blocks import normalise, scale
from ranking.rerank.dpp import pick_apart
from ranking.rerank.mmr import pick_unlike
from ranking.retrieval.appraise import keep_first
from ranking.retrieval.latest import deal, draw, gather_new
from ranking.retrieval.merge import label, unite
from ranking.retrieval.popularity import first_open
from ranking.retrieval.votes import announce, elect, poll
from ranking.scan.exact import scan
from ranking.scan.rescore import rescore
from ranking.scan.skim import skim
from ranking.scorers.factorisation import interact
from ranking.scorers.linear import weigh
from ranking.scorers.mlp import perceive
from ranking.segments import combine
from ranking.topk import survivors
from ranking.write import all_finite, write

KERNELS = [score, weigh, perceive, interact, survivors, scale, normalise, pick_apart, pick_unlike]
KERNELS += [keep_first, label, unite, first_open, announce, elect, poll]
KERNELS += [loudest, liken, weigh_attributes, rank, number, summarise, all_finite, write]
KERNELS += [scan, skim, rescore, measure, gather_new, draw, deal, combine]

PROBE = """
from ranking.topk import survivors, top_k
import numpy as np
assert top_k(np.array([1, 3, 2], np.float32), 2).tolist() == [1, 2]
print(type(survivors._cache).__name__, len(survivors.stats.cache_hits))
"""


def probe(**environment: str) -> str:
    """Import a kernel in a fresh interpreter; tell its kind of cache and the hits there."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


@pytest.mark.parametrize("compiled", KERNELS, ids=lambda kernel: kernel.__name__)
def test_an_imported_kernel_is_compiled_for_one_signature(compiled: object) -> None:
    assert len(compiled.signatures) == 1  # type: ignore[attr-defined] # a numba dispatcher


def test_a_kernel_refuses_what_it_was_not_compiled_for() -> None:
    with pytest.raises(TypeError, match="No matching definition"):
        survivors(np.zeros(3), 1, 1, np.zeros(9, np.int64))  # type: ignore[arg-type] # on purpose


@pytest.mark.slow
def test_a_second_start_loads_what_the_first_compiled(tmp_path: Path) -> None:
    assert probe(NUMBA_CACHE_DIR=str(tmp_path)) == "FunctionCache 0"
    assert probe(NUMBA_CACHE_DIR=str(tmp_path)) == "FunctionCache 1"


@pytest.mark.slow
def test_a_kernel_works_where_no_cache_can_be_written() -> None:
    # The only locator left is one for source in a zip file: it finds no place, like the others
    # where all is read-only.
    assert probe(NUMBA_CACHE_LOCATOR_CLASSES="ZipCacheLocator") == "NullCache 0"
