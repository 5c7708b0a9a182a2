"""The two files that go to the peers and come back: plain arrays, no objects."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ordinals = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Log:
    """Interactions int32[n], sorted by user, each user's oldest first."""

    users: Ordinals
    items: Ordinals


@dataclass(frozen=True, slots=True)
class Split:
    """What the peers learn from.

    ``train`` is all they may know. ``fit`` and ``validation`` are a cut of it by time: parameters
    are chosen by learning from the one and looking at the other.
    """

    n_users: int
    n_items: int
    train: Log
    fit: Log
    validation: Log


@dataclass(frozen=True, slots=True)
class Lists:
    """What a peer recommends: int32[n_users, depth], best first, -1 as padding.

    ``trials`` parameter sets were tried; ``parameters`` won, with this NDCG@10 on the validation
    cut. ``helped`` tells that the peer was given this project's recency weights.
    """

    items: Ordinals
    parameters: dict[str, float | str]
    validation_ndcg_10: float
    trials: int
    helped: bool


def write_split(path: Path, split: Split) -> None:
    """Write a split; `read_split` reads it."""
    logs = {"train": split.train, "fit": split.fit, "validation": split.validation}
    arrays: dict[str, Any] = {"shape": np.array([split.n_users, split.n_items])}
    for name, log in logs.items():
        arrays |= {f"{name}_users": log.users, f"{name}_items": log.items}
    np.savez(path, **arrays)


def read_split(path: Path) -> Split:
    """Read what `write_split` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        n_users, n_items = arrays["shape"].tolist()
        logs = (
            Log(arrays[f"{name}_users"], arrays[f"{name}_items"])
            for name in ("train", "fit", "validation")
        )
        return Split(n_users, n_items, *logs)


def write_lists(path: Path, lists: dict[str, Lists]) -> None:
    """Write what the peers recommend, by name; `read_lists` reads it."""
    arrays: dict[str, Any] = {f"{place}": one.items for place, one in enumerate(lists.values())}
    about = [
        {
            "name": name,
            "parameters": one.parameters,
            "validation_ndcg_10": one.validation_ndcg_10,
            "trials": one.trials,
            "helped": one.helped,
        }
        for name, one in lists.items()
    ]
    np.savez(path, about=np.array(json.dumps(about)), **arrays)


def read_lists(path: Path) -> dict[str, Lists]:
    """Read what `write_lists` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        return {
            one.pop("name"): Lists(arrays[f"{place}"], **one) for place, one in enumerate(about)
        }
