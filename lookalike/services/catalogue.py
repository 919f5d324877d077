"""Changing the catalogue: put, patch and remove one product, or many by a command."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.domain.analysis import Recipe
from lookalike.domain.commands import ApplyChanges, ChangeRow, Progress, RowFailure
from lookalike.domain.document import Document
from lookalike.domain.product import Product, parse_patch, parse_product, product_id
from lookalike.errors import (
    InvalidInput,
    LookalikeError,
    NotFound,
    PictureUnavailable,
    PictureUnreadable,
    Poison,
    Unavailable,
    VersionConflict,
)
from lookalike.ports.engine import SearchEngine
from lookalike.ports.pictures import PictureStore
from lookalike.ports.vision import PictureAnalyser
from lookalike.services.changes import Change, Outcome, PictureFailure
from lookalike.services.figures import IntakeFigures
from lookalike.services.index import FIRST_ROWS, Indexer
from lookalike.services.intake import Intake

_TRIES = 8
"""How often a patch is begun anew when somebody else changes the product at the same moment."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A product as it is now, whether it was new, and which of its pictures could not be read."""

    document: Document
    created: bool
    failures: Mapping[int, PictureUnreadable | PictureUnavailable] = field(default_factory=dict)


class CatalogueKeeper:
    """Writes to the catalogue. Threads may call it at once; what returned is durable and searchable.

    `recipe` is that of the analyser; `pictures` says which references strangers may name.
    """

    def __init__(
        self,
        engine: SearchEngine,
        analyser: PictureAnalyser,
        pictures: PictureStore,
        recipe: Recipe,
        figures: IntakeFigures | None = None,
    ) -> None:
        self._engine, self._pictures, self._recipe, self._figures = engine, pictures, recipe, figures
        self._intake = Intake(engine, analyser, pictures, recipe, figures)

    def by(self, analyser: PictureAnalyser) -> "CatalogueKeeper":
        """The same with another who looks."""
        return CatalogueKeeper(self._engine, analyser, self._pictures, self._recipe, self._figures)

    def put(self, product: Product, if_version: int | None = None, *, strict: bool = True) -> Stored:
        """Create or replace a product. Pictures with known bytes are not looked at again; an unchanged product is not written.

        `if_version` 0 means: only where there is none. With `strict` a picture that cannot be read refuses the whole;
        else the product is kept and found by its words.
        Raises: PictureUnreadable, PictureUnavailable, VersionConflict, Unavailable, IndexProblem.
        """
        return self._one(Change(1, "put", product.id, product, if_version=if_version), self._find(product.id), strict)

    def patch(self, product_id: str, changes: Mapping[str, Any], if_version: int | None = None, *, strict: bool = True) -> Stored:
        """Change fields, as `parse_patch` told them; unless `pictures` is among them no network runs.

        Raises: NotFound("product"), and as `put`.
        """
        for attempt in range(1, _TRIES + 1):
            old = self._find(product_id)
            if old is None:
                raise NotFound("product", product_id, "PUT it to create it.")
            try:
                return self._one(Change(1, "patch", product_id, changes=changes, if_version=if_version), old, strict)
            except VersionConflict:
                if if_version is not None or attempt == _TRIES:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def remove(self, product_id: str, if_version: int | None = None) -> bool:
        """Remove a product; False where there was none. Raises: VersionConflict, IndexProblem."""
        if if_version is None:
            return self._engine.remove([product_id])[0]
        removed = self._engine.remove([product_id], {product_id: if_version})[0]
        if not removed:  # the engine compared and kept it; what stands there now is for the message alone
            found = self._find(product_id)
            raise VersionConflict(product_id, if_version, None if found is None else found.version)
        return True

    def apply(
        self,
        command: ApplyChanges,
        progress: Progress,
        cancelled: Callable[[], bool] = lambda: False,
        first_rows: int = FIRST_ROWS,
    ) -> None:
        """Do many changes, those of one product in their order; what goes wrong with a row is told in `progress`.

        Raises: IndexProblem, Unavailable; what `progress` counts by then is done.
        """
        progress.total = len(command)
        for outcome in Indexer(self._intake).run(self._changes(command.rows, progress), cancelled, first_rows):
            self._tell(self._again(outcome), progress)
        progress.failures.sort(key=lambda one: one.row)

    def _changes(self, rows: Iterable[ChangeRow | RowFailure], progress: Progress) -> Iterator[Change]:
        for row in rows:
            if isinstance(row, RowFailure):
                progress.failures.append(row)
                continue
            try:
                yield change_of(row)
            except InvalidInput as error:
                progress.failures.append(RowFailure(row.row, row.id, "invalid", str(error)))

    def _again(self, outcome: Outcome) -> Outcome:
        """A patch that somebody else's write overtook is tried once more by itself."""
        change = outcome.change
        if change.op != "patch" or not isinstance(outcome.error, VersionConflict):
            return outcome
        try:
            stored = self.patch(change.id, change.changes or {}, strict=False)
        except (NotFound, VersionConflict) as error:
            return Outcome(change, "failed", error=error)
        return Outcome(change, "indexed", stored.document, failures=dict(stored.failures))

    def _tell(self, outcome: Outcome, progress: Progress) -> None:
        failure = failure_of(outcome)
        if failure is not None:
            progress.failures.append(failure)
        elif outcome.state == "unchanged":
            progress.unchanged += 1
        else:
            progress.done += 1

    def _one(self, change: Change, old: Document | None, strict: bool) -> Stored:
        if change.if_version is not None:
            self._expect(change.id, old, change.if_version)
        batch = self._intake.read([change], known=old)
        outcome = self._intake.write(self._intake.look(batch, strict=strict))[0]
        if outcome.error is not None:
            raise outcome.error
        document = outcome.document or self._find(change.id)
        if document is None:
            raise NotFound("product", change.id, "It was removed in the same moment.")
        return Stored(document, outcome.created, outcome.failures)

    def _find(self, product_id: str) -> Document | None:
        return self._engine.get([product_id])[0]

    @staticmethod
    def _expect(product_id: str, old: Document | None, if_version: int) -> None:
        found = 0 if old is None else old.version
        if found != if_version:
            raise VersionConflict(product_id, if_version, None if old is None else found)


