"""The index as OpenSearch is told of it: the plain JSON of `mappings/opensearch`, with a recipe's dimensions."""

import json
from pathlib import Path
from typing import Any

from lookalike.domain.analysis import Recipe
from lookalike.errors import IndexProblem, IndexTooNew

FORMAT = 1
"""What a document looks like; another format cannot be read."""

MAJORS = (2, 3)
"""The major versions that are tested."""

Json = dict[str, Any]


def mapping_for(major: int) -> Json:
    """The body that creates an index of products on an OpenSearch of that major version. Raises: IndexProblem."""
    return template(major, "products")


def template(major: int, name: str) -> Json:
    """`mappings/opensearch/MAJOR/NAME.json`. Raises: IndexProblem."""
    if major not in MAJORS:
        raise IndexProblem(f"This is OpenSearch {major}; {' and '.join(map(str, MAJORS))} are supported (docs/opensearch.md).")
    package = Path(__file__).resolve().parents[2]
    places = (package / "mappings", package.parent / "mappings")  # packaged in the wheel; beside the packages in a clone
    for place in places:
        file = place / "opensearch" / str(major) / f"{name}.json"
        if file.is_file():
            body: Json = json.loads(file.read_text(encoding="utf-8"))
            return body
    raise IndexProblem(
        f"The mapping of {name} for OpenSearch {major} is not installed; it was looked for in {' and '.join(map(str, places))}."
    )


def index_body(major: int, recipe: Recipe, *, shards: int, replicas: int) -> Json:
    """The same for vectors of a recipe, which stands in `_meta`."""
    body = mapping_for(major)
    objects = body["mappings"]["properties"]["objects"]["properties"]
    objects["vector"]["dimension"] = recipe.dimension
    objects["colour"]["dimension"] = recipe.colour_dimension
    body["mappings"]["_meta"]["lookalike"]["recipe"] = recipe.as_json()
    body["settings"]["index"] |= {"number_of_shards": shards, "number_of_replicas": replicas}
    return body


def recipe_of(mappings: Json, index: str) -> Recipe:
    """The recipe that an index of ours says it holds. Raises: IndexProblem, IndexTooNew."""
    told = mappings.get("_meta", {}).get("lookalike")
    if told is None or "recipe" not in told:
        raise IndexProblem(f"The index {index!r} was not made by Lookalike. Give another name, or delete it.")
    if told["format"] > FORMAT:
        raise IndexTooNew(f"The index {index!r} has format {told['format']}; this version reads {FORMAT}. Install a newer Lookalike.")
    recipe = told["recipe"]
    return Recipe(recipe["name"], recipe["dimension"], recipe["colour_dimension"], recipe["parts"])
