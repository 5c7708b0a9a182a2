"""What `debug` adds to an answer, as typed msgspec structs: docs/explain.md reads it aloud."""

from typing import Literal

import msgspec


class DebugStage(msgspec.Struct, frozen=True):
    """A stage's time, and of it the time in which this loop's thread did not run.

    Waiting for the store is such time, and so is having helpers finish. While a request waits, the
    thread may run for others: then ``wait_ms`` is too small. ``threads`` did shares of it.
    """

    stage: str
    start_ms: float
    ms: float
    wait_ms: float
    threads: int


class DebugShare(msgspec.Struct, frozen=True):
    """A part of a stage's work and the thread that did it; a stage's parts run side by side."""

    thread: str
    stage: str
    start_ms: float
    ms: float


class DebugSource(msgspec.Struct, frozen=True):
    """How many candidates a source offered, how many it alone, how many with each other one.

    ``kept`` of the offered went on to the model.
    """

    source: str
    offered: int
    kept: int
    alone: int
    shared: dict[str, int]


class DebugMask(msgspec.Struct, frozen=True):
    """How many items a mask keeps away, of the catalogue or of the caller's candidates.

    ``alone`` are those that no other mask keeps away, too.
    """

    mask: str
    blocks: int
    alone: int


class Provenance(msgspec.Struct, frozen=True):
    """A source that offered the item: its score, and the item's place in its offer, from 1."""

    source: str
    score: float
    place: int


class Attribution(msgspec.Struct, frozen=True):
    """How a ranker came to its score: ``base`` + all contributions + ``rest``.

    ``method`` is exact (`tree_shap`, `linear`), or `occlusion`: what the score loses with the mean
    of all candidates in the column's place, and ``rest`` what such single losses do not explain.
    Columns that contribute nothing are left out.
    """

    objective: str
    method: Literal["tree_shap", "linear", "occlusion"]
    score: float
    base: float
    rest: float
    contributions: dict[str, float]


class DebugItem(msgspec.Struct, frozen=True):
    """One place of the slate, taken apart; places count from 1.

    ``objectives`` are the values before they are weighted. ``moved_by`` is the rule that put the
    item here, or, where it stands elsewhere than its score alone would put it, what weighs all
    items anew (boosts, rotation, diversity); "" where nothing did, though others' rules may have
    shifted it. ``stored`` tells that its feature row was in the store.
    """

    item_id: str
    place: int
    place_by_score: int
    moved_by: str
    stored: bool
    because: str | None
    provenance: list[Provenance]
    features: dict[str, float]
    objectives: dict[str, float]
    attributions: list[Attribution]


class Fate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an item that was asked after, and where on the way.

    | stage      | reason                                                                       |
    |------------|------------------------------------------------------------------------------|
    | `catalogue` | there is no such item                                                       |
    | `masks`    | the masks that keep it away, in ``masks``                                    |
    | `retrieve` | no source offered it; ``scores`` has what Braid's own think of it, and the   |
    |            | least that each offered                                                      |
    | `light`    | the light phase kept others                                                  |
    | `score`    | others scored higher: ``place`` and ``score`` against the last pick's        |
    | `rerank`   | its score would have done, but the rules or the diversity put others first   |
    | `slate`    | it is there                                                                  |
    """

    item_id: str
    stage: str
    reason: str
    masks: list[str] = []
    scores: dict[str, tuple[float, float | None]] = {}
    place: int | None = None
    score: float | None = None
    last_score: float | None = None


class Debug(msgspec.Struct, frozen=True):
    """How one slate came about.

    ``seed`` repeats every draw. ``found`` candidates came from the sources, ``scored`` of them went
    on to the model; ``near`` rows were in memory and ``missed`` read. ``weights`` are the
    objectives'. ``relaxed`` names the rules that could not be kept.
    """

    seed: int
    history: int
    stages: list[DebugStage]
    shares: list[DebugShare]
    sources: list[DebugSource]
    masks: list[DebugMask]
    found: int
    scored: int
    near: int
    missed: int
    weights: dict[str, float]
    relaxed: list[str]
    items: list[DebugItem]
    why_not: list[Fate]
