"""A service that asks for keys: the console asks for one, keeps it for its tab, and tells."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BRAID, ROOT, SIZES, Braid, opened, serving, until

UNKNOWN = "braid_nobodys-key"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a reader's key and an operator's."""
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    made = {"file": str(file)}
    for name, scopes in (("reader", ("read",)), ("operator", ("read", "admin"))):
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        new = (*BRAID, "keys", "new", name, *wanted, "--keys", str(file))
        told = subprocess.run(new, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        made[name] = told.split()[-1]
    return made


@pytest.fixture(scope="module")
def guarded(artifacts: Path, keys: dict[str, str]) -> Iterator[Braid]:
    with serving("--artifact", artifacts, "--keys", keys["file"]) as found:
        yield found


@pytest.fixture
def page(browser: Any, guarded: Braid) -> Iterator[Any]:
    """A page that has been refused: it has no key yet."""
    with opened(browser, guarded, "light", SIZES["wide"], first="#key-dialog[open]") as page:
        page.allow("status of 401")
        yield page
        page.allow("status of 401")
        page.allow("status of 403")


def give(page: Any, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")


def test_the_console_asks_for_a_key_and_with_one_it_works(
    page: Any, keys: dict[str, str], guarded: Braid
) -> None:
    assert page.get_by_role("dialog").is_visible()
    assert page.locator("#key-told").inner_text() == ""
    give(page, keys["reader"])
    page.wait_for_selector(".card")

    assert page.get_by_role("button", name="Key: one is used").is_visible()
    assert keys["reader"] not in page.url
    assert page.evaluate("Object.values(localStorage)") in ([], ["auto"])
    assert keys["reader"] not in page.content()
    page.reload()
    page.wait_for_selector(".card")
    fresh = page.context.new_page()
    fresh.goto(guarded.url)
    fresh.wait_for_selector("#key-dialog[open]")  # another tab has not got it


def test_a_wrong_key_is_told_where_it_is_typed(page: Any, keys: dict[str, str]) -> None:
    give(page, UNKNOWN)
    page.wait_for_selector("#key-told:has-text('refused')")
    assert page.get_by_label("Key", exact=True).input_value() == ""
    give(page, keys["reader"])
    page.wait_for_selector(".card")


def test_escape_keeps_the_key_and_forget_forgets_it(page: Any, keys: dict[str, str]) -> None:
    give(page, keys["reader"])
    page.wait_for_selector(".card")
    page.get_by_role("button", name="Key: one is used").click()
    page.keyboard.press("Escape")
    assert page.evaluate("sessionStorage.length") == 1

    page.get_by_role("button", name="Key: one is used").click()
    page.get_by_role("button", name="Forget").click()
    page.wait_for_selector("#view-ask [role='alert']")
    assert page.evaluate("sessionStorage.length") == 0
    assert page.locator(".card").count() == 0


def test_a_reader_s_key_shows_figures_and_says_what_it_may_not(
    page: Any, keys: dict[str, str]
) -> None:
    give(page, keys["reader"])
    page.wait_for_selector(".card")
    page.get_by_role("tab", name="Live").click()
    page.wait_for_selector("[aria-label='Slowest requests'] [role='alert']:has-text('admin')")
    until(page, "parseFloat(document.querySelector('.tile .now').textContent) >= 0")
    page.get_by_role("tab", name="Requests").click()
    page.wait_for_selector("#view-requests [role='alert']:has-text('admin')")

    page.get_by_role("tab", name="Models").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Activate").first.click()
    page.wait_for_selector("#view-models [role='alert']:has-text('admin')")


def test_an_operator_s_key_activates_and_rolls_back(page: Any, keys: dict[str, str]) -> None:
    give(page, keys["operator"])
    page.wait_for_selector(".card")
    page.get_by_role("tab", name="Models").click()
    button = page.get_by_role("button", name=re.compile("^Activate "))
    wanted = (button.first.get_attribute("aria-label") or "").split()[1]
    page.once("dialog", lambda dialog: dialog.accept())
    button.first.click()
    page.wait_for_selector(f"text={wanted} is active")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=re.compile("^Roll back to ")).click()
    until(page, f"!document.querySelector('#view-models .said').innerText.includes('{wanted}')")
