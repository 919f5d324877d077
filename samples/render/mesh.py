"""Shapes from which the products are put together: turned, swept, lofted, boxed and extruded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bmesh
import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector

Point = Sequence[float]
TAU = 2 * math.pi


def add_mesh(name, verts, faces, material, uvs=None, smooth=True):
    """Make an object; `uvs` is one pair per face corner, in face order."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(map(float, v)) for v in verts], [], faces)
    if uvs is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", np.asarray(uvs, np.float32).ravel())
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    if material is not None:
        mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def place(thing, at=(0, 0, 0), turn=(0, 0, 0), scale=(1, 1, 1)):
    """Move and turn (degrees) by rewriting the mesh, so that later steps see plain coordinates."""
    scale = (scale,) * 3 if isinstance(scale, (int, float)) else scale
    angles = Euler([math.radians(a) for a in turn])
    matrix = Matrix.Translation(at) @ angles.to_matrix().to_4x4() @ Matrix.Diagonal((*scale, 1))
    thing.data.transform(matrix)
    return thing


def smooth_line(points: Sequence[Point], steps: int = 8, closed: bool = False) -> np.ndarray:
    """Catmull-Rom curve through the points."""
    pts = np.asarray(points, float)
    if closed:
        pts = np.vstack([pts[-1], pts, pts[:2]])
    else:
        pts = np.vstack([2 * pts[0] - pts[1], pts, 2 * pts[-1] - pts[-2]])
    out = []
    for a, b, c, d in zip(pts, pts[1:], pts[2:], pts[3:]):
        for t in np.linspace(0, 1, steps, endpoint=False):
            out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    if not closed:
        out.append(pts[-2])
    return np.array(out)


def lathe(profile, material, segments=72, name="turned", at=(0, 0, 0), squash=1.0):
    """Revolve (radius, height) pairs about z; u runs round once, v in the same scale."""
    prof = np.asarray(profile, float)
    prof[:, 0] = np.maximum(prof[:, 0], 1e-5)
    angles = np.linspace(0, TAU, segments, endpoint=False) + math.pi / 2
    verts = [(r * math.cos(a), squash * r * math.sin(a), z) for r, z in prof for a in angles]
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(prof, axis=0).T))])
    length /= TAU * max(prof[:, 0].max(), 1e-6)
    faces, uvs = [], []
    for i in range(len(prof) - 1):
        for j in range(segments):
            k = (j + 1) % segments
            faces.append((i * segments + j, i * segments + k, (i + 1) * segments + k, (i + 1) * segments + j))
            u0, u1 = j / segments, (j + 1) / segments
            uvs += [(u0, length[i]), (u1, length[i]), (u1, length[i + 1]), (u0, length[i + 1])]
    return place(add_mesh(name, verts, faces, material, uvs), at)


def wall(outer, thickness):
    """Profile of a vessel with a rounded lip from its outer profile (foot to lip)."""
    prof = np.asarray(outer, float)
    inner = []
    for i in range(len(prof) - 1, -1, -1):
        a, b = prof[max(i - 1, 0)], prof[min(i + 1, len(prof) - 1)]
        run = (b - a) / max(np.hypot(*(b - a)), 1e-9)
        inner.append(prof[i] + thickness * np.array([-run[1], run[0]]))
    floor = prof[:, 1].min() + thickness
    inner = [p for p in inner if p[0] > thickness * 0.3 and p[1] > floor]
    top = (prof[-1] + inner[0]) / 2 + [0, thickness * 0.45]
    closing = [(inner[-1][0] * f, floor) for f in (0.9, 0.5, 0.0)]
    start = [(0, prof[0][1])] if prof[0][0] > 1e-4 else []
    return np.vstack([np.array(start).reshape(-1, 2), prof, [top], inner, closing])


def rod(radius, height, material, at=(0, 0, 0), turn=(0, 0, 0), edge=None, top=None, segments=48):
    """Upright cylinder (or cone frustum with `top`) standing on `at`, edges rounded."""
    top = radius if top is None else top
    edge = min(radius, top, height) * 0.15 if edge is None else edge
    prof = [
        (0, 0),
        (radius - edge, 0),
        (radius - edge * 0.3, edge * 0.3),
        (radius, edge),
        (top, height - edge),
        (top - edge * 0.3, height - edge * 0.3),
        (top - edge, height),
        (0, height),
    ]
    # Doubled rings keep smooth shading from smearing over the flat ends.
    dense = [prof[0], (prof[1][0] * 0.97, 0), *prof[1:7], (prof[6][0] * 0.97, height), prof[7]]
    return place(lathe(dense, material, segments, "rod"), at, turn)


