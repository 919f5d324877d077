"""Renders the sample shop: pictures, exact masks and the list of products. See README.md."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

import catalogue
import exr
import scene

ROOT = Path(__file__).resolve().parents[2]


def develop(planes: dict[str, np.ndarray]) -> Image.Image:
    """Linear light to a photograph: highlights roll off softly, then the sRGB curve."""
    light = np.stack([planes[f"ViewLayer.Combined.{c}"] for c in "RGB"], 2)
    light = np.clip(light, 0, 8)
    knee = 0.8
    light = np.where(light > knee, knee + (1 - knee) * (1 - np.exp(-(light - knee) / (1 - knee))), light)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return Image.fromarray((np.clip(curve, 0, 1) * 255 + 0.5).astype(np.uint8))


def stage(shot: catalogue.Shot) -> None:
    """Build the product and put camera, light and surroundings round it."""
    kind, rng = shot.product.kind, random.Random(shot.seed)
    kind.build(shot.product.plan.shape, shot.product.look)
    things = scene.clear_product()
    for thing in things:
        thing.pass_index = 1
    azimuth, elevation = kind.azimuth, kind.elevation
    if shot.view == "back" and kind.back is not None:
        # The product turns, not the camera: light and backdrop stay where they are.
        _turn(things, 180 if kind.wall else azimuth - kind.back)
    size = scene.extent(things)
    if shot.view in ("front", "back"):
        if not kind.wall:
            azimuth, elevation = azimuth + rng.uniform(-6, 6), elevation + rng.uniform(-3, 4)
        backdrop = rng.choices(["white", "grey", "warm"], [0.72, 0.18, 0.10])[0]
        scene.studio(size, backdrop, wall=kind.wall, floats=kind.floats)
        roll = rng.uniform(-4, 4) if kind.wall and shot.view == "back" else 0.0
        scene.camera(size, azimuth, elevation, kind.fill + rng.uniform(-0.03, 0.03), roll=roll)
        return
    surroundings = "peg" if kind.wall else kind.scene
    if shot.view == "scene":
        spread = 4 if kind.wall else 14
        scene.room(size, surroundings, rng, floats=kind.floats)
        scene.camera(
            size,
            azimuth + rng.uniform(-spread, spread),
            0 if kind.wall else max(elevation + rng.uniform(-6, 2), 5),
            rng.uniform(0.58, 0.68),
            60,
        )
        return
    scene.room(size, surroundings, rng, dusk=rng.random() < 0.55, floats=kind.floats)
    if not kind.wall and not kind.floats:
        scene.props(size, rng)
    spread = 11 if kind.wall else 32
    turned = max(-46, min(46, azimuth + rng.choice([-1, 1]) * rng.uniform(0.4, 1) * spread))
    scene.camera(
        size,
        turned,
        elevation + (rng.uniform(-7, 7) if kind.wall else rng.uniform(0, 14)),
        rng.uniform(0.5, 0.66),
        38,
        (rng.uniform(-0.12, 0.12), rng.uniform(-0.08, 0.08)),
        rng.uniform(-5, 5),
    )


def _turn(things, degrees: float) -> None:
    import mesh

    for thing in things:
        mesh.place(thing, turn=(0, 0, degrees))


def shoot(shot: catalogue.Shot, args: argparse.Namespace, folder: Path) -> None:
    scene.reset(args.size, args.samples, args.threads)
    stage(shot)
    bpy.context.scene.render.filepath = str(folder / "shot.exr")
    bpy.ops.render.render(write_still=True)
    planes = exr.read(folder / "shot.exr")
    target, mask = args.out / shot.path, args.masks / (Path(shot.path).stem + ".png")
    for path in (target, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    inside = planes["ViewLayer.Object Index.X" if "ViewLayer.Object Index.X" in planes else "ViewLayer.IndexOB.X"] > 0.5
    Image.fromarray((inside * 255).astype(np.uint8)).convert("1", dither=Image.Dither.NONE).save(mask, optimize=True)
    develop(planes).save(target, quality=args.quality, optimize=True)


def finish(everything, queries, args) -> None:
    """List only what has been rendered."""
    lines = []
    for product in everything:
        there = [shot.path for shot in product.shots if (args.out / shot.path).exists()]
        if product.shots[0].path in there:
            lines.append(json.dumps(product.record(there), ensure_ascii=False))
    (args.out / "products.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked = [
        json.dumps({"picture": shot.path, "product": shot.product.id})
        for shot in queries
        if (args.out / shot.path).exists() and (args.out / shot.product.shots[0].path).exists()
    ]
    (args.out / "queries.jsonl").write_text("\n".join(asked) + "\n" if asked else "", encoding="utf-8")
    total = sum(p.stat().st_size for folder in (args.out, args.masks) for p in folder.rglob("*") if p.is_file())
    print(f"{len(lines)} products, {len(asked)} queries, {total / 1e6:.2f} MB with masks")


def order(shots):
    """Interleave the kinds, so that an interrupted run still has all of them."""
    rank = {"front": 0, "back": 1, "scene": 2, "query": 3}
    turn: dict[str, int] = {}
    keyed = []
    for shot in shots:
        key = shot.product.kind.name + shot.view
        turn[key] = turn.get(key, 0) + 1
        keyed.append((turn[key] + (0 if shot.view in ("front", "back") else 3), rank[shot.view], shot))
    return [shot for _, _, shot in sorted(keyed, key=lambda k: k[:2])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["render", "finish"], nargs="?", default="render")
    parser.add_argument("--only", default="", help="comma-separated kinds or product ids")
    parser.add_argument("--views", default="front,back,scene,query")
    parser.add_argument("--part", default="1/1", help="this process's share of the work, such as 1/2")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quality", type=int, default=86)
    parser.add_argument("--again", action="store_true", help="render even what is already there")
    parser.add_argument("--out", type=Path, default=ROOT / "lookalike" / "sample_shop")
    parser.add_argument("--masks", type=Path, default=ROOT / "tests" / "data" / "sample_masks")
    args = parser.parse_args()
    everything = catalogue.products()
    queries = catalogue.queries(everything)
    if args.step == "finish":
        finish(everything, queries, args)
        return
    wanted = [w for w in args.only.split(",") if w]
    shots = order([shot for product in everything for shot in product.shots] + queries)
    shots = [
        s for s in shots if s.view in args.views.split(",") and (not wanted or s.product.kind.name in wanted or s.product.id in wanted)
    ]
    shots = shots[: args.limit] if args.limit else shots
    share, parts = map(int, args.part.split("/"))
    with tempfile.TemporaryDirectory() as folder:
        for shot in shots[share - 1 :: parts]:
            if (args.out / shot.path).exists() and not args.again:
                continue
            start = time.time()
            try:
                shoot(shot, args, Path(folder))
                print(f"{shot.path} {time.time() - start:.1f} s", flush=True)
            except Exception as error:  # one broken shape must not end an hour's run
                print(f"{shot.path} FAILED {error!r}", flush=True)
                if args.again:
                    raise


if __name__ == "__main__":
    main()
