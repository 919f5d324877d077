"""Our catalogue sources keep the public contract."""

import gzip
import json
from pathlib import Path

from lookalike.catalogues.amazon import open_amazon
from lookalike.catalogues.csv import open_csv
from lookalike.catalogues.folder import open_folder
from lookalike.catalogues.jsonl import open_jsonl
from lookalike.ports.catalogue import CatalogueOptions, CatalogueSource
from lookalike.testing.catalogues import CatalogueContract


class TestCsv(CatalogueContract):
    """A file with a row that has too many cells."""

    def open_source(self, folder: Path, options: CatalogueOptions) -> CatalogueSource:
        """A CSV file."""
        path = folder / "shop.csv"
        path.write_text("id,title,price\na,Red mug,5\nb,Blue mug,6\nc,x,7,8\nd,Green mug,9\n", encoding="utf-8")
        return open_csv(str(path), options)


class TestJsonLines(CatalogueContract):
    """A file with a line that is no JSON."""

    def open_source(self, folder: Path, options: CatalogueOptions) -> CatalogueSource:
        """A JSON Lines file."""
        path = folder / "shop.jsonl"
        lines = [json.dumps({"id": name, "title": name * 3}) for name in "abcd"]
        path.write_text("\n".join([*lines[:2], '{"id": "broken', "", *lines[2:]]) + "\n", encoding="utf-8")
        return open_jsonl(str(path), options)


class TestFolder(CatalogueContract):
    """A folder of pictures one of which has a name that no id can have."""

    def open_source(self, folder: Path, options: CatalogueOptions) -> CatalogueSource:
        """A folder."""
        root = folder / "shop"
        for name in ("mugs/red.jpg", "mugs/blue.png", "hats/a.webp", "hats/a.jpg", "bad\x07name.jpg", "notes.txt", ".hidden.jpg"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b"x")
        return open_folder(str(root), options)


class TestAmazon(CatalogueContract):
    """A gzipped file of Python literals, one of them broken, one with a price that is none."""

    def open_source(self, folder: Path, options: CatalogueOptions) -> CatalogueSource:
        """A file of the 2014 layout."""
        path = folder / "meta_Shop.json.gz"
        lines = [repr({"asin": f"B00{name}", "title": name, "categories": [["Cups"]]}) for name in "abcd"]
        lines += ["{'asin': 'B00e", "{'asin': 'B00f', 'title': 'f', 'price': 'var x;'}"]
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
        return open_amazon(str(path), options)