def box(size, material, at=(0, 0, 0), bevel=0.0, turn=(0, 0, 0), rounds=3):
    """Box centred on `at`, with beveled edges and box-projected texture coordinates."""
    mesh = bmesh.new()
    bmesh.ops.create_cube(mesh, size=1.0)
    bmesh.ops.scale(mesh, vec=size, verts=mesh.verts)
    if bevel > 0:
        bmesh.ops.bevel(mesh, geom=list(mesh.edges), offset=min(bevel, min(size) * 0.49), segments=rounds, affect="EDGES", profile=0.5)
    layer = mesh.loops.layers.uv.new("UVMap")
    for face in mesh.faces:
        lead = max(range(3), key=lambda i: abs(face.normal[i]))
        u, v = [(1, 2), (0, 2), (0, 1)][lead]
        for loop in face.loops:
            co = loop.vert.co
            loop[layer].uv = (co[u] / max(size) + 0.5, co[v] / max(size) + 0.5)
    data = bpy.data.meshes.new("box")
    mesh.to_mesh(data)
    mesh.free()
    data.polygons.foreach_set("use_smooth", [bevel > 0] * len(data.polygons))
    data.materials.append(material)
    thing = bpy.data.objects.new("box", data)
    bpy.context.scene.collection.objects.link(thing)
    if bevel > 0:
        keep = thing.modifiers.new("normals", "WEIGHTED_NORMAL")
        keep.keep_sharp = False
    return place(thing, at, turn)


def loft(rings, material, closed_ends=True, name="loft", uv_scale=None):
    """Skin rings of equal length; u runs round the ring, v along the rings by real length."""
    rings = np.asarray(rings, float)
    count, n = rings.shape[:2]
    centre = rings.mean(axis=1)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(rings, axis=0), axis=2).mean(1))])
    around = np.linalg.norm(rings - np.roll(rings, 1, axis=1), axis=2).sum(1).max()
    along = along / (uv_scale or around or 1.0)
    verts = rings.reshape(-1, 3).tolist()
    faces, uvs = [], []
    for i in range(count - 1):
        for j in range(n):
            k = (j + 1) % n
            faces.append((i * n + j, i * n + k, (i + 1) * n + k, (i + 1) * n + j))
            u0, u1 = j / n, (j + 1) / n
            uvs += [(u0, along[i]), (u1, along[i]), (u1, along[i + 1]), (u0, along[i + 1])]
    if closed_ends:
        for ring, flip in ((0, True), (count - 1, False)):
            verts.append(centre[ring].tolist())
            tip = len(verts) - 1
            for j in range(n):
                a, b = ring * n + j, ring * n + (j + 1) % n
                faces.append((b, a, tip) if flip else (a, b, tip))
                uvs += [(0.5, along[ring])] * 3
    return add_mesh(name, verts, faces, material, uvs)


def oval(width, depth, power=2.0, n=48) -> np.ndarray:
    """Super-ellipse outline in the plane; power 2 is an ellipse, 4 or more a rounded box."""
    a = np.linspace(0, TAU, n, endpoint=False) + math.pi / 2
    c, s = np.cos(a), np.sin(a)
    return np.stack([width / 2 * np.sign(c) * np.abs(c) ** (2 / power), depth / 2 * np.sign(s) * np.abs(s) ** (2 / power)], 1)


def tube(points, radius, material, closed=False, n=16, flat=1.0, steps=6, name="tube"):
    """Sweep a round (or, with `flat`, strap-like) section along a smooth curve."""
    line = smooth_line(points, steps, closed) if steps else np.asarray(points, float)
    radii = np.broadcast_to(np.asarray(radius, float), (len(points),))
    radii = np.interp(np.linspace(0, len(points) - 1, len(line)), range(len(points)), radii)
    if closed:
        tangents = np.roll(line, -1, 0) - np.roll(line, 1, 0)
    else:
        tangents = np.gradient(line, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True) + 1e-12
    side = Vector(tangents[0]).orthogonal().normalized()
    if abs(tangents[0][0]) < 0.95:  # start from the world x axis, so straps lie predictably
        side = Vector((1, 0, 0)) - Vector((1, 0, 0)).dot(Vector(tangents[0])) * Vector(tangents[0])
        side.normalize()
    rings, last = [], Vector(tangents[0])
    for p, t, r in zip(line, tangents, radii):
        t = Vector(t)
        side = last.rotation_difference(t) @ side
        up, last = t.cross(side), t
        ring = [
            np.array(p) + r * (math.cos(a) * np.array(side) + flat * math.sin(a) * np.array(up))
            for a in np.linspace(0, TAU, n, endpoint=False)
        ]
        rings.append(ring)
    if closed:
        rings.append(rings[0])
    return loft(rings, material, closed_ends=not closed, name=name)


