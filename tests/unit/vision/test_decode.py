"""The decoder: every format upright, in sRGB and on white; every hostile file refused with a reason."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from lookalike.domain.picture import digest_of
from lookalike.errors import PictureUnreadable
from lookalike.pictures.decode import Limits, PillowDecoder

DECODER = PillowDecoder()
GREEN = (40, 160, 60)


def corner_picture(width: int = 60, height: int = 40) -> Image.Image:
    """Green, with a red block in the upper left corner: turned pictures can be told apart."""
    picture = Image.new("RGB", (width, height), GREEN)
    picture.paste((200, 30, 30), (0, 0, width // 3, height // 3))
    return picture


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def near(pixel: np.ndarray, colour: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= tolerance)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_each_format_is_read(kind: str) -> None:
    """The same picture from seven formats, with its size, format and digest."""
    content = saved(corner_picture(), kind)
    picture = DECODER.decode(content)
    assert picture.pixels.shape == (40, 60, 3)
    assert picture.pixels.dtype == np.uint8
    assert (picture.width, picture.height, picture.format) == (60, 40, kind.lower())
    assert picture.digest == digest_of(content)
    assert near(picture.pixels[-3, -3], GREEN, 16)
    assert near(picture.pixels[3, 3], (200, 30, 30), 24)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_undone(orientation: int, kind: str) -> None:
    """Whatever the camera says, the red block ends up in the upper left corner of a 60 × 40 picture."""
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    picture = corner_picture()
    if orientation != 1:
        picture = picture.transpose(getattr(Image.Transpose, undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    told = DECODER.decode(saved(picture, kind, exif=exif))
    assert (told.width, told.height) == (60, 40)
    assert told.pixels.shape == (40, 60, 3)
    assert near(told.pixels[3, 3], (200, 30, 30), 24)
    assert near(told.pixels[-3, -3], GREEN, 16)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_each_mode_becomes_rgb(mode: str) -> None:
    """Grey, palette, alpha, CMYK, 16 bits, whole numbers and floats."""
    if mode in ("I;16", "I", "F"):
        deep = np.full((40, 60), 0.5 if mode == "F" else 128 * 257, {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])
        picture = DECODER.decode(saved(Image.fromarray(deep), "TIFF"))
        assert near(picture.pixels[20, 30], (128, 128, 128), 2)
        return
    grey = Image.new("RGB", (60, 40), (200, 200, 200))
    source = grey.convert("RGBA").convert(mode) if mode in ("PA", "RGBA") else grey.convert(mode)
    picture = DECODER.decode(saved(source, "TIFF" if mode in ("CMYK", "PA") else "PNG"))
    assert picture.pixels.shape == (40, 60, 3)
    if mode != "1":
        assert near(picture.pixels[20, 30], (200, 200, 200), 6)


def test_cmyk_jpeg_keeps_its_colours() -> None:
    """Adobe writes CMYK inverted; red stays red."""
    red = Image.new("RGB", (48, 48), (220, 20, 20)).convert("CMYK")
    assert near(DECODER.decode(saved(red, "JPEG", quality=95)).pixels[20, 20], (220, 20, 20), 14)


def test_transparency_lies_on_white() -> None:
    """Nothing is white, half is half."""
    layers = np.zeros((40, 40, 4), np.uint8)
    layers[:, 20:] = (0, 0, 0, 128)
    pixels = DECODER.decode(saved(Image.fromarray(layers), "PNG")).pixels
    assert near(pixels[5, 5], (255, 255, 255), 1)
    assert near(pixels[5, 30], (127, 127, 127), 2)


def test_first_frame_of_an_animation() -> None:
    frames = [corner_picture(), Image.new("RGB", (60, 40), (0, 0, 255))]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near(DECODER.decode(content).pixels[-3, -3], GREEN, 16)


def test_progressive_and_reduced() -> None:
    """A large progressive JPEG is decoded small, and remembers its size."""
    picture = DECODER.decode(saved(corner_picture(2400, 1600), "JPEG", progressive=True))
    assert (picture.width, picture.height) == (2400, 1600)
    assert 500 <= min(picture.pixels.shape[:2]) <= 700
    assert near(picture.pixels[10, 10], (200, 30, 30), 16)


def test_long_strip_stays_small() -> None:
    assert max(DECODER.decode(saved(Image.new("L", (1, 29_000)), "PNG")).pixels.shape) <= 2048


def test_colour_profile_is_applied() -> None:
    """A picture in another profile changes; one in sRGB does not; damaged profiles do no harm."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, srgb, b"sRG", b"\0" * 200):
        picture = DECODER.decode(saved(corner_picture(), "PNG", icc_profile=profile))
        assert near(picture.pixels[-3, -3], GREEN, 3)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*one) for one in chunks) + chunk(b"IEND", b"")


