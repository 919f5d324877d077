"""Every deliberate exception of Lookalike; whatever else is raised is a defect.

LookalikeError
├── InvalidInput             what was sent cannot mean anything; `problems` name the places
├── PictureUnreadable        these bytes are no picture that we read; `reason` is a short code
├── PictureUnavailable       a picture's bytes cannot be had (address refused, 404, time-out); `reason` is a short code
├── NotFound                 no such product, job, upload, picture, network; `kind` says which
├── VersionConflict          somebody changed the product in between
├── Poison                   whoever worked on this row died of it, or never came to an end
├── Unavailable              a dependency is away; try again after `retry_after_seconds`
│   ├── Overloaded           too much at once
│   ├── WrongServer          something else answers at its address
│   └── NetworksAway         nobody is there who could look at pictures
├── IndexProblem             the index cannot be used as it is
│   ├── RecipeMismatch       its vectors were made by another recipe
│   │   └── ExportMismatch    an export's were
│   ├── IndexDamaged         its files are not what we wrote
│   ├── IndexTooNew          a newer version of Lookalike wrote it
│   ├── IndexLocked          another process writes to it
│   ├── IndexNotFound        there is none at that place
│   └── StorageFull          the disk refuses more
├── UnknownPlugin            no adapter of that name is installed
├── InvalidSetting           a setting has an impossible value
│   ├── InvalidCard          a model card, or a recipe, says something impossible
│   └── NetworkRefused       a network's file is not what its card says
└── MissingDependency        an optional package is not installed
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class LookalikeError(Exception):
    """The root: its text says what happened, what was found, and what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: `at` is its place ("filter.price.gte"), "" for the whole."""

    at: str
    message: str

    def below(self, prefix: str) -> "Problem":
        """The same problem seen from one level further out."""
        if not self.at:
            return Problem(prefix, self.message)
        joint = "" if self.at.startswith("[") else "."
        return Problem(f"{prefix}{joint}{self.at}", self.message)


class InvalidInput(LookalikeError):
    """What was sent is well formed but impossible. `problems` has at least one entry."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.at}: {p.message}" if p.at else p.message for p in self.problems))

    @classmethod
    def at(cls, place: str, message: str) -> "InvalidInput":
        """An error with one problem."""
        return cls((Problem(place, message),))

    def below(self, prefix: str) -> "InvalidInput":
        """The same error seen from one level further out."""
        return InvalidInput([problem.below(prefix) for problem in self.problems])


class PictureUnreadable(LookalikeError):
    """The bytes are no picture that we read. `reason` is a code of `domain.reasons.PictureReason`."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = str(reason)  # plain text, whatever kind of text it was
        super().__init__(message)


class PictureUnavailable(LookalikeError):
    """The bytes of a picture cannot be had. `reason` is a code of `domain.reasons.PictureReason`."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = str(reason)  # plain text, whatever kind of text it was
        super().__init__(message)


class NotFound(LookalikeError):
    """`kind` is product, job, upload, picture or network."""

    def __init__(self, kind: str, name: str, advice: str = "") -> None:
        self.kind, self.name = kind, name
        shown = name if len(name) <= 80 else name[:77] + "…"
        super().__init__(f"There is no {kind} {shown!r}." + (f" {advice}" if advice else ""))


class VersionConflict(LookalikeError):
    """The product is at another version than the caller expected."""

    def __init__(self, product_id: str, expected: int, found: int | None) -> None:
        self.product_id, self.expected, self.found = product_id, expected, found
        state = "it does not exist" if found is None else f"it is at version {found}"
        super().__init__(f"Product {product_id!r} was expected at version {expected}, but {state}. Read it again, then repeat.")


class Poison(LookalikeError):
    """The processes that worked on a row died, or took for ever; it is not tried again by itself."""


