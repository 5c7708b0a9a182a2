"""One page within its rules: lays a pool of candidates out for the kernel, and tells what broke."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.types import Items, Scores
from ranking.rerank.blocks import Blocks, lay_out, scale
from ranking.rerank.calibration import no_proportions, proportions
from ranking.rerank.compiled import CompiledRules
from ranking.rerank.dpp import STEEPEST
from ranking.rerank.groups import Groups, Limit, exceed, group
from ranking.rerank.ramp import RAMP, strengths
from ranking.rerank.within import DPP, MMR, Explored, Promised, pick_within
from ranking.topk import Picks

_ROUNDING: Final = 1e-9  # a tenth of ten places is one place
_NO_QUALITY: Final = np.empty(0, np.float64)


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is to be filled with, whatever pool it is filled from.

    ``worths`` float32[n] order the candidates ``items`` int64[n]; ``slate`` int64[k] holds the
    pinned ones, else -1. ``above`` int64[b] are the items right above the page. ``explored`` is of
    all candidates; ``diversity`` goes by ``directions`` float32[n_items, d]. ``first`` is its top
    place, counted from 0 at the top of the first page.
    """

    items: Items
    worths: Scores
    slate: Picks
    above: Items
    history: Items
    explored: Explored
    rules: CompiledRules
    diversity: float
    first: int
    directions: NDArray[np.float32]


def pick(page: Page, pool: Picks, competing: int) -> tuple[Picks, NDArray[np.int8], list[str]]:
    """Return the picks int64[k], why each stands there int8[k], and the names of broken rules.

    ``pool`` int64[m] are candidates, best first, and whoever is pinned; those from ``competing`` on
    are only picked so that no rule breaks.
    """
    rules, before, k = page.rules, len(page.above), len(page.slate)
    items = np.concatenate((page.items[pool], page.above))
    limits = (*rules.limits, *(promotion.limit(k) for promotion in rules.promoted))
    by = group(limits, items)
    slate = np.full(before + k, -1, np.int64)
    slate[:before] = np.arange(len(pool), len(items))
    place_of = np.full(len(page.items), -1, np.int64)
    place_of[pool] = np.arange(len(pool))
    pinned = np.flatnonzero(page.slate >= 0)
    slate[before + pinned] = place_of[page.slate[pinned]]

    promised = _promised(page, by, slate[before:], len(pool))
    blocks = _blocks(page, pool, items, competing)
    diversity, method = page.diversity, DPP if rules.rules.method == "dpp" else MMR
    method = method if diversity else MMR
    places = strengths(diversity, RAMP, page.first, k)
    strength, shares = 0.0, no_proportions(len(items))
    if rules.rules.calibration is not None and rules.calibrated is not None:
        shares = proportions(rules.calibrated, page.history, items)
        if len(shares.labels):
            strength = rules.rules.calibration.strength
            blocks.relevance[:] *= np.float32(1.0 - strength)
    quality, weight = _NO_QUALITY, strength
    if method == DPP:
        steepness = min((1.0 - diversity) / diversity, STEEPEST)
        quality = np.exp(steepness * (blocks.relevance.astype(np.float64) - 1.0))
        weight = steepness * strength
        places[:] = diversity
    explored = Explored(page.explored.places, page.explored.draws[pool])
    moves = np.empty(k, np.int8)
    pick_within(
        blocks, quality, competing, method, places, by, promised, shares, weight, explored,
        before, slate, moves,
    )  # fmt: skip
    picks: Picks = pool[slate[before:]]
    return picks, moves, _broken(page, picks, by, limits, slate)


def _blocks(page: Page, pool: Picks, items: Items, competing: int) -> Blocks:
    """Lay out the pool and what stands above it; the competing ones are relevant from 0 to 1."""
    relevance = np.full(len(items), np.nan, np.float32)
    relevance[: len(pool)] = page.worths[pool]
    flat = page.directions[:, :0]  # nothing to compare
    vectors = (page.directions if page.diversity else flat).take(items, axis=0)
    blocks = lay_out(relevance, vectors)
    if competing < len(pool):
        scale(relevance[:competing], blocks.relevance, blocks.may_pick)
        reserve = relevance[competing : len(pool)].astype(np.float64)
        high, low = (float(relevance[n]) for n in (0, competing - 1))
        lower = (reserve - low) / (high - low) if high > low else reserve - low
        blocks.relevance[competing : len(pool)] = lower
        blocks.may_pick[competing : len(pool)] = 0.0
    return blocks


def _promised(page: Page, by: Groups, slate: Picks, size: int) -> Promised:
    """Spread what is promised at least evenly: each page's head has its share of it, too."""
    first = len(page.rules.limits)
    named = [n for n, each in enumerate(page.rules.promoted) if each.rule.at_least > 0]
    groups = np.array([np.searchsorted(by.limit, first + n) for n in named], np.int64)
    owed = np.zeros((len(named), len(slate)), np.int64)
    for row, (n, of) in enumerate(zip(named, groups, strict=True)):
        members = np.zeros(len(by.starts) - 1, np.bool_)
        members[by.members[by.firsts[of] : by.firsts[of + 1]]] = True
        pinned = slate >= 0
        held = pinned & members[slate]
        left = int(np.count_nonzero(members[:size])) - int(np.count_nonzero(held))
        share = page.rules.promoted[n].rule.at_least
        required = np.floor(share * np.arange(1, len(slate) + 1) + _ROUNDING).astype(np.int64)
        required[-1] = _least(share, len(slate))
        owed[row] = np.clip(required - np.cumsum(held), 0, left)
    return Promised(groups, owed)


def _least(share: float, places: int) -> int:
    return ceil(share * places - _ROUNDING)


def _broken(
    page: Page, picks: Picks, by: Groups, limits: Sequence[Limit], slate: Picks
) -> list[str]:
    """Name the rules that the slate, with what stands above it, does not keep."""
    before = len(page.above)
    exceeded = np.zeros(len(limits), np.bool_)
    exceed(by, slate, before, exceeded)
    broken = [limits[n].name for n in np.flatnonzero(exceeded).tolist()]
    for promotion in page.rules.promoted:
        promised = _least(promotion.rule.at_least, len(picks))
        if np.count_nonzero(promotion.items[page.items[picks]]) < promised:
            broken.append(promotion.name)
    return list(dict.fromkeys(broken))
