"""R15: a model is whole and loads, but ranks badly; and one that got through is gone back from."""

import shutil
import time
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.length import Length
from tests.faults.swapping import Clients, Operator, filled, known, pair, two_models, wishes
from tests.service.damages import UNFIT

LONGEST_S = 1.0
PATIENCE_S = 60.0


@pytest.mark.fault("R15", "a model that loads but ranks badly; a rollback over two processes")
def test_a_model_that_ranks_badly_is_refused_and_a_rollback_reaches_every_replica_in_a_second(
    tmp_path: Path, figures: Figures, length: Length
) -> None:
    folder = tmp_path / "models"
    first, second = two_models(folder)
    original = shutil.copytree(folder / second, tmp_path / "original")
    with (
        filled(folder, first) as redis,
        pair(folder, redis) as (one, two),
        Operator(one.address) as leader,
        Operator(two.address) as follower,
        Clients(one.address, 4, known(one.address, wishes())) as load,
    ):
        refused = 0
        for damage, words in UNFIT.items():
            shutil.rmtree(folder / second)
            shutil.copytree(original, folder / second)
            damage(folder / second)
            status, answer = leader.activate(second)
            refused += status == 422 and words in answer["detail"]
            assert (leader.serves(), follower.serves()) == (first, first)
        figures.hold("ways to rank badly that are refused", refused, equal=len(UNFIT))
        figures.hold("answers that failed meanwhile", len(load.failed), equal=0)
        figures.hold("answers not of the old model", len(load.mixed), equal=0)

        shutil.rmtree(folder / second)
        shutil.copytree(original, folder / second)
        took = list[float]()
        for _ in range(length.pick(short=1, ci=5, full=20)):
            assert leader.activate(second)[0] == 200
            _await(follower, second)
            began = time.monotonic()
            assert leader.ask("/v1/models/rollback")[0] == 200
            assert leader.serves() == first
            _await(follower, first)
            took.append(time.monotonic() - began)
    figures.note("rollbacks", len(took))
    figures.hold(
        "from the request to both replicas serving the old one, at most",
        max(took),
        at_most=LONGEST_S,
        unit="s",
    )


def _await(replica: Operator, version: str) -> None:
    latest = time.monotonic() + PATIENCE_S
    while replica.serves() != version:
        assert time.monotonic() < latest, f"{version} is not followed"
        time.sleep(0.002)
