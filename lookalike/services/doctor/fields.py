"""Fields that are missing, and prices that cannot be meant."""

from collections import Counter, defaultdict

import numpy as np

from lookalike.services.doctor.findings import Finding
from lookalike.services.doctor.ward import Ward

USUAL = 0.8
"""A field is expected where this share of the products has it. A catalogue without prices is a choice, not 5,000 faults."""
LEAST_PRICES = 8
"""Prices that a category needs before one of them can be called odd."""
FAR = 6.0
"""Robust deviations, of the logarithm, from the median (Iglewicz & Hoaglin 1993 take 3.5 for normal data; prices have longer tails)."""
_LEAST_SPREAD = 0.15
"""In logarithms: prices within 15 % of each other are alike, however alike the rest is."""


def missing_fields(ward: Ward) -> tuple[list[Finding], list[str]]:
    """Products that lack what nearly all others have; and, as notes, what the whole catalogue lacks."""
    counts = Counter(name for names in ward.missing for name in names)
    expected = {name for name in ("title", "description", "brand", "category", "price", "url") if counts[name] <= (1 - USUAL) * len(ward)}
    notes = [f"{count:,} of {len(ward):,} products have no {name}." for name, count in sorted(counts.items()) if name not in expected]
    found = [
        Finding(ward.ids[place], "missing field", f"It has no {name}.", "set", name, score=1 - counts[name] / len(ward))
        for place, names in enumerate(ward.missing)
        for name in names
        if name in expected
    ]
    return found, notes


def odd_prices(ward: Ward) -> list[Finding]:
    """Prices of zero where others cost something, and prices far from their category's median."""
    by: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, price in enumerate(ward.prices):
        if price is not None:
            by[ward.categories[place] or "", ward.currencies[place] or ""].append(place)
    found: list[Finding] = []
    for (category, currency), places in by.items():
        paid = np.array([ward.prices[place] for place in places], float)
        if np.count_nonzero(paid) < LEAST_PRICES:
            continue
        logs = np.log(np.where(paid > 0, paid, 1.0))
        middle = float(np.median(logs[paid > 0]))
        spread = max(_LEAST_SPREAD, float(np.median(np.abs(logs[paid > 0] - middle))) * 1.4826)
        for place, price, log in zip(places, paid, logs, strict=True):
            far = abs(log - middle) / spread if price > 0 else float("inf")
            if far < FAR:
                continue
            usual = f"{np.exp(middle):,.2f} {currency}".strip()
            message = f"It costs {price:,.2f} where {category or 'the catalogue'} costs about {usual}."
            found.append(
                Finding(
                    *(ward.ids[place], "price", message, "set", "price", f"{price:g}", _guess(float(price), float(np.exp(middle)), spread)),
                    score=min(far, 1e6),
                    picture=ward.first_reference(place),
                )
            )
    return found


def _guess(price: float, middle: float, spread: float) -> str:
    """The price with its point moved, where that makes it a usual one."""
    for factor in (100.0, 10.0, 1000.0):
        for tried in (price / factor, price * factor):
            if tried > 0 and abs(np.log(tried / middle)) <= 2 * spread:
                return f"{round(tried, 2):g}"
    return ""
