"""Free threads stay free: no import of ours, nor of what we depend on, switches the GIL back on."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ROOMS = ("features", "ranking", "service", "training")

# It runs on a Python with the GIL, beside DuckDB or Spark, and is never imported by the others.
ELSEWHERE = ROOT / "training" / "pipeline"

needs_free_threads = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python is built with the GIL"
)

# Prints the first module after whose import the GIL is on; a module that fails ends it, and so does
# the interpreter's warning that a module has switched it on.
WATCH = """
import importlib, sys, warnings
warnings.filterwarnings("error", message="The global interpreter lock")
for name in sys.argv[1:]:
    importlib.import_module(name)
    if sys._is_gil_enabled():
        print(name)
        break
"""
# Prints, in one line, what keeps the GIL on and was not asked for by name.
STRANGERS = """
import sys
print(*sorted({"hiredis", "libvalkey"} & set(sys.modules)))
"""


def run(code: str, *arguments: str, **environment: str) -> str:
    """Run code in a fresh interpreter, whatever PYTHON_GIL says here; return what it prints."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def own_modules() -> list[str]:
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.is_relative_to(ELSEWHERE):
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts).removesuffix(".__init__"))
    return found


def _declared() -> set[str]:
    declared = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        declared += extra
    return {_normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in declared}


def dependencies() -> list[str]:
    """Return the top-level modules of every declared dependency, all extras included."""
    names = _declared()
    provided = {
        module: {_normal(name) for name in distributions}
        for module, distributions in importlib.metadata.packages_distributions().items()
    }
    missing = names - set().union(*provided.values())
    assert missing == set(), "declared, but not installed here"
    return sorted(module for module, by in provided.items() if by & names and module.isidentifier())


def inner_modules() -> list[str]:
    """Return the extension modules inside the packages we depend on: each could switch it on."""
    found = []
    for distribution in map(importlib.metadata.distribution, sorted(_declared())):
        for file in distribution.files or ():
            stem, dot, rest = file.name.partition(".")
            if dot and rest.endswith(".so") and ".abi3" not in rest and stem != "__init__":
                parts = [*file.parts[:-1], stem]
                if all(part.isidentifier() for part in parts):
                    found.append(".".join(parts))
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@needs_free_threads
def test_no_module_of_ours_switches_the_gil_on() -> None:
    modules = own_modules()
    assert len(modules) > 60
    assert run(WATCH, *modules) == ""


@needs_free_threads
def test_no_dependency_switches_the_gil_on() -> None:
    modules = dependencies()
    assert {"numpy", "litestar", "lightgbm", "hypothesis"} < set(modules)
    assert run(WATCH, *modules) == ""


@needs_free_threads
def test_everything_in_one_process_the_other_way_round_leaves_the_gil_off() -> None:
    """Who is imported first, and by whom, is not the same as in the two tests above."""
    assert run(WATCH + STRANGERS, *[*own_modules(), *dependencies()][::-1]) == ""


@needs_free_threads
def test_every_extension_module_inside_what_we_depend_on_leaves_the_gil_off() -> None:
    """Most are only imported when they are needed: in the middle of a request, perhaps."""
    modules = inner_modules()
    assert {"uvloop.loop", "httptools.parser.parser", "scipy.special._ufuncs"} < set(modules)
    passing_over = WATCH.replace(  # one wants a library that is not on this machine
        "    importlib.import_module(name)",
        "    try: importlib.import_module(name)\n    except ImportError: pass",
    )
    assert passing_over != WATCH
    assert run(passing_over + STRANGERS, *modules) == ""


@needs_free_threads
@pytest.mark.slow
def test_each_dependency_by_itself_leaves_the_gil_off() -> None:
    """One that another had imported before it might hide what it does."""
    for name in dependencies():
        assert run(WATCH + STRANGERS, name) == "", name


@needs_free_threads
def test_what_the_tests_import_leaves_the_gil_off() -> None:
    """Were it on while the suite runs, the suite would find no race."""
    assert (
        run(WATCH, "pytest", "tests.conftest", "tests.service.conftest", "benchmarks.servers") == ""
    )


@needs_free_threads
def test_the_interpreters_word_that_the_gil_is_back_ends_the_watch() -> None:
    word = "warnings.warn('The global interpreter lock (GIL) has been enabled', RuntimeWarning)"
    with pytest.raises(AssertionError, match="RuntimeWarning"):
        run(WATCH + word)


@needs_free_threads
def test_a_module_after_which_the_gil_is_on_is_named() -> None:
    assert run(WATCH, "json", "numpy", PYTHON_GIL="1") == "json"


@needs_free_threads
def test_free_threaded_python_runs_the_composition_root_without_the_gil() -> None:
    assert run("import service.app, sys; print(sys._is_gil_enabled())") == "False"


@pytest.mark.parametrize("name", ["hiredis", "libvalkey"])
def test_what_would_switch_it_on_is_not_installed(name: str) -> None:
    # redis-py imports hiredis wherever it finds it.
    assert importlib.util.find_spec(name) is None


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda p: p.name
)
def test_what_would_switch_it_on_is_in_no_lock_of_the_service(lock: Path) -> None:
    if lock.name in {"bench.lock", "feast.lock", "load.lock"}:
        pytest.skip("locust and the benchmarks' peers have environments of their own")
    assert re.findall(r"hiredis|libvalkey", lock.read_text()) == []


# Reading any of these runs whatever its author wished. Tests are not walked: they may make a
# pickle to show that it is refused.
CODE_READERS = {
    "pickle",
    "cPickle",
    "_pickle",
    "cloudpickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
}


def readers_of_code(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                names = [name.name for name in node.names]
            case ast.ImportFrom():
                names = [node.module or ""]
            case ast.keyword(arg="allow_pickle", value=value):
                allowed = not (isinstance(value, ast.Constant) and value.value is False)
                found += ["allow_pickle"] if allowed else []
                continue
            case _:
                continue
        found += [name for name in names if name.partition(".")[0] in CODE_READERS]
    return found


def sources() -> list[Path]:
    found = [ROOT / "locustfile.py"]
    for room in (*ROOMS, "scripts", "benchmarks"):
        found += sorted((ROOT / room).rglob("*.py"))
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_reads_code_as_data(path: Path) -> None:
    assert readers_of_code(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("def f():\n    from joblib import load", ["joblib"]),
        ("np.load(path, allow_pickle=True)", ["allow_pickle"]),
        ("np.load(path, allow_pickle=trusted)", ["allow_pickle"]),
        ("np.load(path, allow_pickle=False)", []),
        ("import json", []),
    ],
)
def test_a_reader_of_code_is_found(source: str, found: list[str]) -> None:
    assert readers_of_code(source) == found
