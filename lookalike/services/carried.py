"""Changes and what became of them as lines of JSON, for those who carry them to other processes and back."""

import json
import re
from collections.abc import Mapping
from typing import Any

from lookalike.domain.product import parse_patch, parse_product
from lookalike.errors import LookalikeError, NotFound, PictureUnavailable, PictureUnreadable, Poison, Unavailable, VersionConflict
from lookalike.services.changes import Change, Outcome, PictureFailure

_ELSEWHERE = re.compile(r"(https?|data|stored):", re.IGNORECASE)


class Reported(LookalikeError):
    """What another process told of a row, in its words."""


def line_of(number: int, change: Change) -> str:
    """A change as `change_of_line` reads it, under a number in place of its row. References to pictures go as they are."""
    told: dict[str, Any] = {"row": number, "op": change.op, "id": change.id}
    if change.product is not None:
        told["product"] = change.product.as_json()
    if change.changes is not None:
        told["changes"] = {name: list(one) if isinstance(one, tuple) else one for name, one in change.changes.items()}
    if change.if_version is not None:
        told["if_version"] = change.if_version
    return json.dumps(told)


def change_of_line(line: str) -> Change:
    """The change of a line of ours. Raises: InvalidInput."""
    told = json.loads(line)
    product = None if told.get("product") is None else parse_product(told["product"])
    changes = None if told.get("changes") is None else parse_patch(told["changes"])
    return Change(told["row"], told["op"], told["id"], product, changes, told.get("if_version"))


def line_of_outcome(outcome: Outcome, host: str = "") -> str:
    """What became of a change, without its document. `host` is named where a picture's file is not there: it may lie elsewhere."""
    told: dict[str, Any] = {"row": outcome.change.row, "state": outcome.state}
    if outcome.error is not None:
        told["error"] = [_KINDS.get(type(outcome.error), ""), str(outcome.error)]
    if outcome.failures:
        references = outcome.product.pictures if outcome.product is not None else ()
        product = outcome.change.product
        references = references or (product.pictures if product is not None else ())
        told["pictures"] = [
            [place, isinstance(one, PictureUnreadable), one.reason, _placed(one, references[place : place + 1], host)]
            for place, one in sorted(outcome.failures.items())
        ]
    return json.dumps(told)


def outcome_of_line(line: str, changes: Mapping[int, Change]) -> tuple[int, Outcome]:
    """The number under which a change was sent, and what became of it; `changes` are those that were sent, by number."""
    told = json.loads(line)
    failures: dict[int, PictureFailure] = {
        place: (PictureUnreadable if unreadable else PictureUnavailable)(reason, message)
        for place, unreadable, reason, message in told.get("pictures", ())
    }
    error = _error(*told["error"]) if "error" in told else None
    return told["row"], Outcome(changes[told["row"]], told["state"], failures=failures, error=error)


_KINDS: Mapping[type[LookalikeError], str] = {
    NotFound: "not_found",
    VersionConflict: "version_conflict",
    Unavailable: "unavailable",
    Poison: "poison",
}


def _error(kind: str, message: str) -> LookalikeError:
    """The error again: its words are those of who met it, its parts were in them."""
    error: LookalikeError
    if kind == "not_found":
        error = NotFound("product", "")
    elif kind == "version_conflict":
        error = VersionConflict("", 0, None)
    else:
        error = {"unavailable": Unavailable, "poison": Poison}.get(kind, Reported)("")
    error.args = (message,)
    return error


def _placed(failure: PictureFailure, reference: tuple[str, ...], host: str) -> str:
    if not host or not reference or _ELSEWHERE.match(reference[0]) or not isinstance(failure, PictureUnavailable):
        return str(failure)
    return f"{failure} That is what the worker on {host} finds at {reference[0]!r}: its machine has to have that folder too."
