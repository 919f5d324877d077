"""`/v1/events`: what shoppers did with what a search found."""

from apiflask import APIBlueprint
from flask import Response

from lookalike.bootstrap import House
from lookalike.domain.event_parsing import parse_events
from lookalike.domain.events import acted
from query_api.reading import json_body
from query_api.telling import answer


def blueprint(house: House) -> APIBlueprint:
    """The route of shoppers' events."""
    routes = APIBlueprint("events", __name__)

    @routes.post("/v1/events")
    @routes.doc(operation_id="events", tags=["Search"])
    def events() -> Response:
        """Report what shoppers did: view, click, add_to_cart, purchase."""
        given = parse_events(json_body())
        taken = sum(house.events.tell(acted(one)) for one in given)
        told: dict[str, object] = {"accepted": taken, "dropped": len(given) - taken, "notices": []}
        if not house.events.on:
            told["notices"] = ["Events are not kept here: LOOKALIKE_EVENTS is off."]
        elif taken < len(given):
            told["notices"] = ["More events wait than can be kept; those that were dropped need not be sent again."]
        return answer(told, 202)

    return routes
