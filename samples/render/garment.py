"""Clothes as two panels cut from an outline, puffed up and creased like a garment on a form."""

from __future__ import annotations

import math

import numpy as np
from mathutils import Vector
from mathutils.geometry import delaunay_2d_cdt

import mesh


def dense(points, step=0.012) -> np.ndarray:
    """Points along a closed line, close enough for a smooth edge."""
    pts = np.asarray(points, float)
    out = []
    for a, b in zip(pts, np.roll(pts, -1, 0)):
        if np.linalg.norm(b - a) < 1e-6:
            continue
        n = max(1, int(np.linalg.norm(b - a) / step))
        out += [a + (b - a) * t / n for t in range(n)]
    return np.array(out)


def edge_distance(points: np.ndarray, line: np.ndarray, closed=True) -> np.ndarray:
    """Distance of each point from a polyline."""
    best = np.full(len(points), 1e9)
    ends = np.roll(line, -1, 0) if closed else line[1:]
    for a, b in zip(line if closed else line[:-1], ends):
        d = b - a
        t = np.clip(((points - a) @ d) / max(d @ d, 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - t[:, None] * d, axis=1))
    return best


def creases(x: np.ndarray, z: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    """Soft folds: a handful of bent, fading ridges in wandering directions, mostly downwards."""
    total = np.zeros_like(x)
    for _ in range(13):
        angle = rng.normal(0, 0.5)
        cx, cz = rng.uniform(x.min(), x.max()), rng.uniform(z.min(), z.max())
        across = (x - cx) * math.cos(angle) + (z - cz) * math.sin(angle)
        along = -(x - cx) * math.sin(angle) + (z - cz) * math.cos(angle)
        across = across + 0.35 * along**2 * rng.normal()
        wide, far = rng.uniform(0.012, 0.035), rng.uniform(0.08, 0.22)
        total += rng.uniform(-1, 1) * np.exp(-((across / wide) ** 2) - (along / far) ** 2)
    for _ in range(5):
        a, b = rng.normal(0, 9), rng.normal(0, 4)
        total += 0.22 * np.sin(a * x + b * z + rng.uniform(0, 6))
    return amount * total


def panel(outline, front: bool, material, thickness: float, seed: int, crease=0.006, grid=0.0125, swell=0.16, drape=0.0, uv_box=None):
    """One side of a garment in the x-z plane; bulges towards -y when it is the front."""
    line = dense(outline)
    low, high = line.min(0), line.max(0)
    gx, gz = np.meshgrid(np.arange(low[0], high[0], grid), np.arange(low[1], high[1], grid))
    inner = np.column_stack([gx.ravel(), gz.ravel()])
    inner[:, 0] += np.where((np.arange(len(inner)) // gx.shape[1]) % 2, grid / 2, 0)
    inner = inner[edge_distance(inner, line) > grid * 0.6]
    both = np.vstack([line, inner])
    edges = [(i, (i + 1) % len(line)) for i in range(len(line))]
    flat, _, faces, *_ = delaunay_2d_cdt([Vector(p) for p in both], edges, [], 1, 1e-6)
    pts = np.array([tuple(p) for p in flat])
    depth = edge_distance(pts, line)
    rise = thickness * np.sqrt(np.clip(1 - (1 - np.clip(depth / swell, 0, 1)) ** 2, 0, 1))
    rng = np.random.default_rng(seed + (0 if front else 99))
    rise += creases(pts[:, 0], pts[:, 1], rng, crease) * np.clip(depth / 0.03, 0, 1)
    if drape:  # vertical folds that open towards the hem, for skirts
        t = np.clip((high[1] - pts[:, 1]) / (high[1] - low[1]), 0, 1) ** 1.6
        wave = sum(np.sin(k * pts[:, 0] * 22 + rng.uniform(0, 6)) / k for k in (1, 1.7, 2.6))
        rise += drape * t * wave
    sign = -1 if front else 1
    verts = np.column_stack([pts[:, 0], sign * rise, pts[:, 1]])
    box = uv_box or (low[0], low[1], max(high - low))
    uvs = []
    tidy = []
    for face in faces:
        face = list(face)
        a, b, c = (pts[i] for i in face[:3])
        if ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0) != front:
            face.reverse()
        tidy.append(tuple(face))
        for i in face:
            u = (pts[i, 0] - box[0]) / box[2]
            uvs.append((u if front else 1 - u, (pts[i, 1] - box[1]) / box[2]))
    return mesh.add_mesh("panel", verts, tidy, material, uvs)


def trim(points, radius, material, y, flat=0.45, lift=None):
    """A band, such as a collar or a hem, along a line of the x-z plane."""
    pts = np.asarray(points, float)
    ys = np.full(len(pts), y) if np.isscalar(y) else np.asarray(y)
    line = np.column_stack([pts[:, 0], ys, pts[:, 1]])
    return mesh.tube(line, radius, material, n=12, flat=flat, steps=4)


def mirror(half) -> list[tuple[float, float]]:
    """Whole outline from its right half, listed from the top middle down to the bottom middle."""
    right = [tuple(p) for p in half]
    left = [(-x, z) for x, z in reversed(right) if abs(x) > 1e-9]
    return right + left
