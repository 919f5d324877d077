"""Surfaces: glaze, cloth, leather, wood, metal, glass and plastic, built as shader nodes."""

from __future__ import annotations

import bpy
import numpy as np
from PIL import Image

from colours import linear


def picture(image: Image.Image):
    """Hand a painted picture to the renderer."""
    image = image.convert("RGBA").transpose(Image.FLIP_TOP_BOTTOM)
    data = bpy.data.images.new("painted", image.width, image.height)
    data.pixels.foreach_set((np.asarray(image, np.float32) / 255).ravel())
    data.update()
    return data


class Nodes:
    """Small helper around one material's node tree."""

    def __init__(self, name: str):
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.out = self.tree.nodes.new("ShaderNodeOutputMaterial")
        self.shader = self.tree.nodes.new("ShaderNodeBsdfPrincipled")
        self.join(self.shader.outputs[0], self.out.inputs[0])

    def add(self, kind: str, **values):
        node = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in values.items():
            if hasattr(node, key):
                setattr(node, key, value)
            else:
                node.inputs[key.replace("_", " ")].default_value = value
        return node

    def join(self, a, b):
        self.tree.links.new(a, b)

    def set(self, **values):
        for key, value in values.items():
            self.shader.inputs[key.replace("_", " ")].default_value = value

    def coords(self, which="Object", scale=(1, 1, 1)):
        source = self.add("TexCoord")
        mapping = self.add("Mapping")
        mapping.inputs["Scale"].default_value = scale
        self.join(source.outputs[which], mapping.inputs[0])
        return mapping.outputs[0]

    def bump(self, height, strength, distance=0.002):
        node = self.add("Bump")
        node.inputs["Strength"].default_value = strength
        node.inputs["Distance"].default_value = distance
        if self.shader.inputs["Normal"].is_linked:
            self.join(self.shader.inputs["Normal"].links[0].from_socket, node.inputs["Normal"])
        self.join(height, node.inputs["Height"])
        self.join(node.outputs[0], self.shader.inputs["Normal"])

    def noise(self, scale, detail=3.0, stretch=(1, 1, 1), which="Object"):
        node = self.add("TexNoise", Scale=scale, Detail=detail)
        self.join(self.coords(which, stretch), node.inputs["Vector"])
        return node.outputs[0]


def _relief(n: Nodes, kind: str, scale: float, strength: float) -> None:
    """Weave, knitting, grain or ribs, as a bump on the surface."""
    if kind == "noise":
        n.bump(n.noise(scale), strength)
    elif kind == "weave":
        total = None
        for axis in ("X", "Z", "Y"):
            wave = n.add("TexWave", bands_direction=axis, Scale=scale, Distortion=0.6)
            n.join(n.coords(), wave.inputs["Vector"])
            if total is None:
                total = wave.outputs["Fac"]
            else:
                add = n.add("Math", operation="ADD")
                n.join(total, add.inputs[0])
                n.join(wave.outputs["Fac"], add.inputs[1])
                total = add.outputs[0]
        n.bump(total, strength, 0.001)
    elif kind == "grain":
        cells = n.add("TexVoronoi", Scale=scale)
        n.join(n.coords(), cells.inputs["Vector"])
        n.bump(cells.outputs["Distance"], strength, 0.0006)
    elif kind == "knit":  # ribs of loops: strong columns, crossed by weaker rows
        for axis, share, pitch in (("X", 1.0, 1.0), ("Z", 0.55, 1.25)):
            wave = n.add("TexWave", bands_direction=axis, Scale=scale * pitch, Distortion=1.2, Detail=1.0)
            n.join(n.coords(), wave.inputs["Vector"])
            n.bump(wave.outputs["Fac"], strength * share, 0.004)
    elif kind in ("rows", "columns"):
        wave = n.add("TexWave", bands_direction="Z" if kind == "rows" else "X", Scale=scale, Distortion=0.3)
        n.join(n.coords(), wave.inputs["Vector"])
        n.bump(wave.outputs["Fac"], strength, 0.003)


