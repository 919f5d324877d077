"""What shops report of their shoppers, POST /v1/events: strict, with the place of every problem."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lookalike.domain import values
from lookalike.domain.events import ACTIONS, moment
from lookalike.domain.product import product_id
from lookalike.domain.query_parsing import unknown_field
from lookalike.errors import InvalidInput, Problem

MOST_EVENTS = 100
OLDEST_SECONDS, NEWEST_SECONDS = 7 * 86_400, 300
"""A time further back, or further ahead, is a clock that is wrong: ours is taken instead."""

Event = dict[str, Any]


def parse_events(told: object) -> list[Event]:
    """The events of `{"events": […]}`, checked. Raises: InvalidInput with every problem found, each with its place."""
    given = values.mapping(told, "")
    if unknown := sorted(map(str, set(given) - {"events"})):
        raise InvalidInput([unknown_field(unknown[0], ("events",), "The body", "")])
    found: list[Event] = []
    problems: list[Problem] = []
    for place, one in enumerate(values.array(given.get("events"), "events", MOST_EVENTS)):
        try:
            found.append(_event(one, f"events[{place}]"))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    if not found:
        raise InvalidInput.at("events", "Found no event; send one at least.")
    return found


def _event(told: object, at: str) -> Event:
    problems: list[Problem] = []
    found: Event = {}
    given = values.mapping(told, at)
    for name, value in given.items():
        if name not in _FIELDS:
            problems.append(unknown_field(name, _FIELDS, "An event", at))
        elif value is not None:
            try:
                found[name] = _FIELDS[name](value, f"{at}.{name}")
            except InvalidInput as error:
                problems += error.problems
    problems += [Problem(f"{at}.{name}", "It is needed.") for name in ("action_name", "object_id") if given.get(name) is None]
    if problems:
        raise InvalidInput(problems)
    return found


def _action(value: object, at: str) -> str:
    if value not in ACTIONS:
        raise InvalidInput.at(at, f"Found {values.shown(value)}; one of {', '.join(ACTIONS)} is wanted.")
    return str(value)


def _name(value: object, at: str) -> str:
    return values.text(value, at, 100, control=False)


def _position(value: object, at: str) -> int:
    return values.integer(value, at, 1, 1_000_000)


def _time(value: object, at: str) -> str | None:
    try:
        seconds = values.instant(values.text(value, at, 64))
    except ValueError as error:
        raise InvalidInput.at(at, f"Found {values.shown(value)}; a time as in ISO 8601 is wanted, such as 2026-03-01T12:00:00Z.") from error
    if not -OLDEST_SECONDS < seconds - time.time() < NEWEST_SECONDS:
        return None
    return moment(datetime.fromtimestamp(seconds, UTC))


_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "action_name": _action,
    "object_id": product_id,
    "query_id": _name,
    "position": _position,
    "client_id": _name,
    "session_id": _name,
    "user_query": lambda value, at: values.text(value, at, 512),
    "message": lambda value, at: values.text(value, at, 1_000),
    "timestamp": _time,
}
EVENT_FIELDS = tuple(_FIELDS)
"""What an event may hold."""
