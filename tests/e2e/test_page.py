"""The page as shoppers meet it: real server, real browser."""

from pathlib import Path
from typing import Any

import pytest
from page_shop import HOSTILE, LINKED, SHOP

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")

from playwright.sync_api import expect
from shopper import Shopper

pytestmark = pytest.mark.browser


@pytest.fixture
def shopper(browser: Any, server: str) -> Any:
    with Shopper(browser, server) as someone:
        yield someone


@pytest.fixture
def wanted(shop: list[dict[str, Any]]) -> dict[str, Any]:
    """A product to look for."""
    return shop[len(shop) // 2]


def picture_of(product: dict[str, Any]) -> Path:
    return SHOP / product["pictures"][0]


def test_the_catalogue_is_there_before_anything_is_asked(shopper: Shopper, shop: list[dict[str, Any]]) -> None:
    shopper.visit()
    assert shopper.count() == len(shop) + 2
    expect(shopper.page.get_by_role("heading", level=2, name="Find it by its picture")).to_be_visible()
    expect(shopper.page.locator(".sample").first).to_be_visible()
    expect(shopper.page.get_by_role("status").filter(has_text="products found")).to_be_attached()
    expect(shopper.page.locator("[data-field=colour] input").first).to_be_visible()


def test_a_products_own_picture_finds_it_first(shopper: Shopper, wanted: dict[str, Any]) -> None:
    shopper.visit().show(picture_of(wanted))
    assert shopper.ids()[0] == wanted["id"]
    first = shopper.cards.first
    expect(first.locator(".card-title")).to_have_text(wanted["title"])
    expect(first.locator(".card-brand")).to_have_text(wanted["brand"])
    expect(first.locator(".card-category")).to_have_text(wanted["category"].rpartition(" > ")[2])
    expect(first.locator(".card-price")).to_contain_text(f"{wanted['price']:,.2f}")
    alike = int(first.locator(".badge").inner_text().partition("%")[0])
    assert alike >= 90
    assert "like" not in shopper.page.url, "a shopper's picture is no part of an address to share"


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(shopper: Shopper, wanted: dict[str, Any], way: str) -> None:
    shopper.visit()
    content = picture_of(wanted).read_bytes()
    shopper.search_when(lambda: shopper.bring(way, content, "picture.jpg", "image/jpeg"), lambda query: "like" in query)
    assert shopper.ids()[0] == wanted["id"]


def test_a_sample_is_a_picture_like_any_other(shopper: Shopper) -> None:
    shopper.visit()
    shopper.search_when(lambda: shopper.page.locator(".sample").nth(1).click(), lambda query: "like" in query)
    expect(shopper.part_of_picture()).to_be_visible()
    expect(shopper.cards.first.locator(".badge")).to_be_visible()
    expect(shopper.page.locator("#results")).to_be_focused()


def test_words_find_products_and_make_an_address_to_share(shopper: Shopper, wanted: dict[str, Any]) -> None:
    noun = wanted["title"].partition(",")[0].split()[-1]
    shopper.visit()
    shopper.search_when(lambda: shopper.words.press_sequentially(noun), lambda query: query.get("text") == noun)
    expect(shopper.cards.first.locator(".card-title")).to_contain_text(noun)
    found = shopper.ids()
    shopper.page.reload()
    shopper.settle()
    expect(shopper.words).to_have_value(noun)
    assert shopper.ids() == found


def test_a_facet_narrows_to_its_count_and_takes_several_values(shopper: Shopper) -> None:
    shopper.visit()
    everything = shopper.count()
    brands = shopper.page.locator("[data-field=brand] .facet-value")

    def choose(n: int) -> int:
        told = int("".join(brands.nth(n).locator(".facet-count").inner_text().split()[:1]))
        shopper.search_when(lambda: brands.nth(n).click(), lambda query: "filter" in query)
        return told

    first = choose(0)
    assert shopper.count() == first < everything
    second = choose(1)
    assert shopper.count() == first + second
    expect(shopper.page.locator(".refinement")).to_have_count(2)
    shopper.search_when(lambda: shopper.page.get_by_role("button", name="Clear all").click())
    assert shopper.count() == everything


def test_prices_and_order(shopper: Shopper) -> None:
    shopper.visit()
    shopper.page.get_by_label("Lowest price").fill("20")
    shopper.page.get_by_label("Highest price").fill("60")
    query = shopper.search_when(lambda: shopper.page.get_by_label("Highest price").press("Enter"))
    assert query["filter"] == {"all": [{"price": {"gte": 20, "lt": 60}}]}
    shopper.search_when(lambda: shopper.page.get_by_label("Sort by").select_option("-price"))
    shown = shopper.cards.locator(".card-price").all_inner_texts()
    prices = [float(one.split()[0].lstrip("€").replace(",", "")) for one in shown]
    assert prices == sorted(prices, reverse=True)
    assert 20 <= prices[-1] <= prices[0] < 60


def test_dragging_on_the_picture_searches_a_part_of_it(shopper: Shopper, wanted: dict[str, Any]) -> None:
    shopper.visit().show(picture_of(wanted))
    shopper.search_when(lambda: shopper.page.get_by_role("button", name="Whole picture").click())
    frame = shopper.page.locator(".crop-layer").bounding_box()
    assert frame is not None

    def place(x: float, y: float) -> tuple[float, float]:
        return frame["x"] + frame["width"] * x, frame["y"] + frame["height"] * y

    def drag() -> None:
        mouse = shopper.page.mouse
        mouse.move(*place(0.2, 0.25))
        mouse.down()
        mouse.move(*place(0.5, 0.5), steps=3)
        mouse.move(*place(0.7, 0.75), steps=3)
        mouse.up()

    expected = pytest.approx([0.2, 0.25, 0.7, 0.75], abs=0.02)
    query = shopper.search_when(drag, lambda query: query["like"][0].get("box") == expected)
    assert set(query["like"][0]) == {"picture", "box"}, "the picture itself travels only once"
    assert set(query["like"][0]["picture"]) == {"upload"}


def test_the_keyboard_moves_and_resizes_the_box(shopper: Shopper, wanted: dict[str, Any]) -> None:
    shopper.visit().show(picture_of(wanted))
    shopper.search_when(lambda: shopper.page.get_by_role("button", name="Whole picture").click())
    shopper.part_of_picture().focus()
    keys = shopper.page.keyboard

    def shrink_then_move() -> None:
        for _ in range(5):
            keys.press("Shift+ArrowLeft")
        for _ in range(3):
            keys.press("Shift+ArrowUp")
        for _ in range(2):
            keys.press("ArrowRight")

    expected = pytest.approx([0.04, 0, 0.94, 0.94], abs=0.001)
    shopper.search_when(shrink_then_move, lambda query: query["like"][0].get("box") == expected)
    expect(shopper.page.locator("#crop-status")).to_have_text("From 4 to 94 percent across, 0 to 94 percent down.")
    assert len([query for query in shopper.searches if "box" in (query.get("like") or [{}])[0]]) < 6, "it waits for the last key"


def test_what_is_no_picture_is_turned_down_with_a_reason(shopper: Shopper, wanted: dict[str, Any], tmp_path: Path) -> None:
    shopper.expected = ["415"]
    shopper.visit().show(picture_of(wanted))
    before = shopper.ids()
    notes = tmp_path / "notes.jpg"
    notes.write_bytes(b"%PDF-1.7 this is no picture")
    shopper.page.set_input_files("#file", notes)
    alert = shopper.page.get_by_role("alert").filter(has_text="picture")
    expect(alert).to_be_visible()
    shopper.settle()
    assert shopper.ids() == before
    expect(shopper.part_of_picture()).to_be_visible()
    alert.get_by_role("button", name="Close").click()
    expect(alert).to_have_count(0)


def test_more_pages_repeat_nothing_and_leave_nothing_out(shopper: Shopper, shop: list[dict[str, Any]]) -> None:
    shopper.visit()
    more = shopper.page.get_by_role("button", name="Show more")
    while more.is_visible():
        shown = len(shopper.ids())
        shopper.search_when(more.click, lambda query: "cursor" in query)
        expect(shopper.cards.nth(shown).locator(".card-link")).to_be_focused()
    ids = shopper.ids()
    assert len(ids) == len(set(ids)) == shopper.count()
    assert set(ids) == {HOSTILE["id"], LINKED["id"], *(product["id"] for product in shop)}


def test_more_and_less_like_this_steer_and_can_be_taken_back(shopper: Shopper) -> None:
    shopper.visit()
    liked, disliked = shopper.ids()[0], shopper.ids()[1]
    query = shopper.search_when(lambda: shopper.page.locator(f'[data-key="more-{liked}"]').click())
    assert query["like"] == [{"product": liked}]
    assert liked not in shopper.ids()
    disliked = next(one for one in shopper.ids() if one != liked)
    query = shopper.search_when(lambda: shopper.page.locator(f'[data-key="less-{disliked}"]').click())
    assert query["unlike"] == [{"product": disliked}]
    assert disliked not in shopper.ids()
    query = shopper.search_when(lambda: shopper.page.locator(".example.less").click())
    assert "unlike" not in query
    shopper.page.go_back()
    expect(shopper.page.locator(".example.less")).to_be_visible()
    shopper.settle()


def test_tags_are_wanted_or_not_and_colours_filter(shopper: Shopper, wanted: dict[str, Any]) -> None:
    shopper.visit().show(picture_of(wanted))
    tag = shopper.page.get_by_label("Add a tag")
    tag.fill("Ceramic")
    assert shopper.search_when(lambda: tag.press("Enter"))["tags"] == ["ceramic"]
    without = shopper.page.get_by_role("button", name="Without “ceramic”")
    query = shopper.search_when(without.click)
    assert (query.get("tags"), query["not_tags"]) == (None, ["ceramic"])
    assert "not_tags" not in shopper.search_when(without.click)
    colour = shopper.page.locator('[data-key^="colour-"]').first
    query = shopper.search_when(colour.click)
    assert query["filter"]["all"] == [{"predicted_colours": [colour.inner_text().strip()]}]
    counts_more = shopper.page.get_by_role("button", name="Colour counts more")
    assert "colour" in shopper.search_when(counts_more.click)["weights"]


def test_the_weight_between_words_and_picture(shopper: Shopper, wanted: dict[str, Any]) -> None:
    shopper.visit().show(picture_of(wanted))
    slider = shopper.page.get_by_label("What counts more?")
    expect(slider).to_be_hidden()
    shopper.search_when(lambda: shopper.words.fill("red"), lambda query: query.get("text") == "red")
    expect(slider).to_be_visible()
    query = shopper.search_when(lambda: slider.press("Home"))
    assert query["weights"] == {"picture": 0, "text": 1}


def test_a_search_calls_off_the_one_before(shopper: Shopper) -> None:
    shopper.visit()
    called_off: list[str] = []
    shopper.page.on("requestfailed", lambda request: called_off.append(request.post_data or ""))
    # The first is held back for good: only giving it up can end it.
    shopper.page.route("**/v1/search", lambda route: None if '"slow"' in (route.request.post_data or "") else route.continue_())
    box = shopper.words
    with shopper.page.expect_request(lambda request: '"slow"' in (request.post_data or "")):
        box.fill("slow")
        box.press("Enter")
    box.fill("mug")
    shopper.search_when(lambda: box.press("Enter"), lambda query: query.get("text") == "mug")
    assert any('"slow"' in body for body in called_off)
    shopper.page.unroute_all(behavior="ignoreErrors")


def test_a_server_that_is_away_is_told_and_tried_again(shopper: Shopper) -> None:
    shopper.expected = ["503"]
    shopper.visit()
    away = '{"type": "about:blank", "title": "Away", "status": 503, "detail": "The engine takes a rest."}'
    answer = {"status": 503, "content_type": "application/problem+json", "body": away}
    shopper.page.route("**/v1/search", lambda route: route.fulfill(**answer))
    shopper.words.fill("mug")
    alert = shopper.page.get_by_role("alert").filter(has_text="The engine takes a rest.")
    expect(alert).to_be_visible()
    shopper.page.unroute("**/v1/search")
    shopper.search_when(alert.get_by_role("button", name="Try again").click)
    expect(alert).to_have_count(0)
    expect(shopper.cards.first.locator(".card-title")).to_contain_text("mug")


def test_nothing_found_offers_a_way_on(shopper: Shopper) -> None:
    shopper.visit("?q=xyzzyplugh&f.brand=Nobody")
    expect(shopper.page.get_by_role("heading", name="Nothing matches all of this")).to_be_visible()
    shopper.search_when(lambda: shopper.page.get_by_role("button", name="Clear the filters").click())
    shopper.search_when(lambda: shopper.page.get_by_role("button", name="Clear the words").click())
    expect(shopper.cards.first).to_be_visible()


def test_catalogue_texts_stay_texts_and_only_web_addresses_are_links(shopper: Shopper) -> None:
    shopper.visit("?q=quincunx")
    card = shopper.cards.first
    expect(card.locator(".card-title")).to_have_text(HOSTILE["title"])
    expect(card.locator("a")).to_have_count(0)
    card.get_by_role("button", name="Look closer").click()
    dialog = shopper.page.get_by_role("dialog")
    expect(dialog.get_by_text("<i>odd</i>")).to_be_visible()
    expect(dialog.get_by_role("link")).to_have_count(0)
    shopper.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(card.get_by_role("button", name="Look closer")).to_be_focused()
    shopper.page.goto(shopper.page.url.replace("quincunx", "zephyrine"))
    link = shopper.cards.first.get_by_role("link")
    expect(link).to_have_attribute("href", LINKED["url"])
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert "owned" not in shopper.page.title()


def test_a_closer_look_tells_what_the_shop_says_and_why(shopper: Shopper, wanted: dict[str, Any]) -> None:
    shopper.visit().show(picture_of(wanted))
    shopper.cards.first.locator(".card-link").click()
    dialog = shopper.page.get_by_role("dialog", name=wanted["title"])
    expect(dialog.get_by_text(wanted["description"])).to_be_visible()
    expect(dialog.get_by_text("Why this product")).to_be_visible()
    expect(dialog.locator(".details-pictures img")).to_have_count(len(wanted["pictures"]))