def change_of(row: ChangeRow) -> Change:
    """The change that a row means, checked. Raises: InvalidInput, with the place."""
    if row.op == "delete":
        return Change(row.row, row.op, product_id(row.id))
    told = row.told or {}
    if row.op == "put":
        product = parse_product(told)
        return Change(row.row, row.op, product.id, product)
    changes = parse_patch({name: value for name, value in told.items() if name != "id"})
    return Change(row.row, row.op, product_id(row.id if row.id is not None else told.get("id")), changes=changes)


def failure_of(outcome: Outcome) -> RowFailure | None:
    """What is to be reported of a change: its error, or the first of its pictures that could not be read."""
    change = outcome.change
    if outcome.error is not None:
        return RowFailure(change.row, change.id, _reason(outcome.error), str(outcome.error))
    if not outcome.failures:
        return None
    place, failure = min(outcome.failures.items(), key=lambda one: one[0])
    more = f" So {len(outcome.failures) - 1} more of its pictures." if len(outcome.failures) > 1 else ""
    message = f"pictures[{place}] ({failure.reason}): {failure}{more} The product is kept and found by its words."
    return RowFailure(change.row, change.id, _picture_reason(failure), message)


def _picture_reason(failure: PictureFailure) -> str:
    return "picture_unreadable" if isinstance(failure, PictureUnreadable) else "picture_unavailable"


_REASONS: Mapping[type[LookalikeError], str] = {
    NotFound: "not_found",
    VersionConflict: "version_conflict",
    Unavailable: "unavailable",
    Poison: "poison",
}


def _reason(error: LookalikeError) -> str:
    return _REASONS.get(type(error), "failed")
