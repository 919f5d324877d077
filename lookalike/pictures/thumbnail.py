"""Pictures as a page shows them: reduced, upright, and never bytes that do not decode."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lookalike.pictures.decode import Limits, PillowDecoder
from lookalike.pictures.headers import format_of

SMALLEST, LARGEST = 16, 2048
"""Sides in pixels that can be asked for."""
_SHOWN_BY_BROWSERS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif", "AVIF": "image/avif"}
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes for a browser, with their media type."""

    content: bytes
    mimetype: str

    def __len__(self) -> int:
        return len(self.content)


def shown(content: bytes, side: int | None = None, limits: Limits | None = None) -> Shown:
    """The picture with its longer side reduced to `side` pixels, never enlarged, as JPEG.

    Without a side the bytes themselves, where browsers show that format; else a JPEG of at most `LARGEST` pixels.
    Raises: PictureUnreadable.
    """
    kind, _ = format_of(content)
    if side is None and kind in _SHOWN_BY_BROWSERS:
        PillowDecoder(limits, working_side=SMALLEST).decode(content)
        return Shown(content, _SHOWN_BY_BROWSERS[kind])
    wanted = side or LARGEST
    picture = Image.fromarray(np.ascontiguousarray(PillowDecoder(limits, working_side=wanted).decode(content).pixels))
    picture.thumbnail((wanted, wanted), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return Shown(out.getvalue(), "image/jpeg")
