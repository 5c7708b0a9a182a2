"""The ranker: LightGBM's LambdaMART."""

import os
from typing import Any, Final

import lightgbm
import numpy as np

from training.examples import Examples
from training.progress import Progress, silent

ROUNDS: Final = 120
ROWS_PER_THREAD: Final = 1_000_000

PARAMETERS: Final[dict[str, Any]] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 20,
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def lambdamart(examples: Examples, seed: int, progress: Progress = silent) -> str:
    """Fit LambdaMART (Burges, MSR-TR-2010-82) and return LightGBM's model text.

    The same examples and seed give the same text on any number of threads.
    """
    data = lightgbm.Dataset(
        examples.rows,
        examples.labels,
        group=examples.requests,
        feature_name=list(examples.columns),
    )
    # On a busy machine OpenMP's barriers cost a small job more than a second thread brings it.
    threads = min(os.process_cpu_count() or 1, 1 + len(examples.rows) // ROWS_PER_THREAD)
    booster = lightgbm.train(
        {**PARAMETERS, "seed": seed, "num_threads": threads},
        data,
        num_boost_round=ROUNDS,
        callbacks=[lambda state: progress("rank", state.iteration + 1, state.end_iteration)],
    )
    text: str = booster.model_to_string()
    return text


def importance(model_text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return each column's total gain float64[f]: how much the splits on it helped."""
    gains: np.ndarray[Any, np.dtype[np.float64]] = lightgbm.Booster(
        model_str=model_text
    ).feature_importance("gain")
    return gains
