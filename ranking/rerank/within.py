"""The kernel that fills a slate place by place, within rules: MMR or DPP, calibrated, limited."""
# mypy: disable-error-code="no-untyped-call"
# (numba is untyped throughout)

from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from features.kernels import inlined, inputs, kernel, output
from features.types import Mask
from ranking.lanes import CACHE_LINE, LANES, choose, load, spread, store
from ranking.rerank.blocks import Blocks
from ranking.rerank.groups import GROUPS, Groups

# lanes.py: f938b4957a79d83b504ee2106a741e9f0023750d13784fe70bb90dcc4c1099c1

MMR: Final = 0
DPP: Final = 1

BY_SCORE, PIN, EXPLORE, PROMOTED, CAPPED, WINDOWED, CALIBRATED = range(7)
"""Why a pick stands where it does."""

SMOOTHING: Final = 0.01
"""How much of the taste is mixed into the slate's shares, so that none is 0: Steck's alpha."""

_RESERVE, _CAP, _PROMOTION = 1, 1 << 21, 1 << 41  # RESERVE, CAP, PROMOTION of groups.py
_SMALLEST = np.float32(1e-6)  # of a squared distance, as in dpp.py
_NEVER = np.iinfo(np.int64).max

type Floats = NDArray[np.float32]
type Doubles = NDArray[np.float64]
type Indices = NDArray[np.int32]
type Numbers = NDArray[np.int64]


class Promised(NamedTuple):
    """``groups`` int64[p]; ``owed`` int64[p, k]: how many of each the places up to each need.

    Pins are not counted.
    """

    groups: Numbers
    owed: Numbers


class Proportions(NamedTuple):
    """The shares of each label that a candidate has and that the user likes.

    Candidate i has ``pairs[starts[i] : starts[i + 1]]``, int32 each; pair p is a share
    ``shares[p]`` of ``labels[p]``. ``taste`` is float64[l].
    """

    starts: Numbers
    pairs: Indices
    labels: Numbers
    shares: Doubles
    taste: Doubles


class Explored(NamedTuple):
    """``places`` bool[k]: which explore; ``draws`` float64[n], NaN for who takes no part."""

    places: Mask
    draws: Doubles


class _Tally(NamedTuple):
    """``counts`` int64[g] in the slate, ``full`` bool[g], and what each candidate costs."""

    counts: Numbers
    full: Mask
    costs: Numbers


def _tuple(cls: type, *dtypes: object) -> Any:
    return types.BaseTuple.from_types(tuple(map(output, dtypes)), cls)


@inlined
def _part(
    method: int, pick: int, step: int, units: Floats, nearest: Floats, distances: Floats,
    basis: Floats, steps: int,
) -> None:  # fmt: skip
    """Move every candidate away from what was picked, as in mmr.py and dpp.py."""
    size = len(nearest)
    width = len(units) // size
    block, lane = pick // LANES * LANES, pick % LANES
    unit, coordinate = block * width + lane, block * steps + lane
    per_distance = spread(np.float32(1.0 / np.sqrt(max(distances[pick], _SMALLEST))))
    for start in range(0, size, LANES):
        likeness = spread(np.float32(0.0))
        for f in range(0, width * LANES, LANES):
            likeness = likeness + load(units, start * width + f) * spread(units[unit + f])
        if method == DPP:
            for m in range(0, step * LANES, LANES):
                along = load(basis, start * steps + m) * spread(basis[coordinate + m])
                likeness = likeness - along
            likeness = likeness * per_distance
            store(basis, start * steps + step * LANES, likeness)
            store(distances, start, load(distances, start) - likeness * likeness)
        else:
            near = load(nearest, start)
            store(nearest, start, choose(likeness > near, likeness, near))


@inlined
def _charge(group: int, full: bool, by: Groups, tally: _Tally) -> None:
    """Let the members of a group that has become full cost, and no longer when it has room."""
    if full != tally.full[group]:
        tally.full[group] = full
        change = by.cost[group] if full else -by.cost[group]
        for at in range(by.firsts[group], by.firsts[group + 1]):
            tally.costs[by.members[at]] += change


@inlined
def _count(pick: int, by: Groups, tally: _Tally) -> None:
    """Count what was picked to its groups; those of a whole slate may be full now."""
    for at in range(by.starts[pick], by.starts[pick + 1]):
        group = by.groups[at]
        tally.counts[group] += 1
        if by.within[group] == 0 and tally.counts[group] >= by.most[group]:
            _charge(group, True, by, tally)