class Unavailable(LookalikeError):
    """A dependency is away for now.

    The message is for who runs the house and may name its servers; `outside` is what visitors are told in its place, where
    that is not empty.
    """

    def __init__(self, message: str, retry_after_seconds: float = 1.0, outside: str = "") -> None:
        self.retry_after_seconds, self.outside = retry_after_seconds, outside
        super().__init__(message)


class Overloaded(Unavailable):
    """More is asked than can be done in time."""


class WrongServer(Unavailable):
    """Something else answers at the address of a dependency: another program, or a page of a proxy before it."""


class NetworksAway(Unavailable):
    """The networks run elsewhere, and nobody is there, or the way there is closed."""


class IndexProblem(LookalikeError):
    """The index cannot be used as it is."""


class RecipeMismatch(IndexProblem):
    """Vectors of two recipes cannot be compared."""

    def __init__(self, index_recipe: str, asked_recipe: str) -> None:
        self.index_recipe, self.asked_recipe = index_recipe, asked_recipe
        name = index_recipe.partition("@")[0]
        if name == asked_recipe.partition("@")[0]:  # the same setting, another version of what it stands for
            state = f"but this installation of Lookalike makes those of {asked_recipe!r}: networks or preparation have changed"
            advice = "Look at the pictures anew"
        else:
            state, advice = f"but {asked_recipe!r} is set", f"Set LOOKALIKE_RECIPE={name}, or look at the pictures anew"
        super().__init__(f"This index holds vectors of the recipe {index_recipe!r}, {state}. {advice}: lookalike index-admin rebuild.")


class ExportMismatch(RecipeMismatch):
    """An export holds vectors of another recipe than the one that is set."""

    def __init__(self, export_recipe: str, asked_recipe: str) -> None:
        super().__init__(export_recipe, asked_recipe)
        name, asked = export_recipe.partition("@")[0], asked_recipe.partition("@")[0]
        if name == asked:  # the same setting, another version of what it stands for
            state = f"but this installation of Lookalike makes those of {asked_recipe!r}: networks or preparation have changed"
            advice = "Look at the pictures anew"
        else:
            state, advice = (
                f"but {asked_recipe!r} is set",
                f"Set LOOKALIKE_RECIPE={name} and import it into an index of its own, or look at the pictures anew",
            )
        self.args = (
            f"This export holds vectors of the recipe {export_recipe!r}, {state}. {advice}: lookalike index-admin rebuild on the index "
            "that it came from, then export again; or export JSON Lines there and index those (lookalike index FILE --as jsonl).",
        )


class IndexDamaged(IndexProblem):
    """The files of the index are not what we wrote."""


class IndexTooNew(IndexProblem):
    """A newer version of Lookalike wrote this index."""


class IndexLocked(IndexProblem):
    """Another process writes to this index."""


class IndexNotFound(IndexProblem):
    """There is no index at that place."""


class StorageFull(IndexProblem):
    """The disk, or a limit on it, refuses more."""


class UnknownPlugin(LookalikeError):
    """No adapter of that name is installed for a port."""

    def __init__(self, port: str, name: str, installed: Iterable[str]) -> None:
        names = sorted(installed)
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"No {port} is called {name!r}. Installed: {', '.join(names) or 'none'}.{hint}")


class InvalidSetting(LookalikeError):
    """A setting has an impossible value."""


class InvalidCard(InvalidSetting):
    """A model card, or a recipe, cannot mean anything. `problems`: a sentence for each thing that is wrong, its place first."""

    def __init__(self, where: str, problems: Sequence[str], kind: str = "model card", page: str = "docs/models.md") -> None:
        self.problems = tuple(problems)
        super().__init__(f"The {kind} {where} cannot be used: {'; '.join(problems)}. The format is in {page}.")


class NetworkRefused(InvalidSetting):
    """A network's file is not what its card says: another checksum, other inputs or outputs, or no ONNX."""


class MissingDependency(LookalikeError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"This needs {package}. Install it with: pip install 'lookalike[{extra}]'")
