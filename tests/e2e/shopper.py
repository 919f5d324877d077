"""A shopper at the page: what the tests do and see, and what the browser must never complain of."""

import base64
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

_WATCH_POLICY = "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective, e.blockedURI));"
_BRING = """([kind, encoded, name, type]) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const brought = new DataTransfer();
  brought.items.add(new File([bytes], name, { type }));
  const given = { bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { ...given, clipboardData: brought })
    : new DragEvent(kind, { ...given, dataTransfer: brought });
  document.querySelector("main").dispatchEvent(event);
}"""


class Shopper:
    """One visit. Leaving it checks that nothing went wrong unseen: console, security policy, foreign hosts."""

    def __init__(self, browser: Browser, server: str, **context: Any) -> None:
        self._server = server
        self._context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context})
        self._context.add_init_script(_WATCH_POLICY)
        self.page: Page = self._context.new_page()
        self.searches: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.expected: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", self._requested)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._context.close()
        if kind is None:
            unexpected = [one for one in self.complaints if not any(words in one for words in self.expected)]
            assert not unexpected, unexpected
            assert not self.foreign, self.foreign

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self._server, "blob:", "data:")):
            self.foreign.append(request.url)
        if request.url.endswith("/v1/search"):
            self.searches.append(json.loads(request.post_data or "{}"))
        if request.url.endswith("/v1/events"):
            self.events += json.loads(request.post_data or "{}")["events"]

    def visit(self, query: str = "") -> Self:
        """Open the page and wait for the first products."""
        self.page.goto(f"{self._server}/{query}")
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until the answer to what was asked last is shown."""
        expect(self.page.locator("#progress")).to_be_hidden()
        expect(self.page.locator(".ghost")).to_have_count(0)

    def search_when(self, act: Any, wanted: Any = lambda query: True) -> dict[str, Any]:
        """Do something, and tell the first search that it caused and that is `wanted`."""

        def fits(request: Request) -> bool:
            return request.url.endswith("/v1/search") and wanted(json.loads(request.post_data or "{}"))

        with self.page.expect_response(lambda response: fits(response.request) and response.ok, timeout=15_000) as found:
            act()
        self.settle()
        query: dict[str, Any] = json.loads(found.value.request.post_data or "{}")
        return query

    def show(self, picture: Path) -> None:
        """Choose a picture, as with the button."""
        self.search_when(lambda: self.page.set_input_files("#file", picture), lambda query: "like" in query)

    def bring(self, kind: str, content: bytes, name: str, media_type: str) -> None:
        """Paste or drop a file."""
        self.page.evaluate(_BRING, [kind, base64.b64encode(content).decode(), name, media_type])

    @property
    def cards(self) -> Locator:
        """The products that are shown."""
        return self.page.locator(".card:not(.ghost)")

    def ids(self) -> list[str]:
        """Of the products that are shown, in order."""
        found: list[str] = self.cards.evaluate_all("(cards) => cards.map((card) => card.dataset.id)")
        return found

    def count(self) -> int:
        """The number of products that the page says there are."""
        return int(self.page.locator("#count").inner_text().split()[0].replace(",", ""))

    @property
    def words(self) -> Locator:
        """The field for words."""
        return self.page.get_by_label("What are you looking for?")

    def part_of_picture(self) -> Locator:
        """The crop box."""
        return self.page.get_by_role("application", name="The part of the picture that is searched")
