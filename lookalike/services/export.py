"""An index as lines of JSON, and back: a catalogue moves between engines without a picture being looked at again."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.domain.analysis import Analysis, Recipe, analysis_from_json
from lookalike.domain.document import Document, Seen
from lookalike.domain.product import PRODUCT_FIELDS, parse_product
from lookalike.domain.values import strict_json
from lookalike.errors import InvalidInput, RecipeMismatch
from lookalike.ports.engine import SearchEngine, Write

BATCH = 500


def export_lines(documents: Iterable[Document]) -> Iterator[str]:
    """One line a document, in their order: the product's fields, `analysis`, `vectors` (base64 of little-endian fp16), `digest`.

    Equal documents give equal bytes; versions are left out, for they count writes and say nothing of the product.
    """
    for document in documents:
        yield json.dumps(_told(document), ensure_ascii=False, separators=(",", ":"))


def import_lines(lines: Iterable[bytes], engine: SearchEngine, recipe: Recipe) -> Iterator[int]:
    """Put documents that `export_lines` told into an index of `recipe`; yields how many are in, after every batch.

    Raises: InvalidInput, naming the line; RecipeMismatch; IndexProblem. What was yielded is durable.
    """
    writes: list[Write] = []
    done = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        writes.append(Write(_document(number, line, recipe)))
        if len(writes) == BATCH:
            engine.put(_last_of_each(writes))
            done += len(writes)
            writes = []
            yield done
    if writes:
        engine.put(_last_of_each(writes))
        yield done + len(writes)


def _last_of_each(writes: list[Write]) -> list[Write]:
    return list({one.document.id: one for one in writes}.values())


def _told(document: Document) -> dict[str, Any]:
    seen, product = document.seen, document.product.as_json()
    if "attributes" in product:
        product["attributes"] = dict(sorted(product["attributes"].items()))
    return product | {
        "analysis": [{"picture": one.picture, **one.analysis.as_json()} for one in seen],
        "vectors": {
            "objects": [[_packed(each.vector) for each in one.analysis.objects] for one in seen],
            "colours": [[_packed(each.colour_vector) for each in one.analysis.objects] for one in seen],
        },
        "digest": document.digest,
        "unseen": {str(place): reason for place, reason in sorted(document.unseen.items())},
    }


def _packed(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(np.asarray(vector, "<f2").tobytes()).decode("ascii")


def _unpacked(told: list[str], size: int) -> NDArray[np.float32]:
    rows = [np.frombuffer(base64.b64decode(one, validate=True), "<f2").astype(np.float32) for one in told]
    if any(row.shape != (size,) or not np.isfinite(row).all() for row in rows):
        raise ValueError(f"a vector that is not {size} finite numbers")
    return np.stack(rows) if rows else np.zeros((0, size), np.float32)


def _document(number: int, line: bytes, recipe: Recipe) -> Document:
    try:
        told = strict_json(line.decode())
        if not isinstance(told, dict):
            raise TypeError("it is no JSON object")
        product = parse_product({name: told[name] for name in PRODUCT_FIELDS if name in told})
        seen = tuple(
            _seen(*one, recipe) for one in zip(told["analysis"], told["vectors"]["objects"], told["vectors"]["colours"], strict=True)
        )
        if any(not 0 <= one.picture < len(product.pictures) for one in seen):
            raise ValueError("an analysis of a picture that the product does not have")
        unseen = {int(place): str(reason) for place, reason in told["unseen"].items()}
        return Document(product, seen, str(told["digest"]), unseen=unseen)
    except InvalidInput as error:
        raise error.below(f"line {number}") from error
    except KeyError as error:
        raise InvalidInput.at(
            f"line {number}", f"The field {error.args[0]!r} is not there: is this what index-admin export wrote?"
        ) from error
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise InvalidInput.at(f"line {number}", f"This is not what index-admin export wrote: {error}.") from error


def _seen(told: Mapping[str, Any], vectors: list[str], colours: list[str], recipe: Recipe) -> Seen:
    if told["recipe"] != recipe.id:
        raise RecipeMismatch(str(told["recipe"]), recipe.id, "This export")
    analysis: Analysis = analysis_from_json(told, _unpacked(vectors, recipe.dimension), _unpacked(colours, recipe.colour_dimension))
    if not analysis.objects:
        raise ValueError("an analysis without an object")
    return Seen(int(told["picture"]), analysis)
