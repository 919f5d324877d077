"""What the analysis of one picture of a megapixel costs by the default recipe, on one core, by stage: CPU milliseconds.

CPU time of the whole process, not the clock: others may use the machine meanwhile. Sessions are one thread wide and pictures come one by
one, so that it is also what a shopper waits for on an idle core.
"""

import io
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.bench import SAMPLE, Bench, cache_folder
from benchmarks.results import Bar, Chart, Found, Target
from lookalike.pictures.decode import PillowDecoder
from lookalike.vision import preparation
from lookalike.vision.colours import palettes_of
from lookalike.vision.efficientnet_lite.zoo import precision_here
from lookalike.vision.embedders import OnnxEmbedder
from lookalike.vision.marks import perceptual_hashes, quality_flags
from lookalike.vision.region import Region, find_region
from lookalike.vision.seeing import BASE_SIDE, NETWORKS, LocalSeer, open_seer, recipe_of
from lookalike.vision.words import shop_words

TITLE = "One picture"
ABOUT = (
    "CPU milliseconds of this process for a JPEG of a megapixel, from bytes to object, mask, colours, vector and tags, by the default "
    "recipe with one thread: median over pictures of the best of several rounds."
)
PIXELS = 1_000_000
QUALITY = 90
LIMIT_MS = 60.0
STAGES = ("decode", "reduce", "object and mask", "colours", "hash and flags", "network: vector and labels", "tags")


def measure(bench: Bench) -> Found:
    """Three kinds of pictures, all stages of each, and the sum as the program runs it."""
    found, most, rounds = Found(), bench.size(40, 6), bench.size(7, 2)
    embedder = OnnxEmbedder(NETWORKS["default"], cache_folder(), threads=1, activations=False)
    seer, decoder = LocalSeer(recipe_of("default"), embedder), PillowDecoder()
    bars: list[Bar] = []
    for kind, contents in _kinds(bench, most).items():
        bench.tell(f"one picture: {kind}")
        for content in contents[:2]:
            seer.analyse([(decoder.decode(content), None)])  # opens the network, fills the tables
        whole = [_everything(seer, decoder, content, rounds) for content in contents]
        each = [_stages(content, decoder, embedder, rounds) for content in contents]
        shown = {stage: statistics.median(one[stage] for one in each) for stage in STAGES}
        size = statistics.median(len(content) for content in contents) / 1000
        about = f"{len(contents)} pictures, {size:.0f} kB; 9 of 10 within {np.percentile(whole, 90):.1f} ms"
        found.add(f"{kind}: everything", statistics.median(whole), "ms", target=Target("≤", LIMIT_MS), what=about)
        for stage, took in shown.items():
            found.add(f"{kind}: {stage}", took, "ms")
            bars.append(Bar(kind, stage, took, "ours", f"{took:.2f} ms"))
    found.charts.append(Chart("analysis", "An analysis of a megapixel by stage, CPU ms on one core", "ms", tuple(bars)))
    for name, precision in (("default", "fp32"), ("quality", "auto")):
        bench.tell(f"one picture: {name}, {precision}")
        other = open_seer(name, cache_folder(), precision)
        other.warm_up()
        whole = [_everything(other, decoder, content, rounds) for content in contents]
        found.add(f"{kind}, recipe {name} in {precision_here(precision)}: everything", statistics.median(whole), "ms")
    found.notes.append(
        f"The network runs in {embedder.precision} where nothing else is said. `everything` is the program's own road; the stages are its "
        "parts called one by one, with the caches warm."
    )
    found.notes.append(
        "Photos and products are scaled up to a megapixel and have less detail than a camera's; the mosaic is four photos of a quarter of "
        "a megapixel each, with as much detail as a JPEG of this size has, for the decoder."
    )
    return found


def _kinds(bench: Bench, most: int) -> dict[str, list[bytes]]:
    """JPEGs of about a megapixel, by what is on them."""
    products = sorted(path for path in (SAMPLE / "pictures").glob("*.jpg") if path.stem.count("-") == 1)
    kinds = {"product on a plain ground": [_jpeg(_scaled(path)) for path in products[:: max(1, len(products) // most)][:most]]}
    if bench.shared is None:
        return kinds
    photos = sorted((bench.shared / "data" / "coco" / "tiny_coco" / "val2017").glob("*.jpg"))
    kinds["photo"] = [_jpeg(_scaled(path)) for path in photos[:most]]
    kinds["mosaic of four photos"] = [_jpeg(_mosaic([photos[(n + step) % len(photos)] for step in range(4)])) for n in range(0, most, 2)]
    return kinds


def _scaled(path: Path, pixels: int = PIXELS) -> Image.Image:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    scale = (pixels / (picture.width * picture.height)) ** 0.5
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


def _mosaic(paths: Sequence[Path]) -> Image.Image:
    side = round(PIXELS**0.5)
    made = Image.new("RGB", (side, side))
    for place, path in enumerate(paths):
        with Image.open(path) as opened:
            made.paste(opened.convert("RGB").resize((side // 2, side // 2)), (place % 2 * (side // 2), place // 2 * (side // 2)))
    return made


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _least(rounds: int, run: Callable[[], object]) -> float:
    """CPU milliseconds of the quickest round: what the others took longer was the machine's doing."""
    took: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        run()
        took.append((time.process_time() - began) * 1000)
    return min(took)


def _everything(seer: LocalSeer, decoder: PillowDecoder, content: bytes, rounds: int) -> float:
    return _least(rounds, lambda: seer.analyse([(decoder.decode(content), None)]))


def _stages(content: bytes, decoder: PillowDecoder, embedder: OnnxEmbedder, rounds: int) -> dict[str, float]:
    """CPU milliseconds of each part, called as `LocalSeer.analyse` calls it for one picture."""
    picture = decoder.decode(content)
    base = preparation.fitted(picture.pixels, BASE_SIDE)
    half = preparation.halved(base)
    quarter = preparation.halved(half)
    region: Region | None = find_region(quarter)
    seen = embedder.embed([base])[0]
    mask = None if region is None else region.mask
    runs: tuple[Callable[[], object], ...] = (
        lambda: decoder.decode(content),
        lambda: preparation.halved(preparation.halved(preparation.fitted(picture.pixels, BASE_SIDE))),
        lambda: find_region(quarter),
        lambda: palettes_of([(quarter, mask)]),
        lambda: (perceptual_hashes([quarter]), quality_flags(half, quarter, picture.width, picture.height)),
        lambda: embedder.embed([base]),
        lambda: shop_words().tags_of(np.stack([seen.label_scores])),
    )
    return {stage: _least(rounds, run) for stage, run in zip(STAGES, runs, strict=True)}


# As the program itself runs: OpenCV's own threads would be counted too.
cv2.setNumThreads(1)
