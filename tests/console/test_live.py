"""The live view while eight connections ask as fast as they can: it moves, and does not grow."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import SIZES, Braid, opened, until

CONNECTIONS = 8
PAUSE_S = 0.02  # the browser needs a core, too
FIGURES = "[...document.querySelectorAll('.tile .now')].map(one => one.textContent)"


@contextmanager
def load(braid: Braid) -> Iterator[None]:
    over = threading.Event()

    def run(first: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(braid.url).netloc, timeout=60)
        user = first
        while not over.wait(PAUSE_S):
            user = user % 900 + CONNECTIONS
            event = {"user_id": str(user), "item_id": "50", "type": "click"}
            for path, body in (
                ("/v1/recommendations", {"user_id": str(user), "limit": 10}),
                ("/v1/events", {"events": [event]}),
            ):
                headers = {"content-type": "application/json"}
                connection.request("POST", path, json.dumps(body), headers)
                connection.getresponse().read()
        connection.close()

    threads = [threading.Thread(target=run, args=(first,)) for first in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_under_load_the_figures_move_and_the_page_does_not_grow(
    browser: Any, braid: Braid, request: pytest.FixtureRequest
) -> None:
    rounds = 110 if request.config.getoption("--full") else 12
    with opened(browser, braid, "light", SIZES["wide"]) as page, load(braid):
        page.click("#tab-live")
        until(page, "document.querySelectorAll('#view-live tbody tr').length >= 7", 60)
        page.wait_for_timeout(6000)  # as many readings as it keeps
        session = page.context.new_cdp_session(page)
        before = _weight(session)
        seen = set()
        for _ in range(rounds):
            page.wait_for_timeout(1000)
            seen.add(tuple(page.evaluate(FIGURES)))
        after = _weight(session)
        shown = dict(zip(_names(page), page.evaluate(FIGURES), strict=True))

    assert len(seen) > rounds // 3, "the figures stand still"
    assert after["bytes"] < 1.25 * before["bytes"] + 1_000_000
    assert after["nodes"] < before["nodes"] + 2000
    for name in ("Requests per second", "Near cache hits", "Requests that had help"):
        assert shown[name][0].isdigit(), shown
    assert float(shown["Requests per second"].replace(",", "")) > 1


def test_the_slowest_under_load_opens_and_replays(browser: Any, braid: Braid) -> None:
    with opened(browser, braid, "light", SIZES["wide"]) as page, load(braid):
        page.click("#tab-live")
        page.get_by_label("The slowest").get_by_role("button").first.click(timeout=60_000)
        page.wait_for_selector("[aria-label='Request'] .waterfall")
        for _ in range(10):  # replays give way to live requests: a busy service may refuse some
            with page.expect_response("**/v1/replay") as replayed:
                page.get_by_role("button", name="Replay").click()
            if replayed.value.ok:
                break
        page.wait_for_selector("[aria-label='Replay'] .waterfall")
        page.allow("status of 503")


def _names(page: Any) -> list[str]:
    found: list[str] = page.locator(".tile h2").all_inner_texts()
    return found


def _weight(session: Any) -> dict[str, int]:
    """Return what is left of the page's memory when its garbage is gone."""
    session.send("HeapProfiler.collectGarbage")
    heap, counters = session.send("Runtime.getHeapUsage"), session.send("Memory.getDOMCounters")
    return {"bytes": int(heap["usedSize"]), "nodes": int(counters["nodes"])}
