"""From GluonCV to the zoo: build, export, prove, install. Needs the environment of `make gluon`."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import InvalidSetting, NetworkRefused
from lookalike.vision.gluon.cards import card_of
from lookalike.vision.gluon.networks import network_named
from lookalike.vision.networks.card import Card
from lookalike.vision.networks.zoo import Zoo

if TYPE_CHECKING:
    from lookalike.vision.gluon.equality import Equality


@dataclass(frozen=True, slots=True)
class Imported:
    """A network that is installed now, and the proof of it: one line an output."""

    card: Card
    proof: "list[Equality]"


def import_network(
    name: str, zoo: Zoo, weights: Path | None, seed: int | None = None, *, pictures: int = 2, proposals: int = 0, overwrite: bool = False
) -> Imported:
    """Export a network of GluonCV's, prove that the export says the same on random pictures, and only then install it.

    `weights`: GluonCV's .params file; without one, `seed` makes weights that see nothing. `proposals`: of Faster R-CNN, fewer than
    GluonCV's 1,000 cost less time. Raises: InvalidSetting, MissingDependency, NetworkRefused where the proof fails.
    """
    network = network_named(name)
    if weights is None and seed is None:
        raise InvalidSetting(f"Say where the weights of {name} lie: --params {name}.params. (--seed 1 makes random ones, to try the road.)")
    if proposals:
        if not network.proposals:
            raise InvalidSetting(f"{name} makes no proposals; only Faster R-CNN does.")
        network = replace(network, proposals=proposals)

    from lookalike.vision.gluon.conversion import to_onnx, versions_of_exporter
    from lookalike.vision.gluon.equality import prove
    from lookalike.vision.gluon.runtime import with_weights
    from lookalike.vision.gluon.seeded import seeded

    block = seeded(network, seed or 0) if weights is None else with_weights(network, weights)
    told = f"random weights of seed {seed}" if weights is None else f"weights {weights.name}"
    with tempfile.TemporaryDirectory(prefix="lookalike-gluon-") as folder:
        file = Path(folder) / "network.onnx"
        file.write_bytes(to_onnx(block, network).SerializeToString())
        proof = prove(block, network, file, pictures=pictures)
        if broken := [one for one in proof if not one.holds]:
            worst = broken[0]
            raise NetworkRefused(
                f"The export of {name} does not say the same as GluonCV: {worst.output} differ by {worst.difference:.1e}, {worst.apart} of "
                f"{worst.compared:,} are apart, spread {worst.spread:.1e}. Nothing was installed."
            )
        worst_difference = max(one.difference for one in proof)
        notes = f"Exported by {versions_of_exporter()}; equal to GluonCV's on {pictures} random pictures to {worst_difference:.0e}."
        card = zoo.add(card_of(network, file, told, notes), {"network": file}, replace=overwrite)
    return Imported(card, proof)
