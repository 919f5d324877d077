"""The index as OpenSearch is told of it: the plain JSON of `mappings/opensearch`, with a recipe's dimensions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.domain.analysis import Recipe
from lookalike.errors import IndexProblem, IndexTooNew

FORMAT = 1
"""What a document looks like; another format cannot be read."""

MAJORS = (2, 3)
"""The major versions that are tested."""

_BITS_ARE_WANTED = (3, 6)
"""From here on the encoder `sq` has to be told its bits; before, it does not know the word."""

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


@dataclass(frozen=True, slots=True)
class Layout:
    """How the indexes that we create keep their vectors, and on how many shards.

    `engine`: lucene or faiss. With faiss, `encoder` fp16 halves the memory of the graph, and `mode` on_disk keeps the vectors on
    the disk and a sixteenth of them in memory; one of the two. faiss needs the native libraries of OpenSearch's own distribution.
    """

    shards: int = 1
    replicas: int = 1
    engine: str = "lucene"
    encoder: str | None = None
    mode: str | None = None

    @property
    def rescored(self) -> bool:
        """Whether the graph knows the vectors only roughly, so that what it finds has to be compared again."""
        return self.mode == "on_disk"


def index_body(version: tuple[int, int], recipe: Recipe, layout: Layout) -> Json:
    """The same for vectors of a recipe, which stands in `_meta`, on an OpenSearch of that major and minor version."""
    body = mapping_for(version[0])
    objects = body["mappings"]["properties"]["objects"]["properties"]
    objects["vector"] = _laid_out(objects["vector"] | {"dimension": recipe.dimension}, layout, version)
    objects["colour"] = _laid_out(objects["colour"] | {"dimension": recipe.colour_dimension}, layout, version)
    body["mappings"]["_meta"]["lookalike"] |= {"recipe": recipe.as_json(), "rescored": layout.rescored}
    body["settings"]["index"] |= {"number_of_shards": layout.shards, "number_of_replicas": layout.replicas}
    return body


def _laid_out(field: Json, layout: Layout, version: tuple[int, int]) -> Json:
    """A `knn_vector` in the shapes that OpenSearch documents (https://docs.opensearch.org, k-NN vector)."""
    method = field["method"]
    if layout.mode == "on_disk":
        return {
            **{name: field[name] for name in ("type", "dimension")},
            "space_type": method["space_type"],
            "data_type": "float",
            "mode": "on_disk",
            "compression_level": "16x",
        }
    halves = {"type": "fp16"} | ({"bits": 16} if version >= _BITS_ARE_WANTED else {})
    encoder = {"encoder": {"name": "sq", "parameters": halves}} if layout.encoder == "fp16" else {}
    return field | {"method": method | {"engine": layout.engine, "parameters": encoder | method["parameters"]}}


def refused(error: IndexProblem, layout: Layout) -> IndexProblem:
    """What to say where the server does not take the index that we wanted to create."""
    if layout.engine == "lucene":
        return error
    asked = ", ".join(f"{name}={told}" for name in ("engine", "encoder", "mode") if (told := getattr(layout, name)))
    return IndexProblem(
        f"The server does not take an index with {asked}: {error} faiss needs OpenSearch's own distribution with its native libraries; "
        "leave these settings out of LOOKALIKE_ENGINE_SETTINGS to use lucene, which every server has."
    )


def removals(replicas: int) -> Json:
    """The body that creates the index that remembers which products were removed (docs/decisions/0073)."""
    return {
        "settings": {"index": {"number_of_shards": 1, "number_of_replicas": replicas}},
        "mappings": {"dynamic": "strict", "properties": {"id": {"type": "keyword"}}},
    }


def recipe_of(mappings: Json, index: str) -> Recipe:
    """The recipe that an index of ours says it holds. Raises: IndexProblem, IndexTooNew."""
    told = mappings.get("_meta", {}).get("lookalike")
    if told is None or "recipe" not in told:
        raise IndexProblem(f"The index {index!r} was not made by Lookalike. Give another name, or delete it.")
    if told["format"] > FORMAT:
        raise IndexTooNew(f"The index {index!r} has format {told['format']}; this version reads {FORMAT}. Install a newer Lookalike.")
    recipe = told["recipe"]
    return Recipe(recipe["name"], recipe["dimension"], recipe["colour_dimension"], recipe["parts"])
