"""Kills writing processes at random moments and looks for what they had acknowledged. Prints one JSON object.

    python kill_writers.py FOLDER KILLS SEED

It forks before anything starts a thread, so that a round costs no interpreter start.
"""

import json
import os
import random
import signal
import sys
import time

from lookalike.domain.document import Document
from lookalike.domain.query import EngineQuery
from lookalike.engines.embedded import open_embedded, store, vectors
from lookalike.ports.engine import SearchEngine, Write
from lookalike.testing.documents import RECIPE, make_documents

BATCH, FEW = 100, 20


def write_for_ever(path: str, round_: int, pipe: int, documents: list[Document]) -> None:
    """Put, put again and remove; tell each acknowledged batch: id → version, or 0 where removed."""
    rng = random.Random(round_)
    engine = open_embedded(path)
    engine.prepare(RECIPE)
    while True:
        chosen = rng.sample(documents, BATCH if rng.random() < 0.8 else FEW)
        written = engine.put([Write(one) for one in chosen])
        told = {one.id: one.version for one in written}
        os.write(pipe, (json.dumps(told) + "\n").encode())
        if rng.random() < 0.2:
            gone = [one.id for one in chosen[:3]]
            engine.remove(gone)
            os.write(pipe, (json.dumps(dict.fromkeys(gone, 0)) + "\n").encode())


def main(path: str, kills: int, seed: int) -> dict[str, object]:
    """Run the rounds."""
    rng = random.Random(seed)
    store.CACHED_FROM, store._SAVED_AFTER, vectors.FILED_FROM = 1, (300, 300), 64  # so that kills meet files half written
    store._ON_TWO_CORES = BATCH  # whole batches are committed by a second thread, the others by the one that puts
    documents = make_documents(seed, 2000)
    kept: dict[str, int] = {}
    acknowledged, lost, faults, landed = 0, [], [], 0
    for round_ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            write_for_ever(path, round_, writing, documents)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            early = rng.random() < 0.15  # it is killed while it opens
            first = [told.readline() for _ in range(0 if early else rng.randint(5, 10))]
            time.sleep(rng.uniform(0, 0.2))
            os.kill(child, signal.SIGKILL)
            landed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            lines = [*first, *told.readlines()]
        batches = [json.loads(line) for line in lines if line.endswith(b"\n")]
        for batch in batches:
            kept.update(batch)
            acknowledged += len(batch)
        engine = open_embedded(path)
        for name, found in zip(kept, engine.get(list(kept)), strict=True):
            version = 0 if found is None else found.version
            # what was being written when the kill came may be there as well: then the version is a later one, or new
            if version < kept[name] and not (kept[name] and version == 0 and name in _last_ids(batches)):
                lost.append((round_, name, kept[name], version))
            kept[name] = version
        if round_ % 5 == 4:
            faults += engine.check()
        told = answers(engine, documents)
        engine.close()
        for one in os.listdir(path) if round_ % 3 == 2 else ():
            if one.endswith((".columns", ".vectors", ".colours")):
                os.unlink(os.path.join(path, one))
        engine = open_embedded(path)
        if answers(engine, documents) != told:
            faults.append(f"round {round_}: what was cached is not what the database says")
        engine.close()
    return {"acknowledged": acknowledged, "kills": landed, "lost": lost, "faults": faults, "products": len(kept)}


def answers(engine: SearchEngine, documents: list[Document]) -> list[object]:
    """What is answered from memory."""
    vectors_ = [one.seen[0].analysis.main.vector for one in documents if one.seen][:5]
    queries = [EngineQuery(limit=1000), *(EngineQuery(vector=one, weights={"picture": 1}, limit=50) for one in vectors_)]
    return [(page.total, [(hit.id, hit.score) for hit in page.hits]) for page in map(engine.search, queries)]


def _last_ids(batches: list[dict[str, int]]) -> set[str]:
    """Products of the last batch: their removal may have been done and not yet told."""
    return set(batches[-1]) if batches else set()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
