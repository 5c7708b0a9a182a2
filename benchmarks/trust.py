"""Time W1 with what guards a service, part by part, and against an older commit.

    python -m benchmarks.trust [--short | --tiny] [--json]
    BRAID_BEFORE=COMMIT python -m benchmarks.trust ...

Two processes of the very same code differ by more than what is looked for here, by where their
memory lies and which event loop a connection finds. So all are started anew several times; in each
round they stand side by side and are asked in turn, a block of requests over a connection of its
own each time, so that each works with warm caches. A ratio is of one round's medians. With
BRAID_BEFORE the service as it was at that commit stands among them (`git worktree`, the same
environment).
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from benchmarks import servers
from benchmarks.client import Connection, good
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import ROOT, Server
from benchmarks.standard import Ground, ground, request, wishes

BARE: Final = "neither keys nor admission"
BEFORE: Final = "as it was at "
OFF: Final = ("--longest-wait-ms", "0")
KEY_HEADER: Final = b"authorization: Bearer %b\r\n"
DEADLINE_HEADER: Final = b"x-deadline-ms: 500\r\n"
COMPILES: Final = 6


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    items = options.pick(full=20_000, short=20_000, tiny=2_000)
    trees = options.pick(full=200, short=200, tiny=5)
    rounds = options.pick(full=8, short=3, tiny=1)
    blocks = options.pick(full=6, short=4, tiny=1)
    each = options.pick(full=250, short=150, tiny=5)
    before = os.environ.get("BRAID_BEFORE")
    with ExitStack() as stack:
        base = ground(stack, items, trees)
        asked = [request(wanted) for wanted in wishes(base.world, 50)]
        keys, key = _key(base.world.folder)
        turns: list[dict[str, np.ndarray]] = []
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}")
            with ExitStack() as servers_of_turn:
                ways = _start(servers_of_turn, base, asked[0], keys, key, before)
                turns.append(_ask(ways, asked, blocks, each))
    took = {way: np.array([turn[way] for turn in turns]) for way in turns[0]}
    return {
        "rounds": rounds,
        "requests": rounds * blocks * each,
        "ways": {way: _told(times, took[BARE]) for way, times in took.items()},
        "before": None
        if not before
        else {way: _told(times, took[f"{BEFORE}{before}"]) for way, times in took.items()},
    }


def _start(
    stack: ExitStack, base: Ground, probe: bytes, keys: Path, key: bytes, before: str | None
) -> dict[str, tuple[Server, bytes]]:
    """Return a server and the headers to ask it with, by way."""
    bare = _serve(stack, base, probe, *OFF)
    admission = _serve(stack, base, probe)
    guarded = _serve(stack, base, _with(probe, KEY_HEADER % key), "--keys", str(keys))
    ways = {
        BARE: (bare, b""),
        "admission": (admission, b""),
        "admission, a deadline in the header": (admission, DEADLINE_HEADER),
        "all: keys, a rate, admission, a deadline": (guarded, KEY_HEADER % key + DEADLINE_HEADER),
    }
    if before:
        ways[f"{BEFORE}{before}"] = _older(stack, base, probe, before), b""
    return ways


def _ask(
    ways: Mapping[str, tuple[Server, bytes]], asked: Sequence[bytes], blocks: int, each: int
) -> dict[str, np.ndarray]:
    """Return milliseconds by way, float64[blocks * each]."""
    took: dict[str, list[float]] = {way: [] for way in ways}
    names = list(ways)
    for block in range(blocks + 1):
        # Nobody is always the first, who may find colder caches and a slower clock.
        first = block % len(names)
        for way in names[first:] + names[:first]:
            server, headers = ways[way]
            wanted = [_with(body, headers) for body in asked]
            with closing(Connection(server.address)) as line:
                for number in range(each):
                    began = perf_counter()
                    reply = line.ask(wanted[number % len(wanted)])
                    if block:  # the first is for the near cache, and all else that is cold
                        took[way].append(1e3 * (perf_counter() - began))
                    assert good(reply), reply.body[:300]
    return {way: np.array(times) for way, times in took.items()}


def _told(took: np.ndarray, bare: np.ndarray) -> dict[str, float]:
    """Return percentiles, and how the medians compare, round by round."""
    ratios = np.median(took, axis=1) / np.median(bare, axis=1)
    return {
        "p50_ms": float(np.median(took)),
        "p99_ms": float(np.percentile(took, 99)),
        "ratio": float(np.median(ratios)),
        "lowest": float(ratios.min()),
        "highest": float(ratios.max()),
    }


def _with(request_: bytes, headers: bytes) -> bytes:
    """Add header lines to a request."""
    return request_.replace(b"\r\n", b"\r\n" + headers, 1) if headers else request_


def _key(folder: Path) -> tuple[Path, bytes]:
    """Make a key that may read, as often as it likes; return its file and its text."""
    keys = folder / "keys.json"
    command = (*_braid(), "keys", "new", "bench", "--scope", "read", "--rate", "999999/s")
    made = subprocess.run(
        [*command, "--keys", str(keys)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    [text] = [word for word in made.stdout.split() if word.startswith("braid_")]
    return keys, text.encode()


def _braid() -> list[str]:
    return servers.braid(0)[: servers.braid(0).index("serve")]


def _serve(stack: ExitStack, base: Ground, probe: bytes, *more: str) -> Server:
    port = servers.free_port()
    command = servers.braid(
        port, "--redis", base.url, "--artifact", str(base.world.artifact), *more
    )
    log = base.world.folder / f"{port}.log"
    return stack.enter_context(servers.serving("braid", command, port, probe, log))


def _older(stack: ExitStack, base: Ground, probe: bytes, commit: str) -> Server:
    """Serve what a commit was; its kernels are compiled once and stay under build/."""
    tree = ROOT / "build" / "before" / commit
    if not tree.exists():
        add = ("git", "worktree", "add", "--detach", "--force", str(tree), commit)
        subprocess.run(add, cwd=ROOT, check=True, capture_output=True)
    port = servers.free_port()
    given = ("--redis", base.url, "--artifact", str(base.world.artifact))
    program = [*_braid()[:1], "-P", *_braid()[1:]]
    command = [*program, "serve", "--port", str(port), *given]
    log, environment = base.world.folder / "older.log", {"PYTHONPATH": str(tree)}
    # The first start compiles, which takes longer than any start is waited for; what is compiled
    # stays compiled.
    for left in reversed(range(COMPILES)):
        try:
            entered = servers.serving("older", command, port, probe, log, environment)
            return stack.enter_context(entered)
        except RuntimeError:
            if not left:
                raise
            say(f"the service of {commit} compiles its kernels")
    raise AssertionError


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
