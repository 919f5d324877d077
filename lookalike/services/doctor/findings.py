"""What the doctor says: one finding for each fault, and the report that holds them all."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_NAMED = 20
"""Products that `Report.as_json` names for each kind of finding; `details` holds every one."""

KINDS: Mapping[str, str] = {
    "same picture": "Another product has the very same picture file.",
    "near duplicate": "Another product shows the same picture, encoded, scaled or cropped anew.",
    "placeholder": "A stand-in: a picture that many products share, or one that shows no product.",
    "blank": "The picture is one flat area.",
    "blurred": "The picture is out of focus.",
    "tiny": "The picture has too few pixels to show or to compare.",
    "no picture": "The product has no picture.",
    "unread": "A picture could not be read when the product was indexed.",
    "picture gone": "The picture's file is no longer there.",
    "category": "The products that look like it are of another category.",
    "missing field": "Nearly all products have this field, this one has not.",
    "price": "The price is far from what its category costs.",
    "not found": "Its own picture does not bring it back first.",
}
"""Every kind of finding with what it means, the gravest for a shopper first within its kind's group."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one product, and what would mend it.

    `action`: remove, set, replace (the picture) or look. For `set`, `field` goes from `found` to `suggested`.
    `others` are products that the evidence speaks of. `score` orders findings of a kind, the surest first.
    """

    id: str
    kind: str
    message: str
    action: str = "look"
    field: str = ""
    found: str = ""
    suggested: str = ""
    others: tuple[str, ...] = ()
    score: float = 0.0
    picture: str | None = None
    other_picture: str | None = None

    def as_json(self) -> dict[str, object]:
        """For `doctor --json`."""
        told = {name: getattr(self, name) for name in ("id", "kind", "message", "action", "field", "found", "suggested")}
        return told | {"others": list(self.others), "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found in `documents` products. `faults` are the index's own, `notes` what was measured or left out."""

    documents: int
    faults: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def flagged(self) -> int:
        """Products with at least one finding."""
        return len({one.id for one in self.findings})

    def of(self, kind: str) -> list[Finding]:
        """The findings of a kind, the surest first."""
        return sorted((one for one in self.findings if one.kind == kind), key=lambda one: (-one.score, one.id))

    def as_json(self) -> dict[str, Any]:
        """Counts, the first products of each kind, and every finding."""
        kinds = {kind: self.of(kind) for kind in KINDS}
        return {
            "documents": self.documents,
            "flagged": self.flagged,
            "faults": list(self.faults),
            "findings": {kind: len({one.id for one in found}) for kind, found in kinds.items() if found},
            "products": {kind: list(dict.fromkeys(one.id for one in found))[:MOST_NAMED] for kind, found in kinds.items() if found},
            "notes": list(self.notes),
            "details": [one.as_json() for found in kinds.values() for one in found],
        }

    def fixes(self) -> Iterator[str]:
        """The suggested fixes as lines of CSV (RFC 4180), with a header. A cell that a spreadsheet would take for a formula
        gets an apostrophe before it (OWASP, CSV injection)."""
        yield _row(("id", "finding", "action", "field", "found", "suggested", "others", "evidence"))
        for kind in KINDS:
            for one in self.of(kind):
                yield _row((one.id, kind, one.action, one.field, one.found, one.suggested, " ".join(one.others), one.message))


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue()