@inlined
def _has(candidate: int, group: int, by: Groups) -> bool:
    """Tell whether the candidate is in the group."""
    for at in range(by.starts[candidate], by.starts[candidate + 1]):
        if by.groups[at] == group:
            return True
    return False


@inlined
def _look(at: int, place: int, everything: bool, slate: Numbers, by: Groups, tally: _Tally) -> None:
    """Find out whether ``place`` may have one more of the groups of what stands ``at``.

    Unless ``everything`` may have changed, only those whose window it has just entered or left.
    """
    for mine in range(by.starts[slate[at]], by.starts[slate[at] + 1]):
        group = by.groups[mine]
        within = by.within[group]
        if within == 0 or not (everything or at == place - 1 or at == place - within):
            continue
        full = False
        # Only pins stand further down, so without them the window that ends here is the fullest.
        for end in range(place, min(place + within, len(slate)) if everything else place + 1):
            held = 0
            for other in range(max(0, end + 1 - within), end + 1):
                if other != place and slate[other] >= 0 and _has(slate[other], group, by):
                    held += 1
            full |= held >= by.most[group]
        _charge(group, full, by, tally)


@inlined
def _due(place: int, ahead: Numbers, got: Numbers, promised: Promised) -> int:
    """Return the place up to which all free ones are owed to promotions, or -1."""
    free = 0
    for end in range(place, promised.owed.shape[1] if len(got) > 0 else 0):
        if ahead[end - place] < 0:
            free += 1
        missing = 0
        for p in range(len(got)):
            missing += max(0, promised.owed[p, end] - got[p])
        if missing > 0 and missing >= free:
            return end
    return -1


@inlined
def _call(due: int, got: Numbers, promised: Promised, by: Groups, called: Mask) -> None:
    """Mark the candidates of the promotions that miss places up to ``due``."""
    called[:] = False
    for p in range(len(got)):
        if promised.owed[p, due] > got[p]:
            group = promised.groups[p]
            for at in range(by.firsts[group], by.firsts[group + 1]):
                called[by.members[at]] = True


