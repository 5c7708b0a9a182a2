"""Every view looks as it did when somebody last looked: `make console-test ARGS=--update`."""

from pathlib import Path
from typing import Any

import pytest
from conftest import SCREENSHOTS, SIZES, Braid, opened
from frozen import freeze
from pictures import Reference

REFERENCES = Path(__file__).parent / "references"
VIEWS = ("ask", "why", "live", "requests", "models")
MARK = """() => {
    const words = document.createElement('span');
    words.textContent = 'Where the milliseconds went: 0123456789';
    words.style.position = 'absolute';
    document.body.append(words);
    const { width, height } = words.getBoundingClientRect();
    words.remove();
    return `${width.toFixed(1)} x ${height.toFixed(1)}`;
}"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_view_looks_as_its_reference(
    browser: Any, braid: Braid, colours: str, size: str, request: pytest.FixtureRequest
) -> None:
    complaints = []
    with opened(browser, braid, colours, SIZES[size], before=freeze) as page:
        fonts = page.evaluate(MARK)
        for view in VIEWS:
            shot = _photograph(page, view, SCREENSHOTS / f"frozen-{view}-{colours}-{size}.png")
            reference = Reference(REFERENCES / f"{view}-{colours}-{size}.png")
            if request.config.getoption("--update"):
                reference.save(shot, fonts)
            elif reference.fonts() != fonts:
                pytest.skip(
                    f"the references are of other fonts ({reference.fonts()}, here {fonts}): "
                    "look at the screenshots, then `make console-test ARGS=--update`"
                )
            elif told := reference.differs(shot, shot.with_suffix(".apart.png")):
                complaints.append(f"{view}: {told}")
    assert not complaints, (
        f"{colours}, {size}: {complaints}; if it looks right, `make console-test ARGS=--update`"
    )


@pytest.mark.parametrize("gone", [".stats", "[aria-label='Waterfall']", ".card:nth-child(3)"])
def test_a_panel_that_vanishes_is_seen(
    browser: Any, braid: Braid, gone: str, tmp_path: Path
) -> None:
    with opened(browser, braid, "light", SIZES["wide"], before=freeze) as page:
        before = _photograph(page, "ask", tmp_path / "before.png")
        reference = Reference(tmp_path / "reference.png")
        reference.save(before, "any")
        again = _photograph(page, "ask", tmp_path / "again.png")
        assert reference.differs(again, tmp_path / "apart.png") is None

        page.evaluate(f"document.querySelector({gone!r}).style.visibility = 'hidden'")
        after = _photograph(page, "ask", tmp_path / "after.png")
        assert reference.differs(after, tmp_path / "apart.png")


def _photograph(page: Any, view: str, path: Path) -> Path:
    """Bring a view to the state in which it is compared, and take its picture."""
    SCREENSHOTS.mkdir(exist_ok=True)
    if view == "why":
        page.locator(".card h3 button").first.click()
        page.wait_for_selector("dialog[open] .forces")
    elif view == "live":
        page.click("#tab-live")
        page.wait_for_selector("[aria-label='Slowest requests'] table")
        for second in range(1, 6):
            page.clock.run_for(1000)
            page.wait_for_selector(f"text=of {400 * second} requests")
    else:
        page.click(f"#tab-{view}")
        page.wait_for_selector(f"#view-{view} :is(table, .card)")
    page.screenshot(path=path, animations="disabled", caret="hide")
    if view == "why":
        page.keyboard.press("Escape")
    return path
