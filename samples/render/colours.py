"""The colours a product can be named after, as the shop names them."""

from __future__ import annotations

NAMED: dict[str, str] = {
    "white": "#f2f1ee",
    "cream": "#efe4cd",
    "sand": "#d9c3a0",
    "beige": "#cdb598",
    "light grey": "#bdbdbb",
    "grey": "#8b8d8f",
    "charcoal": "#3d4044",
    "black": "#17181a",
    "navy": "#1d2c4f",
    "blue": "#2456a6",
    "sky blue": "#8fbfe0",
    "petrol": "#17515c",
    "teal": "#1f8a86",
    "mint": "#a9dac4",
    "sage": "#9cae8c",
    "green": "#2f7d46",
    "forest green": "#1f4a33",
    "olive": "#6f7038",
    "lime": "#a9c93a",
    "yellow": "#f3c92b",
    "mustard": "#cf9a22",
    "orange": "#e8762c",
    "terracotta": "#bd6041",
    "rust": "#9c4522",
    "coral": "#ee7b66",
    "red": "#c32a2b",
    "burgundy": "#6b1c2c",
    "pink": "#e68aa8",
    "blush": "#ecc4bb",
    "lilac": "#bca6d4",
    "purple": "#69408f",
    "brown": "#5e3d28",
    "tan": "#b98352",
    "denim blue": "#45618a",
    # Materials that are named instead of a colour.
    "oak": "#c79a62",
    "walnut": "#6d4527",
    "birch": "#dfc195",
    "black-stained": "#26211e",
    "brass": "#d8a94c",
    "copper": "#c8774f",
    "steel": "#b9bcc0",
    "gold": "#e0b04e",
    "clear": "#ffffff",
    "amber": "#d98a2b",
    "smoke": "#6b6f72",
    "natural": "#cdb083",
}

# What goes well with what, for stripes, dots and other second colours.
PARTNERS: dict[str, list[str]] = {
    "white": ["navy", "red", "sage", "black", "sky blue", "terracotta"],
    "cream": ["rust", "navy", "forest green", "burgundy", "brown"],
    "sand": ["white", "brown", "petrol"],
    "beige": ["white", "charcoal", "rust"],
    "light grey": ["white", "navy", "coral"],
    "grey": ["white", "yellow", "black"],
    "charcoal": ["white", "mustard", "light grey"],
    "black": ["white", "sand", "red"],
    "navy": ["white", "cream", "red", "sky blue"],
    "blue": ["white", "yellow"],
    "sky blue": ["white", "navy"],
    "petrol": ["cream", "mustard"],
    "teal": ["white", "cream"],
    "mint": ["white", "forest green"],
    "sage": ["cream", "white"],
    "green": ["white", "cream"],
    "forest green": ["cream", "mustard"],
    "olive": ["cream", "black"],
    "lime": ["white"],
    "yellow": ["white", "navy", "charcoal"],
    "mustard": ["cream", "navy"],
    "orange": ["white", "navy"],
    "terracotta": ["cream", "white"],
    "rust": ["cream", "sand"],
    "coral": ["white", "cream"],
    "red": ["white", "cream", "navy"],
    "burgundy": ["cream", "blush"],
    "pink": ["white", "burgundy"],
    "blush": ["white", "terracotta"],
    "lilac": ["white", "purple"],
    "purple": ["white", "lilac"],
    "brown": ["cream", "sky blue"],
    "tan": ["cream", "black"],
    "denim blue": ["white"],
}


def partner(rng, colour: str) -> str:
    return rng.choice(PARTNERS.get(colour, ["white"]))


def rgb(colour: str) -> tuple[int, int, int]:
    code = NAMED.get(colour, colour).lstrip("#")
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def linear(colour: str) -> tuple[float, float, float, float]:
    """The colour as the renderer wants it: linear light, with alpha."""
    out = []
    for part in rgb(colour):
        c = part / 255
        out.append(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
    return out[0], out[1], out[2], 1.0
