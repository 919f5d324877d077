"""How quick a network is on this machine, batch by batch."""

import time
from dataclasses import dataclass
from pathlib import Path

from lookalike.errors import NetworkRefused
from lookalike.vision.networks.canonical import pictures
from lookalike.vision.networks.network import How, Network
from lookalike.vision.networks.zoo import Zoo


@dataclass(frozen=True, slots=True)
class Measured:
    """Pictures a second in batches of `batch`, pre-processing included."""

    batch: int
    pictures_per_second: float


def bench(zoo: Zoo, name: str, batches: tuple[int, ...], seconds: float) -> tuple[str, tuple[str, ...], list[Measured]]:
    """(the device that was come to, why not another, a row for each batch size), `seconds` long each.

    A network that takes one picture at a time is measured with 1 alone. Raises: NetworkRefused, NotFound, UnknownPlugin.
    """
    card, path = zoo.card(name), zoo.path(name)
    shown = pictures()
    found: list[Measured] = []
    opened = _network(zoo, name, path, 1).opened()
    single = card.input.layout in ("CHW", "HWC") or card.input.size is None or isinstance(opened.session.get_inputs()[0].shape[0], int)
    for batch in (1,) if single else batches:
        network = _network(zoo, name, path, batch)
        rows = (shown * -(-batch // len(shown)))[:batch]
        try:
            network.run(rows)
        except NetworkRefused:
            if found:  # what fits the memory of a GPU ends somewhere
                break
            raise
        began, count = time.perf_counter(), 0
        while (took := time.perf_counter() - began) < seconds or count == 0:
            network.run(rows)
            count += batch
        found.append(Measured(batch, count / max(took, 1e-9)))
    return opened.device, opened.notices, found


def _network(zoo: Zoo, name: str, path: Path, batch: int) -> Network:
    return Network(zoo.card(name), path, None, How(zoo.how.devices, zoo.how.threads, batch))
