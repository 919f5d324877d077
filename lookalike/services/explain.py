"""Why a product was found: figures always, plain words when they are asked for."""

from collections.abc import Mapping
from typing import Any

from lookalike.domain.query import EngineHit


def why(hit: EngineHit, weights: Mapping[str, float], explain: bool = False) -> dict[str, Any]:
    """The `why` of a hit: what each leg of the search found in it.

    `weights` are those of the legs that were asked. With `explain`: each leg's score, weight and share of the score, and
    `words`, sentences for people.
    """
    told: dict[str, Any] = {}
    if hit.similarity is not None:
        told["picture"] = round(hit.similarity, 4)
        told["object"] = hit.object
    for leg in ("text", "category", "colour"):
        if leg in weights:
            told[leg] = round(float(hit.legs.get(leg, 0.0)), 4)
    if "tags" in weights:
        told["tags"] = list(hit.tags)
    if explain:
        told["legs"] = _legs(hit, weights)
        told["words"] = _words(hit, weights)
    return told


def _legs(hit: EngineHit, weights: Mapping[str, float]) -> list[dict[str, Any]]:
    counted = {leg: weight for leg, weight in weights.items() if leg in hit.legs}
    total = sum(weight * hit.legs[leg] for leg, weight in counted.items()) or 1.0
    return [
        {"name": leg, "score": round(float(hit.legs[leg]), 4), "weight": weight, "share": round(float(weight * hit.legs[leg] / total), 4)}
        for leg, weight in counted.items()
    ]


def _words(hit: EngineHit, weights: Mapping[str, float]) -> list[str]:
    said: list[str] = []
    if hit.similarity is not None:
        which = f"picture {hit.picture + 1} of it" if hit.picture else "it"
        said.append(f"Seen by the network, {which} is {max(0.0, hit.similarity):.0%} like what you showed.")
    if "colour" in weights and (colour := hit.legs.get("colour")) is not None:
        said.append(f"The colours agree by {float(colour):.0%}.")
    if "text" in weights:
        text = float(hit.legs.get("text", 0.0))
        said.append(
            "None of your words is in its text."
            if text <= 0
            else "No product fits your words better."
            if text >= 0.999
            else f"It fits your words {text:.0%} as well as the product that fits them best."
        )
    if "tags" in weights:
        said.append(f"It has what you asked for: {', '.join(hit.tags)}." if hit.tags else "It has none of the tags you asked for.")
    if "category" in weights and (category := float(hit.legs.get("category", 0.0))) > 0:
        said.append(f"Its category is what we take your picture for, with {category:.0%}.")
    if not said:
        said.append("Nothing was asked for that would rank products; they are in the order asked for, else newest first.")
    return said
