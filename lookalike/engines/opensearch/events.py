"""Events in an OpenSearch data stream, `lookalike-events-APPLICATION`, by `_bulk`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike.engines.opensearch.address import parse_address
from lookalike.engines.opensearch.client import Client
from lookalike.engines.opensearch.mapping import template
from lookalike.errors import InvalidSetting, Overloaded
from lookalike.ports.events import Event

STREAM = "lookalike-events"
"""The name of the index template; streams are called so with the application behind it."""
_TIMEOUT_SECONDS = "10"
_EXISTS, _FULL = 409, 429

Json = dict[str, Any]


class EventStream:
    """EventSink over one data stream. The index template is put before the first batch, where it is not there or older."""

    def __init__(self, client: Client, application: str) -> None:
        self._client = client
        self.name = f"{STREAM}-{re.sub(r'[^a-z0-9._-]+', '-', application.lower()).strip('-._') or 'shop'}"
        self._prepared = False

    def write(self, events: Sequence[Event]) -> int:
        """How many were refused. One that is there already, by its id, counts as stored. Raises: Unavailable, IndexProblem."""
        if not self._prepared:
            self._prepare()
            self._prepared = True
        lines: list[str] = []
        for event in events:
            lines += (json.dumps({"create": {"_id": event["event_id"]}}), json.dumps(event))
        with self._client.asked() as raw:
            answer = raw.bulk(body="\n".join(lines) + "\n", index=self.name)
        if not answer["errors"]:
            return 0
        statuses = [int(next(iter(one.values()))["status"]) for one in answer["items"]]
        if _FULL in statuses:
            raise Overloaded("OpenSearch has no room for all events now.", 5.0)  # those that are stored are found by their ids
        return sum(status >= 300 and status != _EXISTS for status in statuses)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def _prepare(self) -> None:
        with self._client.asked() as raw:
            major = int(raw.info()["version"]["number"].partition(".")[0])
            body = template(major, "events")
            found = raw.indices.get_index_template(name=STREAM, params={"ignore": 404}).get("index_templates", [])
            known = found[0]["index_template"].get("version", 0) if found else 0
            if known < body["version"]:
                raw.indices.put_index_template(name=STREAM, body=body)


def open_events(location: str, *, settings: Mapping[str, str], folder: Path | None, application: str) -> EventStream:
    """`opensearch://HOST:9200/APPLICATION`, with the engine's user, password and certificate. Raises: InvalidSetting."""
    if not location:
        raise InvalidSetting("LOOKALIKE_EVENTS is 'opensearch', but the index is elsewhere. Say where: opensearch://HOST:9200/NAME.")
    kept = {name: value for name, value in settings.items() if name in ("user", "password", "ca")}
    address = parse_address(location, {**kept, "timeout": _TIMEOUT_SECONDS})
    return EventStream(Client(address), address.alias)
