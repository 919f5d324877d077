"""What can be read of the workers and of what waits for them: for `/readyz`, metrics, `lookalike status`. It writes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.broker.looks import base_of
from lookalike.broker.names import KEYS, QUEUES

_BATCHES_OF = "batches_of_"


@dataclass(frozen=True, slots=True)
class LookFigures:
    """The pictures of one recipe that wait for workers, and those workers, at one moment.

    `urgent` and `patient` wait (shoppers' and the catalogue's), `in_hand` are being looked at. `workers` is what each living
    worker process tells of itself: worker, host, pid, pool, recipe, started and beat (Unix seconds), looks, batches,
    busy_seconds, rate (looks a second while busy), in_hand. `rate` is the sum of theirs: what all of them together can do.
    `messages` is the length of each Celery queue.

    `counts` are totals since Redis began: asked, answered, refused (429), late (dropped after their deadline), lost (their
    picture was gone), requeued (their worker died), poison (given up), batches, waited_ms and busy_ms (sums over looks and
    batches). `batch_sizes` says how many batches had which size.
    """

    recipe: str
    urgent: int
    patient: int
    in_hand: int
    workers: tuple[Mapping[str, Any], ...]
    rate: float
    counts: Mapping[str, int] = field(default_factory=dict)
    batch_sizes: Mapping[int, int] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {
            "recipe": self.recipe,
            "waiting": {"urgent": self.urgent, "patient": self.patient},
            "in_hand": self.in_hand,
            "workers": [dict(one) for one in self.workers],
            "rate": round(self.rate, 3),
            "counts": dict(self.counts),
            "batch_sizes": {str(size): many for size, many in sorted(self.batch_sizes.items())},
            "messages": dict(self.messages),
        }


def figures(client: Any, recipe_id: str) -> LookFigures:
    """The figures of one recipe, in three round trips. Raises: redis.RedisError."""
    base = base_of(recipe_id)
    with client.pipeline(transaction=False) as asked:
        asked.llen(f"{base}:urgent")
        asked.llen(f"{base}:patient")
        asked.zcard(f"{base}:leased")
        asked.hgetall(f"{base}:counts")
        for name in QUEUES:
            asked.llen(name)
        urgent, patient, in_hand, counts, *depths = asked.execute()
    told = {name.decode(): int(value) for name, value in counts.items()}
    workers = crew(client, recipe_id)
    return LookFigures(
        recipe=recipe_id,
        urgent=urgent,
        patient=patient,
        in_hand=in_hand,
        workers=workers,
        rate=rate_of(workers),
        counts={name: value for name, value in told.items() if not name.startswith(_BATCHES_OF)},
        batch_sizes={int(name[len(_BATCHES_OF) :]): value for name, value in told.items() if name.startswith(_BATCHES_OF)},
        messages=dict(zip(QUEUES, depths, strict=True)),
    )


def recipes(client: Any) -> list[str]:
    """The recipes that workers have begun for. Raises: redis.RedisError."""
    return sorted(one.decode() for one in client.smembers(f"{KEYS}recipes"))


def crew(client: Any, recipe_id: str) -> tuple[Mapping[str, Any], ...]:
    """What each living worker process of a recipe tells of itself. Raises: redis.RedisError."""
    ids = [one.decode() for one in client.zrange(f"{base_of(recipe_id)}:crew", 0, -1)]
    if not ids:
        return ()
    # the sorted set may hold one that died just now; what it told of itself has a life of its own
    bodies = client.mget([f"{KEYS}worker:{one}" for one in ids])
    return tuple(json.loads(body) for body in bodies if body is not None)


def rate_of(workers: tuple[Mapping[str, Any], ...]) -> float:
    """Looks a second that workers can do together, as far as they have measured; 0 where none has looked at anything yet."""
    return float(sum(float(one.get("rate") or 0.0) for one in workers))
