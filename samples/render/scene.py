"""Camera, light and surroundings, all sized after the product that stands in them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

import materials
import mesh
import paint


def reset(size: int, samples: int, threads: int) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.view_settings.view_transform = "Standard"
    cycles = scene.cycles
    cycles.device, cycles.samples = "CPU", samples
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "FAST"
    # Three lights and a plain sky: the light tree and sky sampling cost more than they save.
    cycles.use_light_tree = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 10, 1, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 10, 8
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    layer = bpy.context.view_layer
    layer.use_pass_object_index = True
    image = scene.render.image_settings
    image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    image.use_exr_interleave = True  # one part, which is what exr.py reads
    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    world.cycles.sampling_method = "NONE"


@dataclass
class Extent:
    """Where the product is: its corner points (every vertex), middle and reach."""

    points: np.ndarray
    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reach: float


def extent(things) -> Extent:
    graph = bpy.context.evaluated_depsgraph_get()
    parts = []
    for thing in things:
        if thing.type != "MESH":
            continue
        done = thing.evaluated_get(graph)
        data = done.to_mesh()
        co = np.empty(len(data.vertices) * 3, np.float32)
        data.vertices.foreach_get("co", co)
        world = np.array(done.matrix_world)
        parts.append(co.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
        done.to_mesh_clear()
    points = np.vstack(parts)
    low, high = points.min(0), points.max(0)
    return Extent(points, (low + high) / 2, low, high, float(np.linalg.norm(high - low) / 2))


def camera(size: Extent, azimuth: float, elevation: float, fill=0.8, lens=75.0, shift=(0.0, 0.0), roll=0.0, focus=False):
    """Look at the product from a direction so that it fills a share of the picture."""
    a, e = math.radians(azimuth), math.radians(elevation)
    back = Vector((math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)))
    turn = back.to_track_quat("Z", "Y")
    frame = np.array(turn.to_matrix())
    half = 18.0 / lens
    centre = size.centre.copy()
    distance = size.reach * 4
    for _ in range(8):
        local = (size.points - (centre + distance * np.array(back))) @ frame
        flat = local[:, :2] / -local[:, 2:3]
        low, high = flat.min(0), flat.max(0)
        centre = centre + frame[:, :2] @ ((low + high) / 2 * distance)
        distance *= max(float((high - low).max()) / (2 * half * fill), 0.2)
    centre = centre + frame[:, :2] @ (np.array(shift) * distance * half * -2)
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width = lens, 36
    data.clip_start, data.clip_end = distance / 200, distance * 200
    if focus:
        data.dof.use_dof = True
        data.dof.focus_distance = distance
        data.dof.aperture_fstop = 2.2 / (distance / 0.8)
    eye = bpy.data.objects.new("camera", data)
    eye.location = Vector(centre) + distance * back
    eye.rotation_mode = "QUATERNION"
    eye.rotation_quaternion = turn
    if roll:
        from mathutils import Quaternion

        eye.rotation_quaternion = turn @ Quaternion((0, 0, 1), math.radians(roll))
    bpy.context.scene.collection.objects.link(eye)
    bpy.context.scene.camera = eye
    return distance


def lamp(at, target, width, power, colour=(1, 1, 1), height=None):
    data = bpy.data.lights.new("lamp", "AREA")
    data.shape, data.size, data.size_y = "RECTANGLE", width, height or width
    data.energy, data.color = power, colour
    thing = bpy.data.objects.new("lamp", data)
    thing.location = at
    thing.rotation_mode = "QUATERNION"
    thing.rotation_quaternion = (Vector(at) - Vector(target)).to_track_quat("Z", "Y")
    bpy.context.scene.collection.objects.link(thing)


def sky(low, high, seen=None):
    """Grey that grows lighter upwards for light and reflections; `seen` is what the camera sees."""
    tree = bpy.context.scene.world.node_tree
    tree.nodes.clear()
    out = tree.nodes.new("ShaderNodeOutputWorld")
    ground = tree.nodes.new("ShaderNodeBackground")
    tree.links.new(ground.outputs[0], out.inputs[0])
    coord, split = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeSeparateXYZ")
    spread = tree.nodes.new("ShaderNodeMapRange")
    spread.inputs["From Min"].default_value, spread.inputs["From Max"].default_value = -0.3, 0.9
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].color = (*[low] * 3, 1)
    ramp.color_ramp.elements[1].color = (*[high] * 3, 1)
    tree.links.new(coord.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs["Z"], spread.inputs["Value"])
    tree.links.new(spread.outputs[0], ramp.inputs[0])
    tree.links.new(ramp.outputs[0], ground.inputs["Color"])
    if seen is not None:
        path, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
        plain = tree.nodes.new("ShaderNodeBackground")
        plain.inputs["Color"].default_value = (*seen, 1)
        tree.links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
        tree.links.new(ground.outputs[0], mix.inputs[1])
        tree.links.new(plain.outputs[0], mix.inputs[2])
        tree.links.new(mix.outputs[0], out.inputs[0])


def _backdrop(tint, gain):
    """Paper that the camera sees brighter than it lights the product: white stays white."""
    n = materials.Nodes("backdrop")
    flat = n.add("BsdfDiffuse")  # far cheaper to compute than the general shader
    n.join(flat.outputs[0], n.out.inputs[0])
    path, mix = n.add("LightPath"), n.add("Mix", data_type="RGBA")
    n.join(path.outputs["Is Camera Ray"], mix.inputs["Factor"])
    mix.inputs[6].default_value = (0.75, 0.75, 0.75, 1)
    mix.inputs[7].default_value = (*[gain * c for c in tint], 1)
    n.join(mix.outputs[2], flat.inputs["Color"])
    return n.material


BACKDROPS = {"white": ((1, 1, 1), 1.45), "grey": ((0.8, 0.81, 0.82), 1.15), "warm": ((0.93, 0.87, 0.79), 1.2)}


def studio(size: Extent, backdrop="white", wall=False, floats=False):
    """Soft key light from the left, weak fill from the right, rim light from behind."""
    s, c = size.reach, Vector(size.centre)
    tint, gain = BACKDROPS[backdrop]
    paper = _backdrop(tint, gain)
    wide = 60 * s
    if wall:
        y = size.high[1] + 0.02 * s
        mesh.add_mesh("paper", [(-wide, y, -wide), (wide, y, -wide), (wide, y, wide), (-wide, y, wide)], [(0, 1, 2, 3)], paper)
    else:
        z, bend = size.low[2] - (1.3 * s if floats else 0), 9 * s
        far = size.high[1] + 5 * s
        prof = [(-wide, 0), (far, 0)]
        prof += [(far + bend * math.sin(t), bend * (1 - math.cos(t))) for t in np.linspace(0.1, 1.57, 14)]
        prof.append((far + bend, wide))
        verts = [(x, y, z + h) for y, h in prof for x in (-wide, wide)]
        faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(prof) - 1)]
        mesh.add_mesh("paper", verts, faces, paper)
    if wall:  # light that rakes across shows folds and knitting
        lamp(c + Vector((-3.0, -1.5, 2.3)) * s, c, 1.8 * s, 92 * s * s)
        lamp(c + Vector((3.0, -2.6, 0.6)) * s, c, 2.4 * s, 12 * s * s)
        sky(0.33, 0.62)
        return
    lamp(c + Vector((-2.3, -1.9, 3.0)) * s, c, 2.6 * s, 62 * s * s)
    lamp(c + Vector((3.2, -2.2, 1.3)) * s, c, 2.4 * s, 15 * s * s)
    lamp(c + Vector((0.9, 2.4, 3.2)) * s, c, 2.0 * s, 26 * s * s)
    sky(0.35, 0.75, seen=[min(1.0, gain * t) for t in tint])


def clear_product():
    return [t for t in bpy.context.scene.objects if t.type == "MESH"]


WALLS = ["#d8d3c8", "#c9d2d0", "#b9c4b4", "#d9c5b6", "#8d9aa1", "#e3dfd8", "#a7aFA0", "#c7b9c2", "#4f6168"]


def _top(rng: random.Random, timber: str, s: float):
    """What the table is made of: mostly wood, sometimes stone, paint or a table-cloth."""
    pick = rng.choices(["wood", "marble", "concrete", "painted", "cloth"], [0.5, 0.14, 0.12, 0.12, 0.12])[0]
    if pick == "wood":
        return materials.wood(timber, "x", scale=0.25 / s if s < 0.25 else 1)
    if pick == "marble":
        return materials.surface(image=paint.pattern("marbled", "#e9e7e2", "#b5b3b0", 4, rng.randrange(99)), rough=0.2, repeat=(2, 2))
    if pick == "concrete":
        return materials.surface("#a3a29e", rough=0.8, bump=("noise", 60 / max(s, 0.05), 0.15), grime=0.35)
    if pick == "painted":
        return materials.surface(rng.choice(["#e8e5de", "#7f8f83", "#33383c"]), rough=0.35)
    pattern, a, b = rng.choice([("checked", "#e9e4da", "#a8b3b8"), ("striped", "#e6dccb", "#8f4f3c"), ("plain", "#d9cfc0", "#d9cfc0")])
    return materials.surface(image=paint.pattern(pattern, a, b, 10), rough=0.95, repeat=(5, 5), specular=0.1)


def _floor(timber: str, s: float, wide: float, back: float, z: float) -> None:
    wood = materials.wood(timber, "x", scale=1.2)
    if s < 0.5:  # close to a small thing the floor is one surface; boards would be wider than it
        mesh.box((wide * 2, 20 * s, 0.1 * s), materials.wood(timber, "x"), (0, back - 10 * s, z - 0.05 * s))
        return
    for i in range(29):
        shift = ((i - 14) * 0.37) % 1 * 3
        mesh.box((wide * 2, 0.297 * s, 0.1 * s), wood, (shift, back - (0.15 + 0.3 * i) * s, z - 0.05 * s), 0.004 * s)


def room(size: Extent, kind: str, rng: random.Random, dusk=False, floats=False):
    """Simple surroundings: a table top before a wall, a floor with skirting, or a wall with a rail."""
    s, c = size.reach, Vector(size.centre)
    wall_paint = materials.surface(rng.choice(WALLS), rough=0.9, bump=("noise", 40 / max(s, 0.05), 0.06))
    timber = rng.choice(["oak", "walnut", "birch", "#a97c50", "#8a6239"])
    wide = 30 * s
    z, side = size.low[2] - (1.1 * s if floats else 0), rng.choice([-1, 1])
    if kind == "peg":
        y = size.high[1] + 0.03 * s
        mesh.box((wide, 0.2 * s, wide), wall_paint, (c.x, y + 0.1 * s, c.z))
        rail = materials.wood(timber, "x")
        mesh.box((wide, 0.06 * s, 0.16 * s), rail, (c.x, y - 0.03 * s, size.high[2] + 0.2 * s), 0.01 * s)
    elif kind == "floor":
        back = size.high[1] + rng.uniform(0.12, 0.3) * s
        _floor(timber, s, wide, back, z)
        mesh.box((wide * 2, 0.2 * s, wide), wall_paint, (0, back + 0.1 * s, z + wide / 2))
        white = materials.surface("white", rough=0.5)
        mesh.box((wide * 2, 0.03 * s, 0.16 * s), white, (0, back - 0.015 * s, z + 0.08 * s), 0.006 * s)
    else:
        back = size.high[1] + (0.6 if kind == "shelf" else rng.uniform(2.0, 3.5)) * s
        top = _top(rng, timber, s)
        deep = (0.6 + 1.5) * s if kind == "shelf" else 9 * s
        front = back - deep - (size.high[1] - size.low[1]) if kind == "shelf" else back - 12 * s
        thick = 0.16 * s
        mesh.box((wide * 2, back - front, thick), top, (0, (back + front) / 2, z - thick / 2), 0.02 * s)
        mesh.box((wide * 2, 0.2 * s, 2 * wide), wall_paint, (0, back + 0.1 * s, z))
    warm = (1.0, 0.82, 0.62) if dusk else (1.0, 0.96, 0.9)
    lamp(c + Vector((-2.6 * side, -2.2, 2.4)) * s, c, (1.1 if dusk else 1.7) * s, (125 if dusk else 120) * s * s, warm)
    lamp(c + Vector((3.0 * side, -3.0, 1.5)) * s, c, 3 * s, (16 if dusk else 30) * s * s, (0.8, 0.9, 1.0))
    sky(0.3, 0.5) if dusk else sky(0.55, 0.8)


def props(size: Extent, rng: random.Random):
    """A few blurred neighbours for the shopper's own photographs."""
    s = size.reach
    for _ in range(rng.choice([2, 2, 3, 4])):
        colour = rng.choice(["white", "terracotta", "petrol", "mustard", "sage", "charcoal", "blush", "brown"])
        x = rng.choice([-1, 1]) * rng.uniform(0.8, 1.9) * s
        y = size.high[1] + rng.uniform(0.5, 1.3) * s
        z = size.low[2]
        pick = rng.choice(["books", "pot", "block", "ball"])
        if pick == "books":
            for k in range(rng.choice([2, 3, 4])):
                mesh.box(
                    (0.9 * s, 0.65 * s, 0.14 * s),
                    materials.surface(rng.choice(["navy", "rust", "cream", "sage", "burgundy"])),
                    (x, y, z + (0.07 + 0.142 * k) * s),
                    0.012 * s,
                    (0, 0, rng.uniform(-14, 14)),
                )
        elif pick == "pot":
            mesh.lathe(
                [(0, z), (0.25 * s, z), (0.36 * s, z + 0.3 * s), (0.28 * s, z + 0.66 * s), (0.2 * s, z + 0.9 * s)],
                materials.glaze(colour),
                at=(x, y, 0),
            )
        elif pick == "ball":
            mesh.ball(0.3 * s, materials.plastic(colour), (x, y, z + 0.3 * s))
        else:
            mesh.box((0.5 * s, 0.5 * s, rng.uniform(0.4, 1.1) * s), materials.cloth(colour), (x, y, z + 0.3 * s), 0.04 * s)
