"""The command line, `braid`: it stands above the composition root and nobody imports it."""

import logging
import sys
from importlib.metadata import version
from typing import NoReturn

from cyclopts import App
from cyclopts.config import Env
from redis import RedisError
from redis.exceptions import RedisClusterException
from rich.markup import escape

from features.errors import FeatureError
from ranking.artifact import ArtifactRejected
from service.app import gil_enabled
from service.errors import Mendable
from service.terminal.console import warnings

app = App(
    name="braid",
    help="A recommendation engine that scores one request on every core.",
    version=lambda: version("braid"),
    config=[Env("BRAID_", command=False)],
)

# By name, so that `serve` runs where the libraries that `train` needs are not installed.
COMMANDS = {
    "demo": "Train on MovieLens 100k, serve it, and show three users' slates.",
    "serve": "Serve an artifact over REST until SIGTERM or Ctrl-C.",
    "train": "Learn a model and publish it as an artifact.",
    "retrain": "Learn a model, publish it unless it is worse than the one that serves.",
    "layout": "Lay a model out in files that all replicas of a machine map.",
    "load": "Write an artifact's feature rows and histories into Redis.",
    "batch": "Make the slates of many users ahead of time, into Parquet or Redis.",
    "vectors": "Load a model's vectors into a Redis 8 vector set.",
    "evaluate": "Measure every stage offline: NDCG, recall, coverage, diversity.",
    "check": "Try a file of surfaces, and functions of your own, on a model.",
    "models": "List the versions of the model, activate one, or go back.",
    "keys": "List the API keys, make one, or revoke one.",
    "experiment": "Report what came of an experiment, or export its records.",
    "log": "Export the service's logs to Parquet: events, slates, features as served.",
    "explain": "Ask a running service for a slate, and show how it came about.",
    "replay": "Run a recorded request again, and show the two slates side by side.",
    "status": "Say how a running service is.",
    "top": "Watch a running service: requests, stages, queue, threads.",
}
for name, about in COMMANDS.items():
    app.command(f"service.commands.{name}:{name}", name=name, help=about)
app.register_install_completion_command(help="Let bash, zsh or fish complete commands and flags.")


def main() -> None:
    """Run a command; exit 1 with one line for what a person can mend, 2 for a wrong flag."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if gil_enabled():
        warnings.print("[yellow]This Python runs with the GIL:[/] one request uses one core.")
    try:
        app(sys.argv[1:])
    except (Mendable, ArtifactRejected, FeatureError, OSError) as fault:
        _end(str(fault))
    except (RedisError, RedisClusterException) as fault:
        _end(f"{str(fault).rstrip('.')}; is Redis there, and does --redis say how to reach it?")
    except ImportError as fault:
        missing = fault.__cause__  # cyclopts wraps what a command's module raised
        if not isinstance(missing, ModuleNotFoundError):
            raise
        _end(f"{missing}; this command needs the extra braid[train]")
    except KeyboardInterrupt:
        sys.exit(130)


def _end(words: str) -> NoReturn:
    warnings.print(f"[red]braid:[/] {escape(words)}", highlight=False)
    sys.exit(1)


if __name__ == "__main__":
    main()
