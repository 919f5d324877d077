"""`lookalike models import gluoncv:NAME`: a network of GluonCV's as ONNX, with the proof that it says the same."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookalike.vision.networks.zoo import Zoo

PREFIX = "gluoncv:"


def import_gluon(
    zoo: "Zoo", source: str, params: Path | None, seed: int | None, *, pictures: int, proposals: int, overwrite: bool, as_json: bool
) -> None:
    """Export, prove, install, keep what it says for `check`, and print the proof. Raises: as `importing.import_network`."""
    import dataclasses

    from lookalike.vision.gluon.importing import import_network
    from lookalike.vision.networks.canonical import remember

    done = import_network(source.removeprefix(PREFIX), zoo, params, seed, pictures=pictures, proposals=proposals, overwrite=overwrite)
    remember(zoo, done.card.name)
    size, folder = done.card.files.network.bytes or 0, zoo.folder / done.card.name
    if as_json:
        proof = [dataclasses.asdict(one) for one in done.proof]
        print(json.dumps({"name": done.card.name, "folder": str(folder), "bytes": size, "proof": proof}))
        return
    print(f"{'output':<10} {'pictures':>8} {'compared':>10} {'spread':>9} {'max |Δ|':>9} {'apart':>6} {'ties':>5}")
    for one in done.proof:
        line = f"{one.output:<10} {one.pictures:>8} {one.compared:>10,} {one.spread:>9.1e}"
        print(f"{line} {one.difference:>9.1e} {one.apart:>6} {one.ties:>5}")
    print(f"{done.card.name} ({size / 1e6:,.0f} MB) is installed in {folder}.")
