"""Logs of a real experiment: the sample of the Open Bandit Dataset (Saito et al., NeurIPS 2021).

A fashion shop showed three items at a time, in three campaigns, chosen uniformly at random for
some visitors and by Bernoulli Thompson sampling for others; each choice's probability is logged.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.csv
from numpy.typing import NDArray

from training.datasets.errors import DataError
from training.datasets.wheel import LOCK, unpack
from training.progress import Progress, silent

CAMPAIGNS: Final = ("all", "men", "women")
POLICIES: Final = ("random", "bts")
POSITIONS: Final = 3
PRIORS: Final = "prior_bts.yaml"
FILES: Final = {
    "random-all.csv": "7168295b6e0a9eabcf3392320a5dd434e542b68e705d5cd9491499af589812f1",
    "bts-all.csv": "0ad874e4dbf6902f0845dd478ad8dde5ef6903583d3ffaace78411bdad064106",
    "random-men.csv": "ede6d08c6877f99cd3770f7d09e26c738e6aa6de4445ccccfb1356ba5d06b1eb",
    "bts-men.csv": "db6d1f7ed2d591ba521533e45286d4c1fba7fe57a8ad2e80342210335f43c527",
    "random-women.csv": "e65f3bd3beb17664fa69cc129bf7bf852a775f8ffa630506e505fc905315bb34",
    "bts-women.csv": "e5d1b49a39b608585a2f3014a3f54970430cd37a495c1b73fceb85cdf428a5b8",
    PRIORS: "81a54fbdc184021ccc62ab97de81ec35461c032e3d7f99ccaa0a9745f732d251",
}
"""The files and their sha256."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a policy did in n rounds, and what came of it.

    ``actions`` int64[n], ``positions`` int64[n] in [0, 3), ``rewards`` float64[n] (1 for a
    click), ``propensities`` float64[n], how likely the policy was to act so.
    """

    actions: NDArray[np.int64]
    positions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    propensities: NDArray[np.float64]


def default_folder() -> Path:
    """Return where the files are kept: under $BRAID_DATA, or ~/.cache/braid."""
    root = os.environ.get("BRAID_DATA")
    return (Path(root) if root else Path.home() / ".cache" / "braid") / "open-bandit"


def fetch(folder: Path | None = None, progress: Progress = silent) -> Path:
    """Return the folder with the files, downloading them first unless they are there.

    Raises:
        DataError: no network and no files.
    """
    folder = folder or default_folder()
    progress("fetch", 0, 1)
    if not all((folder / name).is_file() for name in FILES):
        members = {
            f"{policy}-{campaign}.csv": f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv"
            for policy in POLICIES
            for campaign in CAMPAIGNS
        }
        members[PRIORS] = f"obp/policy/conf/{PRIORS}"
        unpack(folder, members, LOCK.with_name("bandit.lock"))
    progress("fetch", 1, 1)
    return folder


def read_log(folder: Path, policy: str, campaign: str) -> Log:
    """Read what one policy did in one campaign.

    Raises:
        DataError: the file is missing or is not the published one.
    """
    content = BytesIO(_content(folder / f"{policy}-{campaign}.csv"))
    names = ["item_id", "position", "click", "propensity_score"]
    options = pyarrow.csv.ConvertOptions(include_columns=names)
    table = pyarrow.csv.read_csv(content, convert_options=options)
    actions, positions, clicks, propensities = (table[name].to_numpy() for name in names)
    return Log(
        actions.astype(np.int64),
        positions.astype(np.int64) - 1,
        clicks.astype(np.float64),
        propensities.astype(np.float64),
    )


def read_priors(folder: Path, campaign: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Beta distributions' alphas and betas, float64[n_actions] each.

    Raises:
        DataError: as `read_log` does.
    """
    values: dict[str, dict[str, list[float]]] = {}
    for line in _content(folder / PRIORS).decode().splitlines():
        match len(line) - len(line.lstrip()):
            case 0:
                of_campaign = values.setdefault(line.strip(" :"), {})
            case 2:
                numbers = of_campaign.setdefault(line.strip(" :"), [])
            case _:
                numbers.append(float(line.strip(" -")))
    alphas, betas = (np.array(values[campaign][name]) for name in ("alpha", "beta"))
    return alphas, betas


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror}); fetch it again") from fault
    if sha256(content).hexdigest() != FILES[path.name]:
        raise DataError(f"{path}: is not the published file; delete it and fetch again")
    return content
