"""Draw a flame graph of one event loop at work: where W1's time goes, by Python function.

    python -m benchmarks.flame OUT.svg [seconds]

A thread of the server's own process looks at the loop's stack a thousand times a second
(`sys._current_frames`); time in native code counts for the Python function that called it. Samples
in which the loop waits for the network are left out. (B. Gregg, "The Flame Graph", CACM 2016.)
"""

import json
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from html import escape
from pathlib import Path
from types import FrameType

from benchmarks import servers
from benchmarks.client import closed_loop
from benchmarks.standard import ground, request, wishes
from service.cli import main as braid

PERIOD_S = 0.001
WIDTH, ROW, LEAST = 1000.0, 15, 0.002
WARM = ("#d1495b", "#edae49", "#e0803f", "#f2c14e")
OURS = ("#0b6e4f", "#6bbf59", "#3f9a5a")

type Stack = tuple[str, ...]


class Sampler(threading.Thread):
    """Counts the stacks of the first event loop's thread."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stacks: Counter[Stack] = Counter()

    def run(self) -> None:
        """Look, sleep, look."""
        while True:
            time.sleep(PERIOD_S)
            loop = next((t for t in threading.enumerate() if t.name == "braid-loop-0"), None)
            frame = sys._current_frames().get(loop.ident or 0) if loop else None
            stack = _names(frame)
            if stack and not stack[-1].startswith(("asyncio", "threading")):
                self.stacks[stack] += 1


def _names(frame: FrameType | None) -> Stack:
    names = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        module = ".".join((path.parent.name, path.stem))
        names.append(f"{module} {frame.f_code.co_qualname}")
        frame = frame.f_back
    while names and names[-1].startswith(("python3", "asyncio", "http.server")):
        names.pop()  # how the thread came to be: the same in each
    return tuple(reversed(names))


def serve(samples: Path, arguments: list[str]) -> None:
    """Serve Braid, and write what was sampled when it ends."""
    sampler = Sampler()
    sampler.start()
    sys.argv = ["braid", *arguments]
    try:
        braid()
    finally:
        samples.write_text(json.dumps([[*stack, n] for stack, n in sampler.stacks.items()]))


def svg(stacks: list[tuple[Stack, int]]) -> str:
    """Draw the stacks, callers below."""
    total = sum(count for _, count in stacks)
    boxes: list[str] = []
    deepest = 0

    def draw(level: int, left: float, inside: list[tuple[Stack, int]]) -> None:
        nonlocal deepest
        groups: dict[str, list[tuple[Stack, int]]] = {}
        for stack, count in inside:
            if len(stack) > level:
                groups.setdefault(stack[level], []).append((stack, count))
        for name, group in sorted(groups.items()):
            share = sum(count for _, count in group) / total
            if share >= LEAST:
                deepest = max(deepest, level)
                boxes.append(_box(level, left, share, name))
                draw(level + 1, left, group)
            left += share * WIDTH

    draw(0, 0.0, stacks)
    height = (deepest + 1) * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {-height} {WIDTH:.0f} {height}"'
    return f'{head} font-family="sans-serif" font-size="10">{"".join(boxes)}</svg>\n'


def _box(level: int, left: float, share: float, name: str) -> str:
    mine = name.startswith(("http.", "service.", "features.", "ranking.", "retrieval.", "rerank."))
    colours = OURS if mine or name.startswith(("scorers.", "observe.", "forest.")) else WARM
    top, width = -(level + 1) * ROW, share * WIDTH
    letters = int(width / 5.6)
    text = f'<text x="{left + 2:.1f}" y="{top + 11}">{escape(name[:letters])}</text>'
    return (
        f'<g><title>{escape(name)}: {share:.1%}</title><rect x="{left:.1f}" y="{top}" '
        f'width="{width:.1f}" height="{ROW - 1}" fill="{colours[len(name) % len(colours)]}"/>'
        f"{text if letters > 3 else ''}</g>"
    )


def main() -> None:
    """Sample W1 and draw it."""
    if sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]), sys.argv[3:])
        return
    into, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    with ExitStack() as stack:
        base = ground(stack, 100_000, 200)
        requests = [request(wish) for wish in wishes(base.world, 32)]
        samples, port = base.world.folder / "samples.json", servers.free_port()
        command = [sys.executable, "-m", "benchmarks.flame", "--serve", str(samples), "serve"]
        command += ["--port", str(port), "--redis", base.url, "--loops", "1", "--crew", "0"]
        command += ["--artifact", str(base.world.artifact)]
        log = base.world.folder / "server.log"
        with servers.serving("braid", command, port, requests[0], log) as server:
            closed_loop(server.address, requests, 1, seconds)
        stacks = [(tuple(row[:-1]), row[-1]) for row in json.loads(samples.read_text())]
    into.write_text(svg(stacks))


if __name__ == "__main__":
    main()