def surface(
    colour="white",
    image=None,
    rough=0.5,
    metal=0.0,
    coat=0.0,
    sheen=0.0,
    bump=None,
    repeat=(1, 1),
    uv="UVMap",
    grime=0.0,
    emit=0.0,
    specular=0.5,
    subsurface=0.0,
):
    """General material; `image` is a painted picture, `bump` is (kind, scale, strength)."""
    n = Nodes("surface")
    n.set(
        Roughness=rough,
        Metallic=metal,
        Coat_Weight=coat,
        Coat_Roughness=0.06,
        Sheen_Weight=sheen,
        Sheen_Roughness=0.5,
        Specular_IOR_Level=specular,
    )
    base = None
    if image is not None:
        source = n.add("UVMap")
        source.uv_map = uv
        mapping = n.add("Mapping")
        mapping.inputs["Scale"].default_value = (*repeat, 1)
        n.join(source.outputs[0], mapping.inputs[0])
        tex = n.add("TexImage", image=picture(image))
        n.join(mapping.outputs[0], tex.inputs[0])
        base = tex.outputs[0]
        n.join(base, n.shader.inputs["Base Color"])
    else:
        n.set(Base_Color=linear(colour))
    if grime:  # slight unevenness, so that large plain faces do not look computed
        mix = n.add("Mix", data_type="RGBA", blend_type="MULTIPLY")
        mix.inputs["Factor"].default_value = grime
        n.join(n.noise(7, 4), mix.inputs["B"])
        if base is not None:
            n.join(base, mix.inputs[6])
        else:
            mix.inputs[6].default_value = linear(colour)
        n.join(mix.outputs[2], n.shader.inputs["Base Color"])
    if emit:
        n.set(Emission_Color=linear(colour), Emission_Strength=emit)
    if subsurface:
        n.set(Subsurface_Weight=subsurface, Subsurface_Scale=0.02, Subsurface_Radius=(1, 0.6, 0.4))
    if bump:
        _relief(n, *bump)
    return n.material


def glaze(colour, image=None, shiny=True):
    return surface(colour, image, rough=0.18 if shiny else 0.5, coat=0.6 if shiny else 0.0, bump=("noise", 14, 0.05 if shiny else 0.12))


def cloth(colour, image=None, repeat=(1, 1), scale=260, strength=0.35):
    return surface(colour, image, rough=0.95, sheen=0.12, bump=("weave", scale, strength), repeat=repeat, specular=0.15)


def leather(colour):
    return surface(colour, rough=0.42, bump=("grain", 330, 0.35), specular=0.45, grime=0.15)


def plastic(colour, rough=0.32, image=None):
    return surface(colour, image, rough=rough)


def metal(colour="steel", rough=0.28):
    return surface(colour, rough=rough, metal=1.0)


def wood(colour="oak", axis="z", rough=0.45, scale=1.0):
    """Long grain along one axis: stretched noise gives the fibres, a wide one the growth rings."""
    n = Nodes("wood")
    n.set(Roughness=rough)
    stretch = [9 * scale, 9 * scale, 9 * scale]
    stretch["xyz".index(axis)] = 0.7 * scale
    fibre = n.noise(5, 7, tuple(4 * s for s in stretch))
    rings = n.noise(2.2, 3, tuple(stretch))
    mixed = n.add("Math", operation="MULTIPLY_ADD")
    mixed.inputs[1].default_value = 0.55
    n.join(fibre, mixed.inputs[0])
    half = n.add("Math", operation="MULTIPLY")
    half.inputs[1].default_value = 0.55
    n.join(rings, half.inputs[0])
    n.join(half.outputs[0], mixed.inputs[2])
    ramp = n.add("ValToRGB")
    r, g, b, _ = linear(colour)
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.36, 0.7
    ramp.color_ramp.elements[0].color = (r * 0.5, g * 0.46, b * 0.42, 1)
    ramp.color_ramp.elements[1].color = (min(r * 1.18, 1), min(g * 1.15, 1), min(b * 1.1, 1), 1)
    n.join(mixed.outputs[0], ramp.inputs[0])
    n.join(ramp.outputs[0], n.shader.inputs["Base Color"])
    n.bump(fibre, 0.08, 0.001)
    return n.material


def glass(colour="clear", rough=0.0, strength=1.0):
    """Glass that lets light through for shadows, so that it stands bright on white."""
    n = Nodes("glass")
    r, g, b, _ = linear(colour)
    tint = tuple(1 - strength * (1 - c) for c in (r, g, b)) + (1,)
    n.set(Base_Color=tint, Roughness=rough, Transmission_Weight=1.0, IOR=1.45)
    path, clear, mix = n.add("LightPath"), n.add("BsdfTransparent"), n.add("MixShader")
    clear.inputs[0].default_value = tuple(0.55 + 0.4 * c for c in tint[:3]) + (1,)
    n.join(path.outputs["Is Shadow Ray"], mix.inputs[0])
    n.join(n.shader.outputs[0], mix.inputs[1])
    n.join(clear.outputs[0], mix.inputs[2])
    n.join(mix.outputs[0], n.out.inputs[0])
    return n.material


def shade(colour, image=None, emit=0.25):
    """Lampshade cloth or paper with light behind it."""
    n = Nodes("shade")
    n.set(Roughness=0.9)
    if image is not None:
        tex = n.add("TexImage", image=picture(image))
        source = n.add("UVMap")
        source.uv_map = "UVMap"
        n.join(source.outputs[0], tex.inputs[0])
        n.join(tex.outputs[0], n.shader.inputs["Base Color"])
        n.join(tex.outputs[0], n.shader.inputs["Emission Color"])
    else:
        n.set(Base_Color=linear(colour), Emission_Color=linear(colour))
    n.set(Emission_Strength=emit)
    n.bump(n.noise(150, 2), 0.15, 0.001)
    return n.material
