"""What the numpy recipe and the pipeline of `training.pipeline` must agree on.

The pipeline runs on another Python: nothing may be imported here.
"""

NEIGHBOURS = 100
"""Neighbours that are kept of each item."""
REACH = 40
"""How many places apart in one user's sequence two items may stand."""
FADE = 15.0
"""Places apart after which a pair counts 1/e."""
BACK = 0.3
"""How much a pair counts for the later item: what came before says less of what comes next."""
SHRINKAGE = 10.0
"""Pretended co-occurrences of nothing: keeps rare pairs from looking certain."""

HALF_LIFE_DAYS = 180.0
"""After so long an interaction says half as much of its item's popularity."""

CUTS = 3
"""How many moments in each user's past examples are taken from."""
SHARE = 0.2
"""The part of the interactions behind a cut: what the examples' labels come from."""
NEGATIVES = 100
"""Candidates not consumed that are kept for each request."""

DIMENSIONS = 32
"""The length of an embedding."""
SWEEPS = 10
"""Times that both sides of the factorisation are solved."""
UNSEEN_WEIGHT = 0.3
"""How much an item not consumed counts as evidence of no interest; a consumed one adds 1."""
REGULARISATION = 0.015
"""Of the factorisation, per interaction of a row."""