def ball(radius, material, at=(0, 0, 0), scale=(1, 1, 1), rings=32):
    a = np.linspace(-math.pi / 2, math.pi / 2, rings)
    prof = np.stack([radius * np.cos(a), radius * np.sin(a)], 1)
    return place(lathe(prof, material, 2 * rings, "ball"), at, (0, 0, 0), scale)


def ring(radius, thick, material, at=(0, 0, 0), turn=(0, 0, 0), n=20, segments=72):
    a = np.linspace(0, TAU, n + 1)
    prof = np.stack([radius + thick * np.cos(a), thick * np.sin(a)], 1)
    return place(lathe(prof, material, segments, "ring"), at, turn)


def slab(outline, depth, material, bevel=0.0, at=(0, 0, 0), turn=(0, 0, 0), rounds=3):
    """Extrude an outline of the x-z plane along y (centred), with rounded edges."""
    mesh = bmesh.new()
    verts = [mesh.verts.new((x, -depth / 2, z)) for x, z in outline]
    face = mesh.faces.new(verts)
    if face.normal.dot(Vector((0, -1, 0))) < 0:
        face.normal_flip()
    pushed = bmesh.ops.extrude_face_region(mesh, geom=[face])
    moved = [v for v in pushed["geom"] if isinstance(v, bmesh.types.BMVert)]
    bmesh.ops.translate(mesh, vec=(0, depth, 0), verts=moved)
    bmesh.ops.recalc_face_normals(mesh, faces=list(mesh.faces))
    if bevel > 0:
        rim = [e for e in mesh.edges if e.calc_face_angle(0) > 0.9]
        bmesh.ops.bevel(mesh, geom=rim, offset=bevel, segments=rounds, affect="EDGES", profile=0.5)
    layer = mesh.loops.layers.uv.new("UVMap")
    xs, zs = [p[0] for p in outline], [p[1] for p in outline]
    size = max(max(xs) - min(xs), max(zs) - min(zs))
    for f in mesh.faces:
        for loop in f.loops:
            co = loop.vert.co
            loop[layer].uv = ((co.x - min(xs)) / size, (co.z - min(zs)) / size)
    data = bpy.data.meshes.new("slab")
    mesh.to_mesh(data)
    mesh.free()
    data.polygons.foreach_set("use_smooth", [bevel > 0] * len(data.polygons))
    data.materials.append(material)
    thing = bpy.data.objects.new("slab", data)
    bpy.context.scene.collection.objects.link(thing)
    if bevel > 0:
        thing.modifiers.new("normals", "WEIGHTED_NORMAL")
    return place(thing, at, turn)


def bar(a, b, radius, material, top=None, n=24):
    """Straight round bar between two points, thinner at the end when `top` is given."""
    a, b = Vector(a), Vector(b)
    thing = rod(radius, (b - a).length, material, top=top, segments=n)
    turn = Vector((0, 0, 1)).rotation_difference((b - a).normalized()).to_matrix().to_4x4()
    thing.data.transform(Matrix.Translation(a) @ turn)
    return thing


def soften(thing, levels=2):
    """Subdivision surface."""
    step = thing.modifiers.new("soft", "SUBSURF")
    step.levels = step.render_levels = levels
    return thing


def pillow(width, height, depth, material, n=40, pinch=0.06, power=0.42, dents=0.0, seed=0):
    """Stuffed square in the x-z plane, centred on the origin, with drawn-in sides and ears."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(-1, 1, (6, 4))
    grid = np.linspace(-1, 1, n)
    verts, faces, uvs = [], [], []
    for side in (-1, 1):
        for j in range(n):
            for i in range(n):
                u, v = grid[i], grid[j]
                swell = max((1 - u**4) * (1 - v**4), 0) ** power
                x = u * (1 - pinch * (1 - v * v)) * width / 2
                z = v * (1 - pinch * (1 - u * u)) * height / 2
                dent = sum(math.sin(3 * (a * u + b * v) + 3 * c) * d for a, b, c, d in waves)
                verts.append((x, side * depth / 2 * swell * (1 + dents * dent), z))
    for side in (0, 1):
        base = side * n * n
        for j in range(n - 1):
            for i in range(n - 1):
                quad = [base + j * n + i, base + j * n + i + 1, base + (j + 1) * n + i + 1, base + (j + 1) * n + i]
                quad = quad if side == 0 else quad[::-1]
                faces.append(tuple(quad))
                for q in quad:
                    q -= base
                    uvs.append(((q % n) / (n - 1), (q // n) / (n - 1)))
    return add_mesh("pillow", verts, faces, material, uvs)
