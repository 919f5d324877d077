"""Kills processes that rebuild an index again and again while they write to it. Prints one JSON object.

    python kill_rebuilders.py FOLDER KILLS SEED

Each write sets a product's price to a number that only grows; what was acknowledged must be there after the kill, or later.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace

from lookalike.engines.embedded import open_embedded
from lookalike.ports.engine import Write
from lookalike.testing.documents import RECIPE, make_documents
from lookalike.testing.engine_cases import put

BATCH = 100


def rebuild_for_ever(path: str, start: int, pipe: int, seed: int) -> None:
    """Rebuild, write meanwhile; tell each acknowledged batch (id → price) and each finished rebuild ({})."""
    rng, documents = random.Random(start), make_documents(seed, 1500, plain=True)
    engine = open_embedded(path)
    engine.prepare(RECIPE)
    number = start
    while True:
        with engine.rebuild(RECIPE) as fresh:
            batch = []
            for one in engine.documents():
                batch.append(replace(one, version=0))
                if len(batch) == BATCH:
                    put(fresh, *batch)
                    batch = []
                    number += 1
                    chosen = [replace(any_, product=replace(any_.product, price=float(number))) for any_ in rng.sample(documents, BATCH)]
                    engine.put([Write(changed) for changed in chosen])
                    os.write(pipe, (json.dumps({changed.id: number for changed in chosen}) + "\n").encode())
            put(fresh, *batch)
        os.write(pipe, b"{}\n")


def main(path: str, kills: int, seed: int) -> dict[str, object]:
    """Run the rounds."""
    rng = random.Random(seed)
    engine = open_embedded(path)
    engine.prepare(RECIPE)
    put(engine, *(replace(one, product=replace(one.product, price=0.0)) for one in make_documents(seed, 1500, plain=True)))
    engine.close()
    kept: dict[str, float] = {}
    acknowledged, rebuilt, landed, lost, faults = 0, 0, 0, [], []
    for round_ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            rebuild_for_ever(path, 1_000_000 * (round_ + 1), writing, seed)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            first = [told.readline() for _ in range(rng.randint(3, 40))]
            time.sleep(rng.uniform(0, 0.1))
            os.kill(child, signal.SIGKILL)
            landed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            batches = [json.loads(line) for line in [*first, *told.readlines()] if line.endswith(b"\n")]
        for batch in batches:
            kept.update(batch)
            acknowledged += len(batch)
            rebuilt += not batch
        engine = open_embedded(path)
        for name, found in zip(kept, engine.get(list(kept)), strict=True):
            if found is None or (found.product.price or 0) < kept[name]:
                lost.append((round_, name, kept[name]))
        if engine.status().documents != 1500:
            lost.append((round_, "documents", engine.status().documents))
        if round_ % 4 == 3:
            faults += engine.check()
        engine.close()
    files = sorted({one.split(".")[0] for one in os.listdir(path) if one.startswith("index-")})
    return {"acknowledged": acknowledged, "rebuilt": rebuilt, "kills": landed, "lost": lost, "faults": faults + files[1:]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
