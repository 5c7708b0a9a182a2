"""One process's experiments: challengers made ready, held against what is served, and told of."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from features.address import Address
from features.store import FeatureStore
from features.trust import Trust
from ranking.artifact import read
from ranking.surfaces import Surfaces, parse
from service.crew import Crew
from service.experiments.experiments import Experiments
from service.experiments.findings import Ranked
from service.experiments.listing import ExperimentsAnswer
from service.experiments.metrics import experiment_metrics
from service.state import Serving, State
from tests.service.models import publish

SHADOW = """
[surfaces.home]
[surfaces.home.experiment]
salt = "home-shadow"
kind = "shadow"
[surfaces.home.experiment.variants.next]
share = {share}
model = "{model}"
settings = {{ limit = 5 }}

[surfaces.item]
[surfaces.item.experiment]
salt = "item-1"
[surfaces.item.experiment.variants.short]
share = 0.25
settings = {{ limit = 5 }}
"""


def shadowing(model: str, share: float = 1.0) -> Surfaces:
    return parse(SHADOW.format(model=model, share=share))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for seed in (0, 1):
        publish(folder, world="one", seed=seed)
    publish(folder, world="two", items=50)
    return folder


@pytest.fixture(scope="module")
def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def state(folder: Path, versions: list[str]) -> State:
    return State(Serving.of(read(folder / versions[0]), 1, Trust()))


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew(1)
    until(lambda: len(crew.idle) == 1)
    yield crew
    crew.close()


def until(holds: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if holds():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it never came")


def ready(experiments: Experiments, surfaces: Surfaces) -> Experiments:
    experiments.follow(surfaces)
    until(lambda: experiments.rival(surfaces, "home", "r") is not None)
    return experiments


def test_a_challenger_is_made_ready_beside_the_served_model_and_freed_again(
    crew: Crew, folder: Path, state: State, versions: list[str]
) -> None:
    surfaces = shadowing(versions[1])
    experiments = Experiments(crew, folder, state)
    assert experiments.rival(surfaces, "home", "r") is None  # not ready yet
    rival = ready(experiments, surfaces).rival(surfaces, "home", "r")
    assert rival is not None
    assert rival.serving is not None
    assert rival.serving.snapshot.version == versions[1]
    assert rival.serving.near is state.read().near  # the same items: their rows are at hand
    assert rival.surface.limit == 5
    assert state.read().snapshot.version == versions[0]
    experiments.follow(parse("[surfaces.home]"))
    until(lambda: experiments.rival(surfaces, "home", "r") is None)


def test_a_challenger_of_other_items_has_no_rows_near(
    crew: Crew, folder: Path, state: State, versions: list[str]
) -> None:
    surfaces = shadowing(versions[2])
    rival = ready(Experiments(crew, folder, state), surfaces).rival(surfaces, "home", "r")
    assert rival is not None
    assert rival.serving is not None
    assert rival.serving.near is not state.read().near
    assert rival.serving.near.slots == 0


def test_a_challenger_that_is_not_there_is_told_of_and_tried_again(
    crew: Crew, folder: Path, state: State, versions: list[str], tmp_path: Path
) -> None:
    experiments, surfaces = Experiments(crew, tmp_path, state), shadowing(versions[1])

    def told() -> str | None:
        [shadow] = [one.shadow for one in experiments.answer("r", surfaces).experiments[:1]]
        assert shadow is not None
        assert not shadow.ready
        return shadow.refused

    experiments.follow(surfaces)
    until(lambda: told() is not None)
    assert "is not there" in (told() or "")
    shutil.copytree(folder / versions[1], tmp_path / versions[1])
    ready(experiments, surfaces)
    assert experiments.answer("r", surfaces).experiments[0].shadow is not None


def test_a_challenger_that_lacks_what_the_surface_asks_for_is_refused_before_any_request(
    crew: Crew, folder: Path, state: State, versions: list[str]
) -> None:
    asking = SHADOW.replace("limit = 5 }}", "filters = {{ rule = 'price < 3' }} }}", 1)
    surfaces = parse(asking.format(model=versions[1], share=1.0))
    experiments = Experiments(crew, folder, state)
    experiments.follow(surfaces)

    def refused() -> str | None:
        shadow = experiments.answer("r", surfaces).experiments[0].shadow
        return shadow.refused if shadow is not None else None

    until(lambda: refused() is not None)
    assert "price" in (refused() or "")
    assert experiments.rival(surfaces, "home", "r") is None


def test_a_share_of_the_requests_is_held_against_the_challenger(
    crew: Crew, folder: Path, state: State, versions: list[str]
) -> None:
    surfaces = shadowing(versions[1], 0.2)
    experiments = Experiments(crew, folder, state)
    experiments.follow(surfaces)
    ids = [f"{n:032x}" for n in range(2000)]
    until(lambda: any(experiments.rival(surfaces, "home", one) for one in ids[:100]))
    taken = [one for one in ids if experiments.rival(surfaces, "home", one) is not None]
    assert 0.15 < len(taken) / len(ids) < 0.25
    assert experiments.rival(surfaces, "item", ids[0]) is None


def test_shadow_scoring_reports_slate_overlap_and_score_drift(
    crew: Crew, address: Address, folder: Path, state: State, versions: list[str]
) -> None:
    surfaces = shadowing(versions[1])
    experiments = ready(Experiments(crew, folder, state), surfaces)
    served = Ranked(("a", "b"), np.array([2, 1], np.float32))
    answered_first = []

    async def serve() -> None:
        log = experiments.open_log(FeatureStore(address, 1.0, 10))
        log.note("u1", "item", "item-1", "short", "r1", 0)  # there is no connection to take it
        experiments.offer(surfaces, "home", served, lambda: served)
        answered_first.append(not _findings(experiments, surfaces))
        await log.appender.close()

    asyncio.run(serve())
    until(lambda: bool(_findings(experiments, surfaces)))
    assert answered_first == [True]
    answer = experiments.answer("web-1", surfaces)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=ExperimentsAnswer) == answer
    home, item = answer.experiments
    assert (home.kind, home.shares, home.slates) == ("shadow", {}, {})
    assert home.shadow is not None
    assert home.shadow.findings is not None
    assert home.shadow.findings.jaccard == 1
    assert home.shadow.findings.drift == 0
    assert item.shares == {"control": 0.75, "short": 0.25, "holdout": 0}
    assert item.slates == {"control": 0, "short": 1, "holdout": 0}
    page = metrics_page(answer, experiments.dropped())
    assert 'braid_exposures_total{surface="item",variant="short"} 1.0' in page
    model = home.shadow.model or ""
    labels = f'experiment="home-shadow",model="{model}",outcome="compared",surface="home"'
    assert f"braid_shadow_slates_total{{{labels}}} 1.0" in page
    assert 'braid_shadow_overlap{measure="rank_biased_overlap",surface="home"} 1.0' in page
    assert 'braid_shadow_drift{surface="home"} 0.0' in page
    assert "braid_exposures_dropped_total 1.0" in page


def _findings(experiments: Experiments, surfaces: Surfaces) -> bool:
    shadow = experiments.answer("r", surfaces).experiments[0].shadow
    return shadow is not None and bool(shadow.findings and shadow.findings.compared)


def metrics_page(answer: ExperimentsAnswer, dropped: int) -> str:
    class Page(Collector):
        def collect(self):  # type: ignore[no-untyped-def]  # prometheus's
            return experiment_metrics(answer, dropped)

    registry = CollectorRegistry()
    registry.register(Page())
    return generate_latest(registry).decode()
