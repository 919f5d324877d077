"""What the shop of these tests sells: a part of the sample shop, and two products that are there to be looked at closely."""

import json
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
SHOP = REPOSITORY / "lookalike" / "sample_shop"
PRODUCTS = 60

# A title and an address as somebody who wants to harm the shop's visitors would write them.
HOSTILE: dict[str, Any] = {
    "id": "hostile/1?#&<b>",
    "title": "<img src=x onerror=\"document.title='owned'\"> quincunx",
    "brand": "<script>document.title='owned'</script>",
    "category": "Odd > <b>bold</b>",
    "price": 3.5,
    "currency": "not a currency",
    "url": "javascript:document.title='owned'",
    "created": "2001-01-01T00:00:00Z",
    "attributes": {"__proto__": "x", "colour": "<i>odd</i>"},
}
LINKED: dict[str, Any] = {"id": "linked-1", "title": "A zephyrine with a page", "url": "https://shop.example/zephyrine", "price": 1.0}


def some_products() -> list[dict[str, Any]]:
    """About PRODUCTS of the shop, of all its categories alike; from a shop that may have many more."""
    rows = [json.loads(line) for line in (SHOP / "products.jsonl").read_text("utf-8").splitlines() if line]
    by_category: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_category.setdefault(row["category"], []).append(row)
    turns = max(len(group) for group in by_category.values())
    in_turn = [group[n] for n in range(turns) for group in by_category.values() if n < len(group)]
    return in_turn[:PRODUCTS]
