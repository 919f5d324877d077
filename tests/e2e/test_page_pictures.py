"""What the page does with pictures before and after they travel."""

import base64
import io
import os
from pathlib import Path
from typing import Any

import pytest
from page_shop import SHOP
from PIL import Image

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")

from playwright.sync_api import Route, expect
from shopper import Shopper

pytestmark = pytest.mark.browser
UPRIGHT_AFTER_A_QUARTER_TURN = 6
ORIENTATION = 0x0112


def test_a_large_photo_is_made_smaller_and_upright_before_it_travels(browser: Any, server: str, tmp_path: Path) -> None:
    photo = Image.frombytes("RGB", (2400, 1800), os.urandom(2400 * 1800 * 3))
    exif = Image.Exif()
    exif[ORIENTATION] = UPRIGHT_AFTER_A_QUARTER_TURN
    file = tmp_path / "photo.jpg"
    photo.save(file, quality=80, exif=exif)
    assert file.stat().st_size > 1_500_000
    with Shopper(browser, server) as shopper:
        shopper.visit()
        with shopper.page.expect_response("**/v1/analyze") as analysed:
            shopper.show(file)
        told = analysed.value.json()
        assert (told["width"], told["height"]) == (1200, 1600)


def test_a_picture_by_its_address_is_fetched_by_the_server(browser: Any, server: str, shop: list[dict[str, Any]]) -> None:
    product = shop[0]
    content = (SHOP / product["pictures"][0]).read_bytes()
    asked: list[Any] = []

    def deliver(route: Route) -> None:
        # There is no web here; the server gets the bytes that it would have fetched.
        asked.append(route.request.post_data_json)
        route.continue_(post_data=f'{{"picture": {{"base64": "{base64.b64encode(content).decode()}"}}}}')

    with Shopper(browser, server) as shopper:
        shopper.visit()
        shopper.page.route("**/v1/analyze", deliver)
        address = shopper.page.get_by_label("Address of a picture on the web")
        address.fill("no address")
        address.press("Enter")
        assert asked == []
        address.fill("https://shop.example/a.jpg")
        shopper.search_when(lambda: address.press("Enter"), lambda query: "like" in query)
        assert asked == [{"picture": {"url": "https://shop.example/a.jpg"}}]
        assert shopper.ids()[0] == product["id"]
        preview = shopper.page.get_by_role("img", name="Your picture: shop.example")
        expect(preview).to_be_visible()
        size = preview.evaluate("(image) => [image.naturalWidth, image.naturalHeight, new URL(image.src).pathname]")
        with Image.open(io.BytesIO(content)) as original:
            assert (*size[:2], size[2].startswith("/v1/uploads/u_")) == (*original.size, True)


def test_a_dot_leads_to_another_object_in_the_picture(browser: Any, server: str, shop: list[dict[str, Any]]) -> None:
    other = [0.1, 0.1, 0.4, 0.5]
    file = SHOP / shop[0]["pictures"][0]
    with Shopper(browser, server) as shopper:

        def see_two(route: Route) -> None:
            # Not every detector finds two; what the page makes of two is the question here. A picture's bytes are not
            # among what the browser tells of a request, so they are sent anew.
            sent = {"picture": {"name": file.name, "mimeType": "image/jpeg", "buffer": file.read_bytes()}}
            told = shopper.page.request.post(f"{server}/v1/analyze", multipart=sent).json()
            told["objects"].append({"box": other, "label": "teapot", "score": 0.5})
            route.fulfill(json=told)

        shopper.visit()
        shopper.page.route("**/v1/analyze", see_two)
        shopper.show(file)
        dot = shopper.page.get_by_role("button", name="Search for teapot")
        query = shopper.search_when(dot.click, lambda query: "box" in (query.get("like") or [{}])[0])
        assert query["like"][0]["box"] == other
        expect(dot).to_be_hidden()


def test_a_picture_that_is_taken_away_is_gone_at_the_server_too(browser: Any, server: str, shop: list[dict[str, Any]]) -> None:
    with Shopper(browser, server) as shopper:
        shopper.visit().show(SHOP / shop[0]["pictures"][0])
        upload = shopper.searches[-1]["like"][0]["picture"]["upload"]
        with shopper.page.expect_response(f"**/v1/uploads/{upload}") as forgotten:
            shopper.page.get_by_role("button", name="Remove the picture").click()
        assert forgotten.value.request.method == "DELETE"
        assert forgotten.value.status == 204
        shopper.settle()
        expect(shopper.page.locator(".badge")).to_have_count(0)
        expect(shopper.page.get_by_role("heading", name="Find it by its picture")).to_be_visible()


def test_an_upload_that_the_server_forgot_is_sent_again(browser: Any, server: str, shop: list[dict[str, Any]]) -> None:
    with Shopper(browser, server) as shopper:
        shopper.expected = ["404"]
        shopper.visit().show(SHOP / shop[0]["pictures"][0])
        upload = shopper.searches[-1]["like"][0]["picture"]["upload"]
        assert shopper.page.request.delete(f"{server}/v1/uploads/{upload}").status == 204
        query = shopper.search_when(shopper.page.get_by_role("button", name="Whole picture").click)
        assert query["like"][0]["picture"]["upload"] != upload
        assert shopper.ids()[0] == shop[0]["id"]
        expect(shopper.page.get_by_role("alert").filter(has_text="upload")).to_have_count(0)


def test_a_cut_out_stays_on_white(browser: Any, server: str, tmp_path: Path) -> None:
    # Noise does not compress, so that this is large enough to be redrawn.
    noise = Image.frombytes("RGBA", (1700, 1700), os.urandom(1700 * 1700 * 4))
    noise.putalpha(0)
    out = io.BytesIO()
    noise.save(out, "PNG", compress_level=1)
    file = tmp_path / "cutout.png"
    file.write_bytes(out.getvalue())
    with Shopper(browser, server) as shopper:
        shopper.visit()
        with shopper.page.expect_response("**/v1/analyze") as analysed:
            shopper.show(file)
        told = analysed.value.json()
        assert told["width"] == 1600
        assert "blank" in told["quality"], "a wholly transparent picture is plain white, not black or noise"
