"""Page tokens: where the page before ended, as an opaque string that notices damage."""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass

from lookalike.domain.values import Scalar
from lookalike.errors import InvalidInput

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Position:
    """The last product of a page: its place in the order, and its id, which breaks ties.

    `kind` names the order ("score", "prefix", "field", "offset"), so that a token of another search is noticed. `key` is
    the score, the value sorted by (None: the product lacks it), or the number of products passed. `start` and `segment` are
    for engines that find the order piece by piece.
    """

    kind: str
    key: Scalar | None
    id: str = ""
    start: int = 0
    segment: int = 0

    def token(self) -> str:
        """The string for `EnginePage.next`."""
        told = json.dumps([self.kind, self.key, self.id, self.start, self.segment], ensure_ascii=True, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(zlib.crc32(told).to_bytes(4, "big") + told).decode().rstrip("=")

    @classmethod
    def read(cls, token: str, *kinds: str) -> "Position":
        """The position that a token of one of `kinds` means. Raises: InvalidInput at "cursor"."""
        try:
            if len(token) > _LONGEST:
                raise ValueError("too long")
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
            if zlib.crc32(raw[4:]).to_bytes(4, "big") != raw[:4]:
                raise ValueError("checksum")
            kind, *rest = json.loads(raw[4:])
        except (ValueError, binascii.Error, UnicodeError, TypeError) as error:
            raise InvalidInput.at("cursor", "This is no cursor of ours, or it is damaged. Start again without one.") from error
        if kind not in kinds:
            raise InvalidInput.at("cursor", "This cursor belongs to a search in another order. Start again without one.")
        return cls(kind, *rest)
