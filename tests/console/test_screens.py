"""Screenshots of every view, left under screenshots/, and what can be told of their looks."""

from typing import Any

import pytest
from conftest import SCREENSHOTS, SIZES, Braid, opened
from frozen import freeze

PLACES = """[...document.querySelectorAll('.card')].map(one => {
    const box = one.getBoundingClientRect();
    return [box.x, box.y, box.width, box.height];
})"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_view_fits_its_window(browser: Any, braid: Braid, colours: str, size: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    with opened(browser, braid, colours, SIZES[size]) as page:
        for view in ("ask", "live", "requests", "models"):
            page.click(f"#tab-{view}")
            page.wait_for_selector(f"#view-{view} :is(table, .card)")
            page.wait_for_timeout(300 if view != "live" else 2500)
            page.screenshot(path=SCREENSHOTS / f"{view}-{colours}-{size}.png")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= SIZES[size][0], f"{view} scrolls sideways"
        page.click("#tab-ask")
        page.locator(".card h3 button").first.click()
        page.wait_for_selector("dialog[open] .forces")
        page.screenshot(path=SCREENSHOTS / f"why-{colours}-{size}.png")


def test_light_and_dark_are_the_same_page(browser: Any, braid: Braid) -> None:
    boxes = []
    for colours in ("light", "dark"):
        # Frozen: a service that is busy for one of them says so in a line more.
        with opened(browser, braid, colours, SIZES["wide"], before=freeze) as page:
            boxes.append(page.evaluate(PLACES))
    assert boxes[0] == boxes[1]
