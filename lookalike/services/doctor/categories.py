"""Pictures that disagree with their category."""

import numpy as np
from numpy.typing import NDArray

from lookalike.services.doctor.findings import Finding
from lookalike.services.doctor.neighbours import Neighbours
from lookalike.services.doctor.ward import Ward

SUREST = 1.5
"""Nats by which another category must explain the neighbours better than the product's own.

Measured on fashion (135 categories, half for choosing, half for telling): 90 to 100 % of wrong categories are found, and 1.2 % of
the right ones are doubted. At 1.0 it is 3 %, at 2.0 it is .6 % and 85 %.
"""
_VOTERS = 15
_STEEPNESS = 6
"""A neighbour votes with its cosine to this power: the near ones count."""
_PRIOR = 2.0
_FLOOR = 1e-3


def disagreements(ward: Ward, neighbours: Neighbours) -> list[Finding]:
    """Products whose look-alikes are of another category, where that is not usual for theirs.

    A product's neighbours vote (its own vote is left out); the votes of all products of a category say what its neighbours
    usually are, so that tops among T-shirts are no surprise and a watch among shoes is. The surprise is the log-likelihood ratio
    between the best category and the product's own. After the idea of confident learning (Northcutt, Jiang & Chuang 2021), which
    asks which labels are systematically confused before it calls one wrong.
    """
    main = _main_pictures(ward)
    rows = np.array([row for row in main if ward.categories[int(ward.product[row])] is not None], np.int64)
    if len(rows) < 2 * _VOTERS or not neighbours.places.shape[1]:
        return []
    owner = ward.product[rows]
    names, label = np.unique([ward.categories[int(one)] for one in owner], return_inverse=True)
    if len(names) < 2:
        return []
    of_product = np.full(len(ward), -1, np.int64)
    of_product[owner] = label
    votes = _votes(ward, neighbours, rows, of_product, len(names))
    asked = votes.sum(axis=1) > 0
    sizes = np.bincount(label, minlength=len(names))
    usual = np.zeros((len(names), len(names)))
    np.add.at(usual, label, votes)
    usual = (usual + votes.mean(axis=0) * _PRIOR) / (sizes[:, None] + _PRIOR)
    evidence = votes @ np.log(usual + _FLOOR).T
    everyone = np.arange(len(rows))
    surprise = evidence.max(axis=1) - evidence[everyone, label]
    found: list[Finding] = []
    for row in np.flatnonzero((surprise >= SUREST) & asked):
        product, most = int(owner[row]), int(votes[row].argmax())
        better = most if most != label[row] else int(evidence[row].argmax())
        own = str(names[label[row]])
        message = f"It is filed under {own!r}, but {votes[row, most]:.0%} of what looks like it is {str(names[most])!r}."
        found.append(
            Finding(
                *(ward.ids[product], "category", message, "set", "category", own, str(names[better])),
                score=float(surprise[row]),
                picture=ward.first_reference(product),
            )
        )
    return found


def _main_pictures(ward: Ward) -> list[int]:
    first: dict[int, int] = {}
    for picture, product in enumerate(ward.product):
        if "blank" not in ward.quality[picture]:  # which is its own finding, and looks like nothing
            first.setdefault(int(product), picture)
    return list(first.values())


def _votes(
    ward: Ward, neighbours: Neighbours, rows: NDArray[np.int64], of_product: NDArray[np.int64], categories: int
) -> NDArray[np.float64]:
    places = neighbours.places[rows][:, :_VOTERS]
    weights = np.maximum(neighbours.cosines[rows][:, :_VOTERS], 0.0).astype(np.float64) ** _STEEPNESS
    voters = ward.product[places]
    told = of_product[voters]
    weights[(told < 0) | (voters == ward.product[rows][:, None])] = 0.0
    votes = np.zeros((len(rows), categories))
    for column in range(places.shape[1]):
        votes[np.arange(len(rows)), np.maximum(told[:, column], 0)] += weights[:, column]
    total = votes.sum(axis=1, keepdims=True)
    return votes / np.where(total > 0, total, 1.0)
