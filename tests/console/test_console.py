"""Every control of the console, used in a real browser; what it shows is what the API says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Braid, opened, until

VIEWS = ("Ask", "Live", "Requests", "Models")


def titles(page: Any) -> list[str]:
    found: list[str] = page.locator(".card h3").all_inner_texts()
    return found


def go(page: Any, view: str) -> None:
    page.get_by_role("tab", name=view).click()


def asked(page: Any, act: Any) -> dict[str, Any]:
    """Do something that asks anew; return the body that was sent."""
    with page.expect_response("**/v1/recommendations") as answered:
        act()
    until(page, "!document.querySelector('[aria-busy]')")
    body: dict[str, Any] = answered.value.request.post_data_json
    return body


def slide(page: Any, name: str, value: float) -> dict[str, Any]:
    return asked(page, lambda: page.get_by_label(name).first.fill(str(value)))


@contextmanager
def traffic(braid: Braid) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.02):
            braid.ask("/v1/recommendations", {"user_id": "196"})

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()


def test_a_user_s_slate_is_the_one_that_the_api_gives(page: Any, braid: Braid) -> None:
    asked(page, lambda: page.get_by_label("User id").fill("405"))

    slate = braid.ask("/v1/recommendations", {"user_id": "405", "limit": 12})
    assert titles(page) == [item["properties"]["title"] for item in slate["items"]]
    assert page.locator(".card .reason").first.inner_text() == slate["items"][0]["reason"]
    assert slate["items"][0]["source"] in page.locator(".card .foot").first.inner_text()


def test_the_waterfall_has_every_stage(page: Any) -> None:
    words = page.get_by_label("Waterfall").inner_text()

    for stage in ("context", "retrieve", "features", "score", "rerank"):
        assert stage in words


def test_every_slider_asks_anew(page: Any) -> None:
    assert slide(page, "Limit", 4)["limit"] == 4
    assert len(titles(page)) == 4
    assert slide(page, "Diversity", 0.6)["diversity"] == 0.6
    assert slide(page, "Deadline", 40)["deadline_ms"] == 40
    assert "diversity" not in slide(page, "Diversity", -0.05)


def test_a_filter_narrows_the_slate_and_a_bad_one_is_told_with_its_remedy(page: Any) -> None:
    body = asked(page, lambda: page.get_by_label("Filter").fill("genre in ('Western')"))
    assert body["filter"] == "genre in ('Western')"
    for chips in page.locator(".card .chips").all_inner_texts():
        assert "Western" in chips

    asked(page, lambda: page.get_by_label("Filter").fill("genre in ("))
    assert page.get_by_role("alert").is_visible()
    assert "$.filter" in page.get_by_role("alert").inner_text()
    page.allow("status of 400")

    asked(page, lambda: page.get_by_label("Filter").fill(""))
    assert page.get_by_role("alert").count() == 0


def test_sessions_and_seeds_are_asked_by_item(page: Any) -> None:
    body = asked(page, lambda: page.get_by_label("Session").check())
    assert body["session"]
    assert "user_id" not in body

    body = asked(page, lambda: page.get_by_label("Items like").check())
    assert body["seed_items"]
    body = asked(page, lambda: page.get_by_label("Item ids").fill("50 181"))
    assert body["seed_items"] == ["50", "181"]


def test_a_word_of_a_title_finds_the_item(page: Any) -> None:
    page.get_by_label("Items like").check()
    page.get_by_label("Item ids").press("End")
    with page.expect_response("**/console/items**"):
        page.get_by_label("Item ids").press_sequentially(" wars")

    until(
        page,
        "[...document.querySelectorAll('datalist option')].some("
        "one => one.textContent === 'Star Wars (1977)')",
    )
    page.wait_for_load_state("networkidle")
    page.allow("status of 404")  # `wars` itself is no item's id


def test_another_surface_is_asked(page: Any) -> None:
    assert (
        asked(page, lambda: page.get_by_label("Surface", exact=True).select_option("cart"))[
            "surface"
        ]
        == "cart"
    )


def test_another_model_and_a_variant_are_replayed(page: Any, braid: Braid) -> None:
    older = braid.ask("/v1/models")["versions"][-1]["version"]
    with page.expect_response("**/v1/replay") as replayed:
        page.get_by_label("Model", exact=True).select_option(older)
    assert replayed.value.request.post_data_json["model_version"] == older
    page.wait_for_selector(f"text=model {older}")

    with page.expect_response("**/v1/replay"):
        page.get_by_label("Variant", exact=True).select_option("plain")
    until(page, "document.querySelector('.side').innerText.includes('what-if')")


def test_why_this_item(page: Any) -> None:
    title = titles(page)[0]
    page.get_by_role("button", name=title).first.click()

    drawer = page.get_by_role("dialog")
    assert title in drawer.inner_text()
    assert drawer.locator(".forces .column").count() > 3
    assert "Who offered it" in drawer.inner_text()
    page.keyboard.press("Escape")
    assert not drawer.is_visible()


def test_why_not_that_one(page: Any) -> None:
    page.get_by_label("Item id", exact=True).fill("1682")
    page.get_by_role("button", name="Tell").click()
    page.wait_for_selector(".fate")
    assert any(
        word in page.locator(".fate").inner_text()
        for word in ("retrieve", "score", "masks", "rerank")
    )

    page.get_by_label("Item id", exact=True).fill("nothing-of-that-name")
    page.get_by_role("button", name="Tell").click()
    page.wait_for_selector(".fate >> text=no such item")


def test_two_configurations_stand_side_by_side(page: Any) -> None:
    page.get_by_role("button", name="Compare two").click()
    until(page, "document.querySelectorAll('.side').length === 2")
    page.wait_for_selector("text=12 of 12")

    asked(page, lambda: page.get_by_label("Diversity").nth(1).fill("1"))
    assert page.locator(".side").nth(1).locator(".moved").count() > 0

    page.get_by_role("button", name="One again").click()
    assert page.locator(".side").count() == 1


def test_the_live_view_counts_what_is_asked(page: Any, braid: Braid) -> None:
    go(page, "Live")
    with traffic(braid):
        until(page, "document.querySelectorAll('#view-live tbody tr').length >= 7")
        until(page, "parseFloat(document.querySelector('.tile .now').textContent) > 1")
    words = page.locator(".tiles").inner_text()
    assert "ms" in words
    assert "none failed" in words


def test_the_slowest_open_and_replay(page: Any, braid: Braid) -> None:
    braid.ask("/v1/recommendations", {"user_id": "22", "limit": 7})
    go(page, "Live")
    page.get_by_label("The slowest").get_by_role("button").first.click()
    page.wait_for_selector("[aria-label='Request']")
    page.get_by_role("button", name="Replay").click()
    page.wait_for_selector("[aria-label='Replay']")

    assert "Replayed by" in page.locator("#replayed").inner_text()


def test_requests_are_listed_in_each_order_and_opened(page: Any, braid: Braid) -> None:
    answer = braid.ask("/v1/recommendations", {"user_id": "22", "limit": 3})
    go(page, "Requests")
    page.get_by_role("button", name="Again").click()
    for order in ("slow", "failed", "recent"):
        with page.expect_response(f"**order={order}**"):
            page.get_by_label("Show").select_option(order)
    page.get_by_role("button", name=answer["request_id"][-12:]).first.click()
    page.wait_for_selector("[aria-label='Request']")
    page.get_by_text("Body", exact=True).click()

    assert '"user_id": "22"' in page.locator("pre").inner_text()


def test_a_model_is_activated_and_rolled_back(page: Any, braid: Braid) -> None:
    before = braid.ask("/v1/models")["serves"]
    go(page, "Models")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Activate").first.click()
    assert braid.ask("/v1/models")["serves"] == before, "dismissed"

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Activate").first.click()
    page.wait_for_selector("text=is active")
    assert braid.ask("/v1/models")["serves"] != before

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Roll back").click()
    page.wait_for_selector(f"text={before} is active")
    assert braid.ask("/v1/models")["serves"] == before


def test_the_key_goes_with_every_question_until_it_is_forgotten(page: Any) -> None:
    page.get_by_role("button", name="Key").click()
    page.get_by_label("Key", exact=True).fill("a-key")
    with page.expect_request("**/console/choices") as asked_for:
        page.get_by_role("button", name="Use", exact=True).click()
    assert asked_for.value.headers["authorization"] == "Bearer a-key"

    page.get_by_role("button", name="Key").click()
    with page.expect_request("**/console/choices") as asked_for:
        page.get_by_role("button", name="Forget").click()
    assert "authorization" not in asked_for.value.headers
    page.wait_for_load_state("networkidle")


def test_the_tabs_are_walked_by_keys_and_kept_in_the_address(page: Any) -> None:
    page.get_by_role("tab", name="Ask").focus()
    for name in ("Live", "Requests", "Models", "Ask"):
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
    page.keyboard.press("End")
    assert page.url.endswith("#models")
    page.reload()
    page.wait_for_selector("#view-models table")
    page.keyboard.press("Home")


def test_the_colours_may_be_chosen(page: Any) -> None:
    seen = set()
    for _ in range(3):
        page.get_by_role("button", name="Colours").click()
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2


def test_a_service_that_is_gone_is_told(browser: Any, braid: Braid) -> None:
    with opened(browser, braid, "light", (1440, 1000)) as page:
        page.route("**/*", lambda route: route.abort())
        page.get_by_role("button", name="Ask", exact=True).click()
        page.wait_for_selector("text=Braid does not answer")
        page.wait_for_selector("text=no answer")
        page.allow("ERR_FAILED")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_stands_in_the_way_of_a_screen_reader(
    browser: Any, braid: Braid, view: str, colours: str
) -> None:
    with opened(browser, braid, colours, (1440, 1000)) as page:
        go(page, view)
        page.wait_for_load_state("networkidle" if view != "Live" else "load")
        if view != "Ask":
            page.wait_for_selector(f"#view-{view.lower()} table")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_the_drawer_is_as_easy_to_read(page: Any) -> None:
    page.locator(".card h3 button").first.click()
    page.wait_for_selector("dialog[open] .forces")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
