"""What every CatalogueSource promises: subclass, say how to open one, and pytest does the rest."""

from itertools import islice
from pathlib import Path

from lookalike.domain.commands import RowFailure
from lookalike.ports.catalogue import CatalogueOptions, CatalogueSource, SourceRow


class CatalogueContract:
    """`open_source` gives a source of at least three good rows; `bad_rows` says how many others are in it."""

    bad_rows = 1

    def open_source(self, folder: Path, options: CatalogueOptions) -> CatalogueSource:
        """A source with its files in `folder`."""
        raise NotImplementedError

    def test_rows_are_products_or_failures(self, tmp_path: Path) -> None:
        """Good rows are products with ids of their own; a bad row is told with number, reason and message, and ends nothing."""
        rows = list(self.open_source(tmp_path, CatalogueOptions()).rows())
        products = [one.product for one in rows if isinstance(one, SourceRow)]
        failures = [one for one in rows if isinstance(one, RowFailure)]
        lost = [(row.row, one) for row in rows if isinstance(row, SourceRow) for one in row.lost]
        assert len(products) >= 3
        assert len({one.id for one in products}) == len(products)
        assert len(failures) == self.bad_rows
        assert all(one.row >= 1 and one.reason and one.message for one in failures)
        assert all(one.row == row and one.reason and one.message for row, one in lost)

    def test_rows_are_numbered_upwards(self, tmp_path: Path) -> None:
        """Numbers start at 1 or above and rise, so that a report can be followed."""
        numbers = [one.row for one in self.open_source(tmp_path, CatalogueOptions()).rows()]
        assert numbers == sorted(set(numbers))
        assert numbers[0] >= 1

    def test_reading_again_gives_the_same(self, tmp_path: Path) -> None:
        """A source can be read twice: an interrupted run begins anew."""
        source = self.open_source(tmp_path, CatalogueOptions())
        assert list(source.rows()) == list(source.rows())

    def test_the_limit_ends_the_reading(self, tmp_path: Path) -> None:
        """`limit` rows are read, bad ones counted; 0 reads none."""
        whole = list(self.open_source(tmp_path, CatalogueOptions()).rows())
        for limit in (0, 2, len(whole) + 5):
            assert list(self.open_source(tmp_path, CatalogueOptions(limit=limit)).rows()) == whole[:limit]

    def test_reading_can_stop_early(self, tmp_path: Path) -> None:
        """Whoever has enough may leave: files are closed, nothing complains."""
        rows = self.open_source(tmp_path, CatalogueOptions()).rows()
        assert len(list(islice(rows, 1))) == 1
        if hasattr(rows, "close"):
            rows.close()

    def test_the_size_is_right_or_unknown(self, tmp_path: Path) -> None:
        """For progress: None, or about as many as there are; never fewer than can be read."""
        source = self.open_source(tmp_path, CatalogueOptions())
        size = source.size()
        assert size is None or size >= len(list(source.rows()))
