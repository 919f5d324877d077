"""What the page reports of shoppers arrives where the server keeps events; and of whom it reports nothing."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from page_shop import LINKED

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")

from playwright.sync_api import expect
from shopper import Shopper

pytestmark = pytest.mark.browser

Serve = Callable[..., AbstractContextManager[str]]
ROWS = [LINKED, *({"id": f"plain-{n}", "title": f"A plain thing {n}", "created": f"2026-01-0{n}T00:00:00Z"} for n in (1, 2, 3))]


class Kept:
    """A server that keeps events in files, and what is in them."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self._folder = address, folder

    def events(self, kind: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for path in self._folder.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
        return [one for one in told if one["kind"] == kind]

    def until(self, found: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The actions, once that is true of them."""
        end, breath = time.monotonic() + 20, threading.Event()
        while not found(actions := self.events("action")):
            assert time.monotonic() < end, actions
            breath.wait(0.05)
        return actions


@pytest.fixture(scope="module")
def kept(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("reporting")
    with serve(folder, ROWS, LOOKALIKE_EVENTS=f"file:{folder / 'events'}") as address:
        yield Kept(address, folder / "events")


def open_one(shopper: Shopper) -> None:
    """Open a product. Once its description is asked for, what would be told of the click has been."""
    shopper.visit()
    with shopper.page.expect_request("**/v1/products/*"):
        shopper.cards.nth(1).get_by_role("button", name="Look closer").click()
    expect(shopper.page.locator("#details")).to_be_visible()
    shopper.page.evaluate("0")  # what the browser told us before it answered this has arrived


def test_what_is_seen_and_opened_arrives_in_the_store(browser: Any, kept: Kept) -> None:
    """With the search that showed it and its place there, and nothing that says who it was."""
    with Shopper(browser, kept.address) as shopper:
        open_one(shopper)
        ids = shopper.ids()
        shopper.page.keyboard.press("Escape")
        shopper.page.context.route("https://shop.example/**", lambda route: route.fulfill(body="the shop's own page"))
        with shopper.page.context.expect_page() as opened:
            shopper.page.get_by_role("link", name=str(LINKED["title"])).click()
        opened.value.close()
        actions = kept.until(lambda actions: len(actions) >= len(ids) + 2)
    (name,) = {one["query_id"] for one in actions}
    (search,) = [one for one in kept.events("search") if one["query_id"] == name]
    assert search["query_response_hit_ids"] == ids
    told = [(one["action_name"], one["event_attributes"]) for one in actions]
    did = [(action, how["object"]["object_id"], how["position"]["ordinal"]) for action, how in told]
    place = ids.index(str(LINKED["id"])) + 1
    assert [one for one in did if one[0] == "click"] == [("click", ids[1], 2), ("click", LINKED["id"], place)]
    assert sorted(one for one in did if one[0] == "view") == sorted(("view", each, n) for n, each in enumerate(ids, 1))
    assert not any(one.get(who) for one in actions for who in ("client_id", "session_id", "user_query", "message"))


@pytest.mark.parametrize(("sign", "value"), [("doNotTrack", "'1'"), ("globalPrivacyControl", "true")])
def test_who_asks_not_to_be_tracked_is_not(browser: Any, kept: Kept, sign: str, value: str) -> None:
    with Shopper(browser, kept.address) as shopper:
        shopper.page.add_init_script(f"Object.defineProperty(Navigator.prototype, '{sign}', {{ get: () => {value} }})")
        open_one(shopper)
        assert shopper.events == []


def test_a_server_that_keeps_no_events_is_told_none(browser: Any, server: str) -> None:
    with Shopper(browser, server) as shopper:
        open_one(shopper)
        assert shopper.events == []


@pytest.mark.parametrize(("setting", "wanted"), [("false", 0), ("true", 1)])
def test_a_shop_that_does_not_want_it_is_told_none(browser: Any, serve: Serve, tmp_path: Path, setting: str, wanted: int) -> None:
    """With the setting either way: that nothing is told is not for want of anything to tell."""
    told = {"LOOKALIKE_EVENTS": f"file:{tmp_path / 'events'}", "LOOKALIKE_PAGE_EVENTS": setting}
    with serve(tmp_path, ROWS, **told) as address, Shopper(browser, address) as shopper:
        open_one(shopper)
        assert sum(one["action_name"] == "click" for one in shopper.events) == wanted
