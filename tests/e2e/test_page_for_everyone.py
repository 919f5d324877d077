"""The page for those who use a keyboard, a screen reader, a phone, or the dark."""

from pathlib import Path
from typing import Any

import pytest
from page_shop import SHOP

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")

from playwright.sync_api import expect
from shopper import Shopper

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
FAULTS = (HERE / "faults.js").read_text("utf-8")
PALE = (HERE / "contrast.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_a_checker_would_find(browser: Any, server: str, shop: list[dict[str, Any]], scheme: str) -> None:
    with Shopper(browser, server, color_scheme=scheme) as shopper:
        shopper.visit()
        expect(shopper.page.locator(".sample").first).to_be_visible()
        assert shopper.page.evaluate(FAULTS) == []
        assert shopper.page.evaluate(PALE) == []
        shopper.show(SHOP / shop[0]["pictures"][0])
        shopper.search_when(lambda: shopper.words.fill("red"), lambda query: query.get("text") == "red")
        shopper.search_when(shopper.page.locator("[data-field=brand] input").first.check)
        assert shopper.page.evaluate(FAULTS) == []
        assert shopper.page.evaluate(PALE) == []
        shopper.cards.first.get_by_role("button", name="Look closer").click()
        expect(shopper.page.get_by_role("dialog")).to_be_visible()
        assert shopper.page.evaluate(FAULTS) == []


def test_tab_reaches_search_filters_and_cards_in_this_order(browser: Any, server: str) -> None:
    with Shopper(browser, server) as shopper:
        shopper.visit()
        expect(shopper.page.locator(".sample").first).to_be_visible()
        met: list[str] = []
        where = "() => { const e = document.activeElement; return e.id || [...e.classList].join('.') || e.dataset.key || e.tagName; }"
        for _ in range(120):
            shopper.page.keyboard.press("Tab")
            met.append(shopper.page.evaluate(where))
            if "card-link" in met[-1]:
                break
        stops = ("skip", "words", "choose", "sample", "sort", "card-link")
        order = [next((n for n, one in enumerate(met) if stop in one), -1) for stop in stops]
        assert -1 not in order, met
        assert order == sorted(order)
        ring = shopper.page.evaluate("() => getComputedStyle(document.activeElement, '::after').outlineStyle")
        assert ring == "solid"


def test_the_skip_link_leads_to_the_products(browser: Any, server: str) -> None:
    with Shopper(browser, server) as shopper:
        shopper.visit()
        shopper.page.keyboard.press("Tab")
        shopper.page.keyboard.press("Enter")
        expect(shopper.page.locator("#results")).to_be_focused()


def test_the_focus_stays_where_it_was_when_answers_come(browser: Any, server: str) -> None:
    with Shopper(browser, server) as shopper:
        shopper.visit()
        box = shopper.page.locator("[data-field=brand] input").nth(1)
        box.focus()
        key = box.get_attribute("data-key")
        shopper.search_when(lambda: shopper.page.keyboard.press("Space"))
        expect(shopper.page.locator(f'[data-key="{key}"]')).to_be_focused()


def test_no_width_scrolls_sideways(browser: Any, server: str, shop: list[dict[str, Any]]) -> None:
    overflow = "() => document.documentElement.scrollWidth - innerWidth"
    with Shopper(browser, server) as shopper:
        shopper.visit()
        for shown in ("the start", "a picture"):
            for width in (320, 390, 640, 768, 960, 1024, 1920):
                shopper.page.set_viewport_size({"width": width, "height": 844})
                assert shopper.page.evaluate(overflow) <= 0, f"{shown} at {width} pixels"
            if shown == "the start":
                shopper.show(SHOP / shop[0]["pictures"][0])


def test_on_a_phone_the_filters_are_a_sheet(browser: Any, server: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    with Shopper(browser, server, **phone) as shopper:
        shopper.visit()
        expect(shopper.page.get_by_role("button", name="Take a photo")).to_be_visible()
        assert shopper.page.locator("#camera").get_attribute("capture") == "environment"
        shopper.page.get_by_role("button", name="Filters").tap()
        sheet = shopper.page.get_by_role("dialog", name="Filters")
        expect(sheet).to_be_visible()
        shopper.search_when(sheet.locator("[data-field=brand] .facet-value").first.tap)
        count = shopper.count()
        sheet.get_by_role("button", name=f"Show {count} product").tap()
        expect(sheet).to_have_count(0)
        expect(shopper.page.locator("#filters-count")).to_have_text("1")
