"""Every flow by the keyboard alone, and what is moved for those who want nothing moved."""

from typing import Any

import pytest
from conftest import SIZES, Braid, opened, until

FOCUSED = """() => {
    const one = document.activeElement;
    if (!one.matches('a, button, input, select, summary')) return '';
    return one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent.trim();
}"""
STEPS = 90


def walk_to(page: Any, name: str) -> None:
    """Press Tab until something whose name begins so has the focus."""
    for _ in range(STEPS):
        if page.evaluate(FOCUSED).startswith(name):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by Tab")


def test_a_question_is_asked_and_a_place_explained_by_keys(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to content"
    page.keyboard.press("Enter")
    walk_to(page, "User")
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('[value=session]').checked")
    page.keyboard.press("ArrowLeft")
    walk_to(page, "User id")
    page.keyboard.press("Control+a")
    with page.expect_response("**/v1/recommendations"):
        page.keyboard.type("405")
    walk_to(page, "Limit")
    with page.expect_response("**/v1/recommendations"):
        page.keyboard.press("ArrowLeft")
    until(page, "document.querySelectorAll('.card').length === 11")

    title = page.locator(".card h3").first.inner_text()
    walk_to(page, title)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] .forces")
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED) == title, "the focus is where it was"

    walk_to(page, "Item id")
    page.keyboard.type("1682")
    page.keyboard.press("Enter")
    page.wait_for_selector(".fate")


def test_two_are_compared_by_keys(page: Any) -> None:
    walk_to(page, "Compare two")
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('.side').length === 2")
    assert page.evaluate(FOCUSED) == "One again", "the button keeps the focus"
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('.side').length === 1")


def test_a_request_is_opened_and_replayed_by_keys(page: Any, braid: Braid) -> None:
    answer = braid.ask("/v1/recommendations", {"user_id": "22", "limit": 3})
    walk_to(page, "Ask")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#view-requests table")
    walk_to(page, answer["request_id"][-12:])
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-label='Request'] .waterfall")
    walk_to(page, "Model to replay by")
    walk_to(page, "Replay")
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-label='Replay']")


def test_colours_and_key_are_reached_by_keys(page: Any) -> None:
    walk_to(page, "Colours: auto")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "Colours: light"
    walk_to(page, "Key: none is used")
    page.keyboard.press("Enter")
    page.wait_for_selector("#key-dialog[open]")
    assert page.evaluate(FOCUSED) == "Key"
    page.keyboard.press("Escape")
    assert page.evaluate(FOCUSED) == "Key: none is used"


def test_what_has_the_focus_shows_it(page: Any) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate(
            """() => {
                const one = document.activeElement;
                if (one === document.body) return true;
                const drawn = [one, one.nextElementSibling].filter(Boolean)
                    .flatMap(each => [getComputedStyle(each), getComputedStyle(each, '::after')]);
                return drawn.some(style => style.outlineStyle !== 'none');
            }"""
        ), page.evaluate(FOCUSED)


@pytest.mark.parametrize("view", ["Ask", "Live", "Requests", "Models"])
def test_everything_that_can_be_used_has_a_name(page: Any, view: str) -> None:
    page.get_by_role("tab", name=view).click()
    page.wait_for_selector(f"#view-{view.lower()} :is(table, .card, .tile)")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a, [role=tab]')]
            .filter(one => one.offsetParent)
            .filter(one => !(one.getAttribute('aria-label') || one.labels?.length
                || one.textContent.trim())).map(one => one.outerHTML)"""
    )
    assert nameless == []


def test_nothing_moves_for_who_wants_no_motion(browser: Any, braid: Braid) -> None:
    with opened(browser, braid, "light", SIZES["wide"]) as page:
        page.locator(".card h3 button").first.click()
        page.wait_for_selector("dialog[open]")
        assert _moving(page) == []
        page.emulate_media(reduced_motion="no-preference")
        assert _moving(page)


def _moving(page: Any) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(one => {
            const style = getComputedStyle(one);
            return style.animationName !== 'none' || style.transitionDuration !== '0s';
        }).map(one => one.tagName)"""
    )
    return found
