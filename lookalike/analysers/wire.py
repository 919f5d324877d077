"""What a worker's answer looks like on its way through Redis: JSON, exact to the last bit."""

import base64
import dataclasses
import json
from typing import Any

from lookalike.domain.analysis import Analysis, unpacked
from lookalike.domain.geometry import Box
from lookalike.domain.reasons import PictureReason
from lookalike.errors import LookalikeError, PictureUnreadable, Unavailable
from lookalike.ports.analyses import LookKey


def seen_body(analysis: Analysis) -> bytes:
    """An analysis as it is sent and kept."""
    told, vectors = analysis.packed()
    told |= {"vectors": base64.b64encode(vectors).decode(), "took_ms": dict(analysis.took_ms)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def kept_of(body: bytes, key: LookKey) -> Analysis | None:
    """The analysis that was kept for a key; None where something else is kept there, of an older version perhaps."""
    try:
        analysis = analysis_of(body)
    except (KeyError, TypeError, ValueError):
        return None
    return analysis if (analysis.digest, analysis.recipe_id) == (key.digest, key.recipe_id) else None


def analysis_of(body: bytes | dict[str, Any]) -> Analysis:
    """What `seen_body` told. Raises: KeyError, TypeError, ValueError for anything else."""
    told = json.loads(body) if isinstance(body, bytes) else body
    analysis = unpacked(told, base64.b64decode(told["vectors"], validate=True))
    return dataclasses.replace(analysis, took_ms={str(name): float(value) for name, value in told["took_ms"].items()})


def answer(look: str, result: Analysis | Exception, body: bytes | None = None) -> bytes:
    """The answer to one look; `body` is `seen_body` of the analysis where that was made already."""
    if isinstance(result, Analysis):
        return b'{"look":"%s","seen":%s}' % (look.encode(), body or seen_body(result))
    if isinstance(result, PictureUnreadable):
        return json.dumps({"look": look, "unreadable": {"reason": result.reason, "message": str(result)}}).encode()
    # what a stranger's network says of itself goes to the worker's log; who asked learns its kind
    told = str(result) if isinstance(result, LookalikeError) else f"The networks failed at this picture ({type(result).__name__})."
    return json.dumps({"look": look, "failed": told}).encode()


def read_answer(body: bytes) -> tuple[str, Analysis | PictureUnreadable | Unavailable]:
    """(look, result). Raises: KeyError, TypeError, ValueError where this is no answer of ours."""
    told = json.loads(body)
    look = str(told["look"])
    try:
        return look, _result(told)
    except (KeyError, TypeError, ValueError):
        return look, Unavailable("The worker's answer cannot be read here. API and workers have to be of one version.", 5.0)


def _result(told: dict[str, Any]) -> Analysis | PictureUnreadable | Unavailable:
    if "seen" in told:
        return analysis_of(told["seen"])
    if "unreadable" in told:
        return PictureUnreadable(str(told["unreadable"]["reason"]), str(told["unreadable"]["message"]))
    if told.get("poison"):
        return poison()
    return Unavailable(str(told["failed"]), 2.0)


def poison() -> PictureUnreadable:
    """For a picture that ended the worker that looked at it, twice."""
    return PictureUnreadable(
        PictureReason.KILLS_WORKER,
        "This picture ended the process that looked at it, twice; it is not tried again for ten minutes. Use another picture.",
    )


def box_text(box: Box | None) -> str:
    """A box as JSON; empty where there is none."""
    return "" if box is None else json.dumps(list(box.edges()))


def box_of(text: str) -> Box | None:
    """What `box_text` told."""
    return Box(*json.loads(text)) if text else None
