"""`braid retrain`."""

from pathlib import Path

import msgspec

from features.trust import Trust
from ranking.artifact import ArtifactRejected, read_both
from ranking.golden import Golden
from ranking.snapshot import Snapshot
from service.artifacts import find, locate
from service.commands._data import Data
from service.commands.models import URL, ask
from service.errors import Mendable
from service.models.errors import VersionRefused
from service.models.gate import inspect
from service.state import Serving
from service.terminal.bars import Bars
from service.terminal.console import console, warnings
from training.datasets.errors import DataError
from training.retrain import Worse
from training.retrain import retrain as learn
from training.train import SEED


def retrain(
    data: Data = Data(),  # noqa: B008  frozen, so sharing it is safe
    *,
    artifacts: Path = Path("artifacts"),
    activate: bool = False,
    url: str = URL,
    seed: int = SEED,
    json: bool = False,
) -> None:
    """Learn a model and publish it, unless it is worse than the one that is serving.

    Both answer the same users about what they took last, as far as the serving model has not
    learnt from it. The new one is refused if it is worse beyond a 95 % interval, or if the gate
    refuses it; exit status 1 then, and nothing is published.

    Parameters
    ----------
    artifacts
        The folder of artifacts: the new one goes there, and its newest is what serves.
    activate
        Compare with what the service at --url serves, and have it serve the new one.
    url
        Where a replica listens.
    seed
        The same data and seed give the same model and the same verdict.
    json
        Print the verdict as JSON.

    """
    serving, stored = read_both(_serving(artifacts, url if activate else None))
    try:
        with Bars(warnings) as bars:
            dataset = data.read(bars)
            path, verdict = learn(dataset, serving, stored, _gate, artifacts, seed, bars)
    except (DataError, Worse, VersionRefused) as fault:
        raise Mendable(str(fault)) from fault
    if json:
        words = {"version": path.name, **msgspec.to_builtins(verdict)}
        print(msgspec.json.encode(words).decode())  # noqa: T201  for a program, so not by rich
    else:
        console.print(
            f"NDCG@10 {verdict.candidate.mean:.4f}, that of {verdict.serving_version} "
            f"{verdict.serving.mean:.4f} ({verdict.difference.low:+.4f} to "
            f"{verdict.difference.high:+.4f} over {verdict.users} users). Published {path}"
        )
    if activate:
        now = ask(url, "POST", "/v1/models/activate", {"version": path.name})
        warnings.print(f"Serving {now['active']}")


def _serving(artifacts: Path, url: str | None) -> Path:
    """Return the artifact that serves: the active one at url, or the folder's newest."""
    if url is None:
        return locate(artifacts)
    version = ask(url, "GET", "/v1/models")["active"]
    path = find(artifacts, version)
    if path is None:
        raise ArtifactRejected(
            artifacts, f"has no {version}, which {url} serves", "name its folder"
        )
    return path


def _gate(snapshot: Snapshot, requests: list[Golden]) -> None:
    """Hold a model to what a service will hold it to before it serves."""
    inspect(Serving.of(snapshot, near_cache_mib=0, trust=Trust()), requests)
