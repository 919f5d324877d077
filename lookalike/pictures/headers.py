"""What the first bytes of a picture say, before anything is decoded: its format, its size, its orientation."""

import struct
from dataclasses import dataclass

# What the browser or the shop may send that is a document, but not a picture that we read.
FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"%!PS", "a PostScript document"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"\x1aE\xdf\xa3", "a WebM or Matroska film"),
    (b"GIMP", "a GIMP document"),
)
JPEG_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def format_of(content: bytes) -> tuple[str, str]:
    """(format, "") for a picture that we read, ("", what it is) for something else that is known, else ("", "")."""
    head = content[:16]
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG", ""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", ""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP", ""
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF", ""
    if head[:2] == b"BM" and len(content) > 26 and content[14:18] in _BITMAP_HEADERS:
        return "BMP", ""
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "TIFF", ""
    if head[4:8] == b"ftyp":
        return ("AVIF", "") if content[8:12] in (b"avif", b"avis") else ("", _boxed(content[8:12]))
    for start, name in FOREIGN:
        if head.startswith(start):
            return "", name
    return "", _written(content[:1024])


_BITMAP_HEADERS = tuple(struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124))


def _boxed(brand: bytes) -> str:
    heif = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
    return "a HEIC picture" if brand in heif else "a film"


def _written(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text[:1024] and text.startswith(b"<"):
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith(b"<?xml"):
        return "an XML document"
    return ""


def announced_size(content: bytes, kind: str) -> tuple[int, int] | None:
    """(width, height) as the header of a PNG, GIF, BMP or WebP tells it; None where it must be asked of the decoder."""
    try:
        if kind == "PNG":
            width, height = struct.unpack_from(">II", content, 16)
        elif kind == "GIF":
            width, height = struct.unpack_from("<HH", content, 6)
        elif kind == "BMP":
            width, height = struct.unpack_from("<HH" if content[14] == 12 else "<ii", content, 18)
        elif kind == "WEBP" and content[12:16] == b"VP8X":
            width = int.from_bytes(content[24:27], "little") + 1
            height = int.from_bytes(content[27:30], "little") + 1
        else:
            return None
    except (struct.error, IndexError):
        return None
    return width, abs(height)


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What stands before the first scan of a JPEG. `icc` is the joined colour profile, or empty."""

    width: int
    height: int
    components: int
    bits: int
    orientation: int
    icc: bytes
    end: int


def jpeg_header(content: bytes) -> JpegHeader | None:
    """Walks the markers of a JPEG up to its first scan; None where they make no sense (the decoder then judges)."""
    at, size, orientation = 2, len(content), 1
    frame: tuple[int, int, int, int] | None = None
    profile: dict[int, bytes] = {}
    while at + 4 <= size:
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in JPEG_NO_LENGTH:
            at += 2
            continue
        if marker in (0xD8, 0xD9):
            return None
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        body = at + 4
        if marker in JPEG_FRAMES and length >= 8 and body + 6 <= size:
            frame = (*struct.unpack_from(">BHH", content, body), content[body + 5])
        elif marker == 0xE1 and content[body : body + 6] == b"Exif\0\0":
            orientation = exif_orientation(content[body + 6 : at + 2 + length])
        elif marker == 0xE2 and content[body : body + 12] == b"ICC_PROFILE\0" and length > 16:
            profile[content[body + 12]] = content[body + 14 : at + 2 + length]
        elif marker == 0xDA:
            if frame is None:
                return None
            bits, height, width, components = frame
            return JpegHeader(width, height, components, bits, orientation, b"".join(profile[n] for n in sorted(profile)), at)
        at += 2 + length
    return None


def exif_orientation(exif: bytes) -> int:
    """The orientation 1…8 of an EXIF block (a small TIFF file); 1 where it says nothing sensible."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(min(count, 512)):
            tag, kind, _number, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * entry)
            if tag == 0x0112:
                return int(value) if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
