"""Things that people put on top of pictures: a line of text, a logo, an icon. Sizes follow the picture's."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

CAPTION = "Spring Sale -20 %"
BRAND = "norda"
SMOOTH = 4
"""Shapes are drawn this many times larger and scaled down, so that their edges are smooth."""


def text(image: Image.Image) -> Image.Image:
    """Write a caption in white with a dark outline across the lower part."""
    picture = image.copy()
    draw = ImageDraw.Draw(picture)
    size = max(10.0, 0.1 * image.width)
    font = ImageFont.load_default(size)
    outline = max(1, round(size / 14))
    at = (image.width / 2, image.height * 0.9)
    draw.text(at, CAPTION, "white", font, anchor="ms", stroke_width=outline, stroke_fill="#202020")
    return picture


def logo(image: Image.Image) -> Image.Image:
    """Put a brand's badge into the upper left corner."""
    height = max(14, round(0.12 * min(image.size)))
    large = height * SMOOTH
    font = ImageFont.load_default(large * 0.6)
    width = round(font.getlength(BRAND) + large * 1.35)
    badge = Image.new("RGBA", (width, large))
    draw = ImageDraw.Draw(badge)
    draw.rounded_rectangle((0, 0, width - 1, large - 1), radius=large * 0.28, fill="#0b6e4f")
    inset = large * 0.2
    draw.ellipse((inset, inset, large - inset, large - inset), fill="#f5c518")
    draw.pieslice((inset, inset, large - inset, large - inset), 200, 20, fill="white")
    draw.text((large * 0.98, large * 0.72), BRAND, "white", font, anchor="ls")
    margin = round(height * 0.35)
    return _with(image, badge, (margin, margin))


def icon(image: Image.Image) -> Image.Image:
    """Put a play button into the middle, as video sites do."""
    side = round(0.24 * min(image.size))
    large = side * SMOOTH
    button = Image.new("RGBA", (large, large))
    draw = ImageDraw.Draw(button)
    draw.ellipse((0, 0, large - 1, large - 1), fill=(20, 20, 20, 190))
    triangle = [(large * 0.39, large * 0.28), (large * 0.39, large * 0.72), (large * 0.75, large * 0.5)]
    draw.polygon(triangle, fill=(255, 255, 255, 240))
    return _with(image, button, ((image.width - side) // 2, (image.height - side) // 2))


def _with(image: Image.Image, shape: Image.Image, at: tuple[int, int]) -> Image.Image:
    size = (shape.width // SMOOTH, shape.height // SMOOTH)
    picture = image.convert("RGBA")
    picture.alpha_composite(shape.resize(size, Image.Resampling.LANCZOS), at)
    return picture.convert("RGB")
