"""Bytes to an upright sRGB picture on white, with every limit checked before anything is decoded.

JPEG goes through libjpeg-turbo at the smallest scale that keeps `working_side` (fractional scaling in the DCT, without
aliasing, outside the GIL); whatever that refuses, and every other format, goes through Pillow, which has the last word.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lookalike.domain.picture import Picture, digest_of
from lookalike.errors import PictureUnreadable
from lookalike.pictures.headers import JpegHeader, announced_size, format_of, jpeg_header

READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF"
Pixels = NDArray[np.uint8]

# A scan of a progressive JPEG passes over all pixels; ordinary encoders write about ten.
SCANS_LIMIT = 200
PIXELS_SCANNED_LIMIT = 1_000_000_000
# Of a panorama, the longer side is kept at most so many times longer than `working_side`.
LONGER_TO_SHORTER = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before decoding: bytes, pixels of the original, its longer side."""

    bytes: int = 20 << 20
    pixels: int = 50_000_000
    side: int = 30_000


class PillowDecoder:
    """PictureDecoder of JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF; of an animation the first frame.

    `working_side`: pictures are reduced, never enlarged, to about this many pixels on the shorter side. Thread-safe.
    """

    def __init__(self, limits: Limits | None = None, working_side: int = 512) -> None:
        self.limits = limits or Limits()
        self.working_side = working_side

    def decode(self, content: bytes) -> Picture:
        """The picture, upright, sRGB, on white. Raises: PictureUnreadable and nothing else, whatever the bytes."""
        if not content:
            raise PictureUnreadable("empty", "The picture has no bytes.")
        if len(content) > self.limits.bytes:
            raise PictureUnreadable("too_large", f"The picture has {len(content):,} bytes; at most {self.limits.bytes:,} are read.")
        kind, foreign = format_of(content)
        if foreign:
            raise PictureUnreadable("unsupported_format", f"This is {foreign}. Send {READABLE}.")
        if not kind:
            raise PictureUnreadable("not_a_picture", f"These bytes are no picture: they begin with {content[:8]!r}. Send {READABLE}.")
        try:
            pixels, width, height = self._pixels(content, kind)
        except PictureUnreadable:
            raise
        except Image.DecompressionBombError as error:
            raise PictureUnreadable("too_many_pixels", f"The {kind} announces too many pixels: {error}") from error
        # Pillow's plugins raise nearly anything over damaged bytes: OSError, SyntaxError, struct.error, KeyError, …
        except Exception as error:
            raise PictureUnreadable("truncated", f"The {kind} is cut off or damaged: {_said(error)}") from error
        return Picture(pixels, width, height, digest_of(content), kind.lower())

    def _pixels(self, content: bytes, kind: str) -> tuple[Pixels, int, int]:
        if kind == "JPEG" and (header := jpeg_header(content)) is not None:
            self._check(header.width, header.height, kind)
            self._check_scans(content, header)
            fast = self._fast_jpeg(content, header)
            if fast is not None:
                return fast
        elif (size := announced_size(content, kind)) is not None:
            self._check(*size, kind)
        return self._by_pillow(content, kind)

    def _check(self, width: int, height: int, kind: str) -> None:
        if width < 1 or height < 1:
            raise PictureUnreadable("not_a_picture", f"The {kind} announces {width} × {height} pixels.")
        if width * height > self.limits.pixels or max(width, height) > self.limits.side:
            raise PictureUnreadable(
                "too_many_pixels",
                f"The {kind} announces {width:,} × {height:,} pixels; at most {self.limits.pixels:,} in all and "
                f"{self.limits.side:,} on a side are read. Send a smaller version.",
            )

    def _check_scans(self, content: bytes, header: JpegHeader) -> None:
        scans = content.count(b"\xff\xda", header.end)
        if scans > SCANS_LIMIT or scans * header.width * header.height > max(PIXELS_SCANNED_LIMIT, self.limits.pixels):
            raise PictureUnreadable("too_many_scans", f"The JPEG has {scans} scans and would take too long. Save it again with fewer.")

    def _fast_jpeg(self, content: bytes, header: JpegHeader) -> tuple[Pixels, int, int] | None:
        if header.components not in (1, 3) or header.bits != 8 or _needs_profile(header.icc):
            return None
        side = self.working_side if min(header.width, header.height) > self.working_side else 0
        try:
            pixels = simplejpeg.decode_jpeg(content, "RGB", min_height=side, min_width=side)
        except ValueError:
            return None
        width, height = header.width, header.height
        pixels = _upright(self._reduced(pixels), header.orientation)
        return (pixels, height, width) if header.orientation >= 5 else (pixels, width, height)

    def _by_pillow(self, content: bytes, kind: str) -> tuple[Pixels, int, int]:
        with Image.open(io.BytesIO(content), formats=[kind]) as picture:
            self._check(picture.width, picture.height, kind)
            width, height = picture.size
            if kind == "JPEG":
                scale = max(1.0, min(width, height) / self.working_side)
                picture.draft(None, (max(1, int(width / scale)), max(1, int(height / scale))))
            picture.load()
            orientation = _orientation(picture)
            pixels = _upright(self._reduced(_rgb(picture)), orientation)
        return (pixels, height, width) if orientation >= 5 else (pixels, width, height)

    def _reduced(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        scale = min(1.0, LONGER_TO_SHORTER * self.working_side / max(height, width))
        # libjpeg's scales come in eighths: what is at most a quarter too big stays as it is.
        if min(height, width) > self.working_side * 5 // 4:
            scale = min(scale, self.working_side / min(height, width))
        if scale == 1.0:
            return pixels
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _said(error: Exception) -> str:
    told = " ".join(str(error).split())[:200]
    return told or type(error).__name__


def _orientation(picture: Image.Image) -> int:
    try:
        turned = picture.getexif().get(0x0112, 1)
    # Damaged EXIF says nothing, but the picture may still be whole.
    except Exception:  # noqa: BLE001 - any error means the same here
        return 1
    return turned if isinstance(turned, int) and 1 <= turned <= 8 else 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undoes the EXIF orientation 1…8 (EXIF 2.32, table 4.6.4 A)."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _rgb(picture: Image.Image) -> Pixels:
    """The loaded frame in sRGB, transparency laid on white, deep pictures brought to 8 bits."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = Image.fromarray(_eight_bits(np.asarray(picture)))
    icc = picture.info.get("icc_profile") or b""
    if picture.mode in ("P", "PA", "LA", "La", "RGBa", "RGBX") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    coloured = _in_srgb(picture.convert("RGB") if alpha is not None else picture, icc)
    pixels = np.asarray(coloured)
    if alpha is None or alpha.getextrema() == (255, 255):
        return pixels
    cover = np.asarray(alpha, np.uint16)[:, :, None]
    return np.asarray((pixels * cover + 255 * (255 - cover) + 127) // 255, np.uint8)


def _eight_bits(deep: NDArray[Any]) -> Pixels:
    """Grey of 16 or 32 bits, or of floats, as 8 bits: 16 bits by their upper byte, floats of 0…1 times 255."""
    if deep.dtype.kind == "f":
        real = np.nan_to_num(deep.astype(np.float64), nan=0.0, posinf=1e9, neginf=0.0)
        return np.asarray(np.clip(real * 255 if real.max(initial=0) <= 1 else real, 0, 255), np.uint8)
    peak = int(deep.max(initial=0))
    if deep.dtype.itemsize == 2 or 255 < peak <= 65535:
        return np.asarray(np.clip(deep, 0, 65535) >> 8, np.uint8)
    return np.asarray(np.clip(deep >> 24 if peak > 65535 else deep, 0, 255), np.uint8)


def _needs_profile(icc: bytes) -> bool:
    """Is there a colour profile, and is it another than sRGB? (ICC v4 writes its name in UTF-16.)"""
    return bool(icc) and b"sRGB" not in icc and "sRGB".encode("utf-16-be") not in icc


def _in_srgb(picture: Image.Image, icc: bytes) -> Image.Image:
    if _needs_profile(icc) and picture.mode in ("RGB", "L", "CMYK", "LAB"):
        try:
            converted = ImageCms.applyTransform(picture, _transform(icc, picture.mode))
        # A damaged or unfitting profile: the colours as they are serve better than no picture.
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")


@lru_cache(maxsize=32)
def _transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(io.BytesIO(icc), ImageCms.createProfile("sRGB"), mode, "RGB")
