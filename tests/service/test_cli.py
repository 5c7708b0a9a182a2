"""The command line: every setting from a flag or the environment, and errors that name it."""

import http.server
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from service import cli
from service.errors import Mendable
from service.settings import Settings


def parsed(*words: str) -> Any:
    """Return what a command would be called with, by its parameters' names."""
    _, bound, _ = cli.app.parse_args(list(words), exit_on_error=False, print_error=False)
    return bound.arguments


def settings(*words: str) -> Settings:
    """Return the settings that `braid serve` would run with."""
    arguments = parsed("serve", *words)
    found = arguments.get("settings", Settings())
    assert isinstance(found, Settings)
    return found


def braid(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["braid", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the errors be one line wide and alone, and no setting come from outside the test."""
    monkeypatch.setattr(cli, "gil_enabled", lambda: False)  # with the GIL it is said ahead of them
    monkeypatch.setenv("COLUMNS", "300")
    for name in Settings.__dataclass_fields__:
        monkeypatch.delenv(f"BRAID_{name.upper()}", raising=False)


def test_without_flags_every_setting_has_its_default() -> None:
    assert settings() == Settings()


def test_a_flag_counts_before_the_environment_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BRAID_PORT", "9000")
    monkeypatch.setenv("BRAID_LOOPS", "3")
    found = settings("--port", "9001")
    assert (found.port, found.loops, found.host) == (9001, 3, "127.0.0.1")


def test_every_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: dict[str, Any] = {
        "host": "::1",
        "port": 0,
        "keys": Path("keys.json"),
        "without_keys": True,
        "audit": Path("audit.jsonl"),
        "tls_cert": Path("cert.pem"),
        "tls_key": Path("key.pem"),
        "cors_origins": ("https://shop.example", "http://localhost:3000"),
        "redis": "redis://store:7000/2",
        "artifact": Path("models"),
        "surfaces": Path("mine.toml"),
        "scorer": "mine:score",
        "loops": 7,
        "crew": 0,
        "fetch_budget_ms": 12.5,
        "write_budget_ms": 250.0,
        "history_cap": 77,
        "near_cache_mib": 0,
        "log_features": 0.5,
        "log_format": "json",
        "log_sample": 0.25,
        "log_users": "none",
        "slow_ms": 50.0,
        "trace_sample": 0.5,
        "traces": "http://localhost:4318",
        "flight": 0,
        "largest_body_bytes": 2048,
        "longest_deadline_ms": 500.0,
        "drain_s": 0.0,
        "connections": 500,
        "patience_s": 4.5,
        "idle_s": 30.0,
        "longest_wait_ms": 0.0,
        "feast": Path("feature_store.yaml"),
        "mapped": Path("shared"),
    }
    assert set(wanted) == set(Settings.__dataclass_fields__), "a new setting: give it a value here"
    for name, value in wanted.items():
        text = " ".join(value) if isinstance(value, tuple) else str(value)
        monkeypatch.setenv(f"BRAID_{name.upper()}", text)
    assert settings() == Settings(**wanted)


def test_what_the_environment_holds_for_others_is_no_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BRAID_VALKEY", "/opt/valkey-server")
    monkeypatch.setenv("BRAID_PYTHON", "")
    assert settings() == Settings()


WRONG = [
    ("port", "65536", "<= 65535"),
    ("port", "-1", ">= 0"),
    ("port", "http", "int"),
    ("redis", "store:6379", "redis://"),
    ("redis", "", "redis://"),
    ("redis", "redis://store:port", "port"),
    ("loops", "0", ">= 1"),
    ("loops", "1000", "<= 256"),
    ("crew", "-1", ">= 0"),
    ("fetch_budget_ms", "0", "> 0"),
    ("fetch_budget_ms", "nan", "10000"),
    ("fetch_budget_ms", "inf", "10000"),
    ("history_cap", "0", ">= 1"),
    ("flight", "-1", ">= 0"),
    ("largest_body_bytes", "10", ">= 1024"),
    ("longest_deadline_ms", "0", "> 0"),
    ("drain_s", "-0.5", ">= 0"),
    ("drain_s", "nan", "600"),
]


@pytest.mark.parametrize(("name", "value", "remedy"), WRONG)
def test_a_wrong_flag_ends_with_2_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    remedy: str,
) -> None:
    flag = "--" + name.replace("_", "-")
    assert braid(monkeypatch, "serve", f"{flag}={value}") == 2
    told = capsys.readouterr().err
    assert flag in told
    assert remedy in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("name", "value", "remedy"), WRONG)
def test_a_wrong_environment_variable_ends_with_2_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    remedy: str,
) -> None:
    variable = f"BRAID_{name.upper()}"
    monkeypatch.setenv(variable, value)
    assert braid(monkeypatch, "serve") == 2
    told = capsys.readouterr().err
    assert variable in told
    assert remedy in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serve", "--prot", "1"), "--prot"),
        (("serve", "8000"), "8000"),
        (("load",), "--redis"),
        (("load", "--redis", "nowhere"), "redis://"),
        (("sevre",), "serve"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    assert braid(monkeypatch, *words) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serve", "--artifact", "/nowhere"), "make one with `braid train`"),
        (("status", "--url", "http://127.0.0.1:1"), "is `braid serve` running there?"),
        (("load", "--artifact", "/nowhere", "--redis", "redis://x"), "holds no artifact"),
        (("status", "--url", "127.0.0.1:8000"), "one is http://127.0.0.1:8000"),
        (("models", "--url", "http://"), "one is http://127.0.0.1:8000"),
        (("models", "--url", "http://127.0.0.1:port"), "one is http://127.0.0.1:8000"),
        (("models", "activate", "1", "--url", "http://127.0.0.1:1"), "is `braid serve` running"),
        (("replay", "1", "--url", "http://127.0.0.1:1"), "is `braid serve` running"),
        (("replay", "1", "--set", "x"), "--set takes TOML"),
        (("explain",), "name a user"),
        (("explain", "1", "--url", "http://127.0.0.1:1"), "is `braid serve` running"),
        (("top", "--url", "http://127.0.0.1:1"), "is `braid serve` running"),
        (("top", "--url", "nowhere"), "one is http://127.0.0.1:8000"),
        (("train", "--interactions", "/nowhere.csv"), "/nowhere.csv: cannot be read"),
        (("train", "--served", "/nowhere"), "run `braid log export --into /nowhere`"),
        (("retrain", "--artifacts", "/nowhere"), "make one with `braid train`"),
        (("evaluate", "--interactions", "/nowhere.csv"), "/nowhere.csv: cannot be read"),
        (("check", "--artifact", "/nowhere"), "make one with `braid train`"),
        (("keys", "--keys", "/nowhere"), "`braid keys new NAME --scope read` makes it"),
        (("keys", "revoke", "x", "--keys", "/nowhere"), "/nowhere has no key 'x'"),
        (("experiment", "report"), "--redis URL, or --folder"),
        (("experiment", "report", "--folder", "/nowhere"), "/nowhere has neither"),
        (("experiment", "report", "--redis", "redis://127.0.0.1:1"), "is Redis there"),
        (("experiment", "report", "--redis", "redis+cluster://127.0.0.1:1"), "is Redis there"),
        (("experiment", "export", "/nowhere", "--redis", "redis://127.0.0.1:1"), "is Redis there"),
    ],
)
def test_what_a_person_can_mend_is_one_line_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    assert braid(monkeypatch, *words) == 1
    error = capfd.readouterr().err
    assert error.startswith("braid: ")
    assert told in error
    assert error.count("\n") == 1


def test_a_server_that_is_not_braid_is_told_of_and_shows_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for command in ("status", "models", "top"):
                url = f"http://127.0.0.1:{server.server_port}"
                assert braid(monkeypatch, command, "--url", url) == 1
                assert f"{url} answers 404 as Braid does not" in capfd.readouterr().err
        finally:
            server.shutdown()
            thread.join()


COMPLETIONS = [
    (("re",), "replay retrain"),
    (("top", "--o"), "--once --over-s"),
    (("keys", "n"), "new"),
]


def completion(monkeypatch: pytest.MonkeyPatch, home: Path, shell: str) -> Path:
    """Install completion for a shell; return the script."""
    script = home / f"braid.{shell}"
    monkeypatch.setenv("HOME", str(home))
    words = ("--install-completion", "--shell", shell, "--output", str(script))
    assert braid(monkeypatch, *words) == 0
    return script


@pytest.mark.parametrize(("typed", "completed"), COMPLETIONS)
def test_bash_completes_commands_and_flags_once_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: tuple[str, ...], completed: str
) -> None:
    script = completion(monkeypatch, tmp_path, "bash")
    asked = f"""source {script}
        COMP_WORDS=(braid {" ".join(typed)}) COMP_CWORD={len(typed)}
        _braid
        printf '%s\\n' "${{COMPREPLY[@]}}" | sort | xargs"""
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == completed


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(("typed", "completed"), COMPLETIONS)
def test_fish_completes_commands_and_flags_once_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: tuple[str, ...], completed: str
) -> None:
    script = completion(monkeypatch, tmp_path, "fish")
    asked = f"source {script}; complete -C'braid {' '.join(typed)}' | cut -f1 | sort | xargs"
    fish = ("fish", "-c", asked)  # in a folder without files that would do as well
    done = subprocess.run(fish, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == completed


def test_brackets_in_an_error_are_words_and_no_colours(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_words: list[str]) -> None:
        raise Mendable("install `braid[embedded]`, not [/red] or [bold]")

    monkeypatch.setattr(cli, "app", fail)
    assert braid(monkeypatch) == 1
    assert capfd.readouterr().err == "braid: install `braid[embedded]`, not [/red] or [bold]\n"


def test_a_python_with_the_gil_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "gil_enabled", lambda: True)
    assert braid(monkeypatch, "--version") == 0
    assert capfd.readouterr().err == "This Python runs with the GIL: one request uses one core.\n"


def test_an_interrupt_ends_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert braid(monkeypatch) == 130


def test_the_version_is_the_projects(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = re.search(
        r'^version = "(.+)"$', Path("pyproject.toml").read_text(), flags=re.MULTILINE
    )
    assert declared is not None
    assert braid(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == declared[1]


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert braid(monkeypatch, *command.split(), "--help") == 0
    told = capsys.readouterr().out
    for name, about in cli.COMMANDS.items():
        assert (about.rstrip(".") in told) == (command in {"", name})
