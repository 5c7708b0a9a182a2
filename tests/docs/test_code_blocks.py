"""Every block of code of every page is run, or held to what reads it; what is not says why.

Pages with examples that hang together have tests of their own beside this one.
"""

import json
import re
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import yaml

from features.feast.view import Feast
from ranking.surfaces import parse
from service.app import Service
from service.cli import app
from service.http.contract import ADMIN, CATALOGUE, OPERATIONS
from service.http.openapi import document
from tests.docs.blocks import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = list(blocks())
LANGUAGES = ("python", "sh", "http", "toml", "json", "yaml")
NOT_RUN = {
    # page and first words of a block that is none of these languages: why that is well
    ("batch.md", "made ="): "tests/service/precompute/test_spark.py runs it in Spark's environment",
    ("cli.md", "Braid http"): "a picture of a service; tests/service/test_top.py has one made",
    ("filters.md", "genre in"): "tests/ranking/test_filters.py compiles the page's filters",
    ("models.md", "artifacts/"): "a listing of a folder",
    ("offline.md", "interactions"): "a picture of what leads to what",
    ("redis.md", "ACL SETUSER"): "tests/features/test_acl.py sets this user on a real server",
    ("scoring.md", "score(i)"): "a formula; tests/docs/test_scoring.py computes its table",
    ("scoring.md", "sum over"): "a formula; tests/docs/test_scoring.py computes its table",
    ("surfaces.md", "braid: --surfaces"): "what the command printed",
    ("tracing.md", "POST /v1"): "a picture; tests/service/trace/test_served.py has one made",
    ("tutorial.md", "No --redis"): "what the command printed",
    ("tutorial.md", "Compiling the kernels"): "what the command printed",
}
FOREIGN = {
    # a program that is not ours: why its line is only read by `sh -n`
    **dict.fromkeys(("buildah", "debootstrap", "redis-server"), "needs root; tried by hand"),
    **dict.fromkeys(("docker", "sudo"), "needs an engine; compose.yaml is held to its schema"),
    "kubectl": "needs a cluster; make check-deploy holds the manifests to their schema",
    "npx": "a generator of somebody else's",
    "pip": "a wheel is not published yet; pyproject.toml has the extra",
    **dict.fromkeys((".", "mkdir", "for", "done"), "the shell's own"),
}
PAGES_OWN = {"tutorial.md": "tests/docs/test_tutorial.py runs it, on the tutorial's own data"}


def of(*languages: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "block", [block for block in BLOCKS if block.language in languages], ids=str
    )


def commands(text: str) -> list[list[str]]:
    """Return the words of each command; an output below a command is none of them."""
    lines = re.sub(r" *\\\n *", " ", scripted(text)).splitlines()
    found = [shlex.split(line, comments=True) for line in lines]
    return [words for words in found if words and not re.match(r"\w+=", words[0])]


def scripted(text: str) -> str:
    """Return the commands without what they print, or a file to be written, behind them."""
    return re.split(r"\n\n(?=\S+:|\S.*  )", text, maxsplit=1)[0] + "\n"


def test_the_blocks_are_found() -> None:
    assert len(BLOCKS) > 60
    assert {block.language for block in BLOCKS} >= set(LANGUAGES)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language not in LANGUAGES], ids=str
)
def test_a_block_that_is_not_run_says_why(block: Block) -> None:
    assert any(
        block.page == page and block.text.lstrip().startswith(first) for page, first in NOT_RUN
    ), "run it, or say why not"


def test_every_reason_is_of_a_block_that_is_there() -> None:
    for page, first in NOT_RUN:
        assert any(b.page == page and b.text.lstrip().startswith(first) for b in BLOCKS), first


@of("python")
def test_python_runs(
    block: Block, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = block.text.replace("http://127.0.0.1:8000", service.url)
    text = re.sub(r"timeout_s=[\d.]+", "timeout_s=60", text)  # a busy machine is no failure
    module = ModuleType("shown")
    exec(compile(text, str(block), "exec"), module.__dict__)  # noqa: S102  our own page


@of("sh")
def test_a_command_is_one(block: Block, service: Service) -> None:
    subprocess.run(["sh", "-n"], input=scripted(block.text), text=True, check=True)
    for words in commands(block.text):
        match words:
            case ["braid", *arguments]:
                app.parse_args(
                    [word for word in arguments if word != "…"],
                    exit_on_error=False,
                    print_error=False,
                )
            case ["make", target, *_]:
                assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
            case ["python" | ".venv-offline/bin/python", "-m", module, *_]:
                assert find_spec(module)
            case ["curl", *arguments]:
                check_curl(arguments, service, ask=block.page not in PAGES_OWN)
            case [program, *_]:
                assert program in FOREIGN, f"{program}: run it, or say why not"


def check_curl(arguments: list[str], service: Service, *, ask: bool) -> None:
    """Hold what curl sends to the contract, and have it answered."""
    [url] = (word for word in arguments if word.startswith("localhost:8000/"))
    body = arguments[arguments.index("-d") + 1]
    check_body("POST", "/" + url.partition("/")[2], body)
    if ask:
        here = [word.replace("localhost:8000", service.url) for word in arguments]
        subprocess.run(["curl", "-sS", "--fail", *here], check=True, capture_output=True)


def check_body(method: str, path: str, body: str) -> None:
    for one in (*OPERATIONS, *CATALOGUE, *ADMIN):
        if (one.method, one.path) == (method, path):
            msgspec.json.decode(body, type=one.request)
            return
    raise AssertionError(f"{method} {path} is no route with a body")


@of("http")
def test_a_request_fits_the_contract(block: Block) -> None:
    head, _, rest = block.text.partition("\n")
    method, _, target = head.partition(" ")
    if method == "GET":
        templates = [path for path, told in document("")["paths"].items() if "get" in told]
        asked = [line.split()[1].partition("?")[0] for line in block.text.splitlines()]
        for path in asked:
            assert any(re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", one), path) for one in templates)
    else:
        body, *answer = re.split(r"^\d{3}$", rest, maxsplit=1, flags=re.MULTILINE)
        check_body(method, target, body)
        assert all(json.loads(one) for one in answer)


@of("toml")
def test_toml_is_a_file_of_surfaces_or_of_feast(block: Block) -> None:
    if block.page == "feast.md":
        assert msgspec.toml.decode(block.text, type=Feast).item
    else:
        assert parse(block.text).by_name


@of("json")
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text.replace("[...]", "[]"))


@of("yaml")
def test_yaml_is_yaml(block: Block) -> None:
    assert all(isinstance(one, dict) for one in yaml.safe_load_all(block.text))
