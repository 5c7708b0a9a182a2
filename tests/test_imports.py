"""Who may import whom: the picture in ARCHITECTURE.md, held by walking the imports themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each room may import of ours besides itself. Tests and benchmarks may import anything.
ALLOWED = {
    "features": (),
    "ranking": ("features.types", "features.kernels"),
    "training": ("ranking", "features"),
    "service": ("ranking", "features"),
    "service.commands": ("ranking", "features", "training"),
    "scripts": (),  # they run before anything is installed
    "locustfile": (),  # it runs in an environment of its own
}
OURS = {"features", "ranking", "training", "service", "scripts", "locustfile", "tests"}
OURS |= {"benchmarks"}

# Only these may import the composition root, and nobody the command line above it.
IMPORTERS = {
    "service.app": ("service.cli", "service.running", "service.commands"),
    "service.cli": ("service.__main__",),
    "training.pipeline": ("training.pipeline",),
}

# These run on another Python. Of ours they may import this; the rest is in the files they write.
APART = {"training.pipeline": ("training.constants",)}

# `ranking` is pure: arrays in, arrays out, on whatever thread and at whatever time.
IMPURE = (
    "_thread",
    "asyncio",
    "concurrent",
    "datetime",
    "logging",
    "multiprocessing",
    "queue",
    "redis",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
)


def files() -> dict[str, Path]:
    """Return every module that has a rule, by its dotted name."""
    found = {"locustfile": ROOT / "locustfile.py"}
    for room in ("features", "ranking", "training", "service", "scripts"):
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = files()


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def imports(module: str, source: str, *, package: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the line and the module of each import, wherever in the source it stands."""
    home = module if package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from ((node.lineno, name.name) for name in node.names)
            case ast.ImportFrom():
                base = node.module or ""
                if node.level:
                    parents = home.split(".")[: len(home.split(".")) - node.level + 1]
                    base = ".".join([*parents, base] if base else parents)
                for name in node.names:
                    inner = f"{base}.{name.name}"
                    yield node.lineno, inner if inner in MODULES else base
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _imports(node.func):
                yield node.lineno, name


def _imports(function: ast.expr) -> bool:
    return ast.unparse(function) in {"importlib.import_module", "import_module", "__import__"}


def forbidden(module: str, imported: str) -> bool:
    """Tell whether this edge is none of those above."""
    room = max((room for room in ALLOWED if within(module, room)), key=len)
    top = imported.partition(".")[0]
    if room == "ranking" and top in IMPURE:
        return True
    if top not in OURS:
        return False
    for target, importers in IMPORTERS.items():
        if within(imported, target) and not any(within(module, one) for one in importers):
            return True
    for apart, allowed in APART.items():
        if within(module, apart):
            return not any(within(imported, one) for one in (apart, *allowed))
    own = module.partition(".")[0]
    return not any(within(imported, one) for one in (own, *ALLOWED[room]))


def faults(module: str, source: str, *, package: bool = False) -> list[str]:
    return [
        f"line {line}: {module} imports {imported}"
        for line, imported in imports(module, source, package=package)
        if forbidden(module, imported)
    ]


@pytest.mark.parametrize("module", MODULES)
def test_every_import_is_an_edge_of_the_picture(module: str) -> None:
    path = MODULES[module]
    assert faults(module, path.read_text(), package=path.name == "__init__.py") == []


def test_every_room_is_there_to_be_walked() -> None:
    rooms = {module.partition(".")[0] for module in MODULES}
    assert rooms == OURS - {"tests", "benchmarks"}
    assert len(MODULES) > 60


@pytest.mark.parametrize(
    ("module", "source", "imported"),
    [
        ("ranking.x", "from features.store import FeatureStore", "features.store"),
        ("ranking.x", "import features", "features"),
        ("ranking.x", "from features import schema", "features.schema"),
        ("ranking.x", "import service.crew", "service.crew"),
        ("ranking.x", "import time", "time"),
        ("ranking.x", "def f():\n    from threading import Lock", "threading"),
        ("ranking.x", "import concurrent.futures", "concurrent.futures"),
        ("ranking.x", "if TYPE_CHECKING:\n    import redis.asyncio", "redis.asyncio"),
        ("ranking.rerank.x", "from ...features import store", "features.store"),
        ("features.x", "from ranking.topk import top_k", "ranking.topk"),
        ("features.x", "import service", "service"),
        ("training.x", "from service.terminal.bars import Bars", "service.terminal.bars"),
        ("training.x", "import tests.contracts", "tests.contracts"),
        ("service.x", "from training.train import train", "training.train"),
        ("service.x", "import importlib\nimportlib.import_module('training')", "training"),
        ("service.http.routes", "from service.app import Service", "service.app"),
        ("service.http.routes", "from service import app", "service.app"),
        ("service.http.routes", "from .. import app", "service.app"),
        ("service.commands.x", "from service.cli import main", "service.cli"),
        ("service.commands.x", "from ..cli import main", "service.cli"),
        ("scripts.bootstrap.x", "import features.types", "features.types"),
        ("training.pipeline.x", "from training.fit import fit", "training.fit"),
        ("training.pipeline.x", "import features.types", "features.types"),
        ("training.offline.x", "from training.pipeline.log import log", "training.pipeline.log"),
        ("locustfile", "from service.http.wire import Problem", "service.http.wire"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str, imported: str) -> None:
    assert [fault.split(": ", 1)[1] for fault in faults(module, source)] == [
        f"{module} imports {imported}"
    ]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ranking.x", "from features.types import Rows\nfrom features import types"),
        ("ranking.rerank.x", "from ..topk import top_k\nimport numpy as np"),
        ("training.x", "from ranking.topk import top_k\nimport features.bulk, time"),
        ("service.x", "import ranking.topk, features.store, threading, time"),
        ("service.commands.x", "from training.train import train\nfrom service.app import Service"),
        ("service.running", "from service.app import Service"),
        ("service.__main__", "from service.cli import main"),
    ],
)
def test_an_allowed_import_is_left_alone(module: str, source: str) -> None:
    assert faults(module, source) == []
