"""Boxes on a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the upright picture: 0 ≤ left < right ≤ 1, 0 ≤ top < bottom ≤ 1."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def parse(cls, value: object, at: str = "box") -> "Box":
        """The box that `[left, top, right, bottom]` means. Raises: InvalidInput, with the place."""
        if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) != 4:
            raise InvalidInput.at(at, "A box is a list of four numbers: [left, top, right, bottom], fractions of the picture.")
        numbers: list[float] = []
        for place, one in enumerate(value):
            if isinstance(one, bool) or not isinstance(one, int | float) or not abs(one) <= 1e9:  # a JSON integer may exceed any float
                raise InvalidInput.at(f"{at}[{place}]", "A box holds finite numbers between 0 and 1.")
            numbers.append(float(one))
        left, top, right, bottom = numbers
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise InvalidInput.at(at, f"Found {numbers}; a box needs 0 ≤ left < right ≤ 1 and 0 ≤ top < bottom ≤ 1.")
        return cls(left, top, right, bottom)

    @property
    def area(self) -> float:
        """The share of the picture that the box covers, 0…1."""
        return (self.right - self.left) * (self.bottom - self.top)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in pixels of a picture of that size: never empty."""
        left, top = min(int(self.left * width), width - 1), min(int(self.top * height), height - 1)
        right, bottom = math.ceil(self.right * width), math.ceil(self.bottom * height)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def shared(self, other: "Box") -> float:
        """The share of the picture that both cover, 0…1."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)

    def intersection_over_union(self, other: "Box") -> float:
        """How much two boxes agree, 0…1."""
        shared = self.shared(other)
        return shared / (self.area + other.area - shared)

    def edges(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom)."""
        return self.left, self.top, self.right, self.bottom

    def as_list(self) -> list[float]:
        """`[left, top, right, bottom]`, rounded to 1/10,000."""
        return [round(one, 4) for one in self.edges()]


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
