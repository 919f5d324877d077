"""What telling events costs a search: `python -m benchmarks.events [opensearch://HOST:9200/NAME]`.

The same server in one process answers the same searches, in turns without events and with them, so that whatever else the
machine does hits both alike. Printed are p50 of wall and of processor time, and what is added.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from flask.testing import FlaskClient

from lookalike.bootstrap import build
from lookalike.domain.product import Product
from lookalike.settings import load
from query_api.app import create_app

PRODUCTS, ROUNDS, EACH = 2_000, 60, 20
WORDS = ("red", "blue", "green", "shoe", "lamp", "chair", "vase", "mug")


def main(places: list[str]) -> None:
    """Print a line for each place of events."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        clients: dict[str, FlaskClient] = {}
        for place in ("off", f"file:{folder}/events", *places):
            index = Path(folder) / f"index-{len(clients)}.lookalike"
            house = opened.enter_context(build(load(index=str(index), events=place)))
            for number in range(PRODUCTS):
                title = f"{WORDS[number % 8]} {WORDS[number // 8 % 8]} {number}"
                house.keeper.put(Product(f"p{number}", title=title, price=float(number), brand=WORDS[number % 5]))
            clients[place.partition(":")[0]] = create_app(house).test_client()
        walls: dict[str, list[float]] = {name: [] for name in clients}
        cpus: dict[str, list[float]] = {name: [] for name in clients}
        for round_ in range(ROUNDS):
            for name, client in clients.items():
                for turn in range(EACH):
                    wall, cpu = timed(client, WORDS[(round_ + turn) % 8])
                    if round_ > 2:
                        walls[name].append(wall)
                        cpus[name].append(cpu)
        without = statistics.median(walls["off"]), statistics.median(cpus["off"])
        for name in clients:
            found = statistics.median(walls[name]), statistics.median(cpus[name])
            print(
                f"{name:10}  p50 {found[0]:.3f} ms, {found[0] - without[0]:+.3f} ms; "
                f"processor {found[1]:.3f} ms, {found[1] - without[1]:+.3f} ms a search"
            )


def timed(client: FlaskClient, word: str, clock: Callable[[], float] = time.perf_counter) -> tuple[float, float]:
    """Wall and this thread's processor time of one search, in ms."""
    began, used = clock(), time.thread_time()
    answer = client.post("/v1/search", json={"text": word, "facets": ["brand"], "filter": {"price": {"lt": 1_500}}})
    took = (clock() - began) * 1000, (time.thread_time() - used) * 1000
    assert answer.status_code == 200
    return took


if __name__ == "__main__":
    main(sys.argv[1:])