@kernel(
    _tuple(Blocks, types.float32, types.float32, types.float32),
    output(types.float64),
    types.int64,
    types.int64,
    inputs(types.float64),
    GROUPS,
    types.BaseTuple.from_types((output(types.int64), output(types.int64, 2)), Promised),
    _tuple(Proportions, types.int64, types.int32, types.int64, types.float64, types.float64),
    types.float64,
    _tuple(Explored, types.boolean, types.float64),
    types.int64,
    output(types.int64),
    output(types.int8),
)
def pick_within(
    blocks: Blocks,
    quality: Doubles,
    competing: int,
    method: int,
    diversity: Doubles,
    by: Groups,
    promised: Promised,
    proportions: Proportions,
    calibration: float,
    explored: Explored,
    before: int,
    slate: Numbers,
    moves: NDArray[np.int8],
) -> None:
    """Write the pick of each place of ``slate`` that holds -1, and why each stands there.

    ``quality`` is float64[size], the DPP's. Candidates from ``competing`` on are a reserve: picked
    only so that no rule breaks. ``diversity`` float64[k] is each place's, the last the largest.
    ``calibration`` is what a gain in calibration weighs, in MMR times 1 - diversity. The first
    ``before`` entries of ``slate`` are what stands above this page; pins are in it already.
    ``moves`` is int8[k]. There must be as many candidates to pick as places.
    """
    n, total = len(by.starts) - 1, len(slate)
    relevance, may_pick = blocks.relevance, blocks.may_pick
    size, steps = len(relevance), total - before
    tally = _Tally(np.zeros(len(by.most), np.int64), np.zeros(len(by.most), np.bool_),
                   np.zeros(n, np.int64))  # fmt: skip
    costs = tally.costs
    costs[competing:] = _RESERVE
    got = np.zeros(len(promised.groups), np.int64)
    called = np.empty(n, np.bool_)
    shown = np.zeros(len(proportions.taste))
    gains = np.empty(len(proportions.labels))
    worths = np.empty(n)
    plain = np.empty(n) if len(gains) > 0 else worths  # without calibration
    nearest = np.full(size, -np.inf, np.float32)
    distances = np.ones(size, np.float32)
    basis = np.empty((size * steps if method == DPP else 0) + CACHE_LINE // 4, np.float32)
    basis = basis[-basis.ctypes.data % CACHE_LINE // 4 :]
    parts = diversity[steps - 1] > 0.0
    widest = 0
    for group in range(len(by.within)):
        widest = max(widest, by.within[group])

    placed, last_pin = 0, before
    for place in range(before, total):
        if slate[place] >= 0:  # what is pinned is in the slate from the start
            pick = slate[place]
            last_pin = place
            may_pick[pick] = -np.inf
            _count(pick, by, tally)
            for at in range(proportions.starts[pick], proportions.starts[pick + 1]):
                pair = proportions.pairs[at]
                shown[proportions.labels[pair]] += proportions.shares[pair]
            if parts:
                _part(method, pick, placed, blocks.units, nearest, distances, basis, steps)
            placed += 1
    for place in range(before, total):
        if widest > 0:
            for at in range(max(0, place - widest), min(total, place + widest)):
                if slate[at] >= 0:
                    _look(at, place, place <= last_pin, slate, by, tally)
        if slate[place] >= 0:
            moves[place - before] = PIN
            continue
        due = _due(place - before, slate[place:], got, promised)
        if due >= 0:
            _call(due, got, promised, by, called)
        strength = diversity[place - before]
        lambda_, penalty = np.float32(1.0 - strength), np.float32(strength)
        weight = calibration if method == DPP else calibration * (1.0 - strength)
        for pair in range(len(gains)):
            liked, share = proportions.taste[proportions.labels[pair]], proportions.shares[pair]
            held = (1.0 - SMOOTHING) * shown[proportions.labels[pair]]
            held += SMOOTHING * liked * (placed + 1)
            gain = weight * liked * np.log1p((1.0 - SMOOTHING) * share / held)
            gains[pair] = np.exp(gain) if method == DPP else gain
        if method == DPP:
            for i in range(n):
                distance = max(distances[i], _SMALLEST)
                worths[i] = quality[i] * np.float64(distance) + np.float64(may_pick[i])
        elif placed > 0 and parts:
            for i in range(n):
                worths[i] = lambda_ * relevance[i] - penalty * nearest[i] + may_pick[i]
        else:
            for i in range(n):
                worths[i] = lambda_ * relevance[i] + may_pick[i]
        if len(gains) > 0:
            plain[:] = worths
            for i in range(n):
                for at in range(proportions.starts[i], proportions.starts[i + 1]):
                    gain = gains[proportions.pairs[at]]
                    worths[i] = worths[i] * gain if method == DPP else worths[i] + gain
        pick, best = -1, -np.inf
        for i in range(competing):
            if worths[i] > best:
                pick, best = i, worths[i]
        known, known_best = pick, -np.inf  # if there were no calibration
        if len(gains) > 0:
            for i in range(competing):
                if plain[i] > known_best:
                    known, known_best = i, plain[i]
        free, why = pick, BY_SCORE
        exploring = explored.places[place - before]
        if pick < 0 or costs[pick] > 0 or due >= 0 or exploring:
            best, least = -np.inf, _NEVER
            known, known_best = -1, -np.inf
            lucky, luck = -1, -np.inf
            for i in range(n):
                if may_pick[i] != 0.0:
                    continue
                cost = costs[i]
                if due >= 0 and not called[i]:
                    cost += _PROMOTION
                if cost < least:
                    best = known_best = -np.inf
                    least = cost
                if cost == least and worths[i] > best:
                    pick, best = i, worths[i]
                if cost == least and plain[i] > known_best:
                    known, known_best = i, plain[i]
                if exploring and cost <= _RESERVE and explored.draws[i] > luck:
                    lucky, luck = i, explored.draws[i]
            if lucky >= 0:
                pick, why = lucky, EXPLORE
        if why == BY_SCORE and free >= 0 and pick != free:
            if (due >= 0 and not called[free]) or costs[free] >= _PROMOTION:
                why = PROMOTED
            elif costs[free] >= _CAP:
                why = CAPPED
            else:
                why = WINDOWED
        elif why == BY_SCORE and pick != known:
            why = CALIBRATED
        slate[place], moves[place - before] = pick, why
        may_pick[pick] = -np.inf
        _count(pick, by, tally)
        for p in range(len(got)):
            if _has(pick, promised.groups[p], by):
                got[p] += 1
        for at in range(proportions.starts[pick], proportions.starts[pick + 1]):
            pair = proportions.pairs[at]
            shown[proportions.labels[pair]] += proportions.shares[pair]
        if parts and place + 1 < total:
            _part(method, pick, placed, blocks.units, nearest, distances, basis, steps)
        placed += 1