JPEG = saved(corner_picture(400, 300), "JPEG")
HOSTILE = {
    "empty": (b"", "empty"),
    "text": (b"hello " * 99, "not_a_picture"),
    "zeros": (bytes(4096), "not_a_picture"),
    "pdf": (b"%PDF-1.7\n" + bytes(100), "unsupported_format"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_format"),
    "html": (b"<!doctype html><html></html>", "unsupported_format"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(50), "unsupported_format"),
    "only the magic": (b"\xff\xd8\xff", "truncated"),
    "cut jpeg": (JPEG[: len(JPEG) // 2], "truncated"),
    "cut png": (saved(corner_picture(300, 300), "PNG")[:-60], "truncated"),
    "png of 50,000 square": (png(50_000, 50_000, (b"IDAT", b"x")), "too_many_pixels"),
    "png of 2^31 square": (png(2**31 - 1, 2**31 - 1), "too_many_pixels"),
    "png of size 0": (png(0, 0, (b"IDAT", zlib.compress(b""))), "not_a_picture"),
    "gif of 65,535 square": (b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(20), "too_many_pixels"),
    "bmp of 60,000 square": (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0),
        "too_many_pixels",
    ),
    "strip of 40,000": (png(40_000, 1, (b"IDAT", zlib.compress(bytes(120_001)))), "too_many_pixels"),
    "21 MB": (b"\xff\xd8\xff" + bytes(21 << 20), "too_large"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    content, reason = HOSTILE[name]
    with pytest.raises(PictureUnreadable) as caught:
        DECODER.decode(content)
    assert caught.value.reason == reason
    assert str(caught.value)


def test_text_bomb_in_png() -> None:
    """A megabyte hides 60: refused, not unpacked."""
    info = PngImagePlugin.PngInfo()
    info.add_text("x", "a" * (60 << 20), zip=True)
    with pytest.raises(PictureUnreadable):
        DECODER.decode(saved(corner_picture(), "PNG", pnginfo=info))


def test_many_scans_are_refused() -> None:
    with pytest.raises(PictureUnreadable) as caught:
        DECODER.decode(JPEG[:-2] + b"\xff\xda" * 500 + JPEG[-2:])
    assert caught.value.reason == "too_many_scans"


def test_limits_are_settings() -> None:
    with pytest.raises(PictureUnreadable) as caught:
        PillowDecoder(Limits(pixels=1000)).decode(JPEG)
    assert caught.value.reason == "too_many_pixels"


QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_MAGIC = "ffd8ffe0 89504e470d0a1a0a 474946383961 52494646000000005745425056503820 424d 49492a00 0000001c6674797061766966"
STARTS = st.sampled_from([b"", *map(bytes.fromhex, _MAGIC.split())])
WHOLE = [saved(corner_picture(), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")]


@QUIET
@given(STARTS, st.binary(max_size=400))
def test_random_bytes_raise_one_error(start: bytes, rest: bytes) -> None:
    """Whatever is sent, it is a picture or PictureUnreadable."""
    with contextlib.suppress(PictureUnreadable):
        DECODER.decode(start + rest)


@QUIET
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12), st.floats(0.3, 1))
def test_damaged_pictures_raise_one_error(content: bytes, changes: list[tuple[float, int]], kept: float) -> None:
    """Bytes turned and the end cut off."""
    damaged = bytearray(content[: int(len(content) * kept)])
    for place, value in changes:
        damaged[int(place * (len(damaged) - 1))] = value
    try:
        picture = DECODER.decode(bytes(damaged))
    except PictureUnreadable:
        return
    assert picture.pixels.ndim == 3
