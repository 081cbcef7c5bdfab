"""Edits that put something on a picture or around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont, ImageOps

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence


CAPTION = "Spring Sale -20 %"
BRAND = "norda"
SMOOTH = 4
"""Shapes are drawn this many times larger and scaled down, so that their edges are smooth."""


def caption(image: Image.Image, rng: random.Random) -> Image.Image:
    """A black bar with a line of text across the bottom."""
    image = image.copy()
    draw, bar = ImageDraw.Draw(image), round(image.height * 0.14)
    draw.rectangle([0, image.height - bar, image.width, image.height], fill=(0, 0, 0))
    text = rng.choice(["Summer sale: half price", "Breaking news", "Monday again", "(c) Our Studio"])
    draw.text(
        (image.width * 0.04, image.height - bar * 0.85), text, font=_font(bar * 0.6), fill=(255, 255, 255)
    )
    return image


def meme(image: Image.Image, rng: random.Random) -> Image.Image:
    """Large outlined text at top and bottom."""
    image = image.copy()
    draw, font = ImageDraw.Draw(image), _font(image.height * 0.11)
    for text, top in ((rng.choice(["ONE DOES NOT", "WHEN YOU SEE"]), 0.08), ("THE LAST LINE", 0.78)):
        place = image.width * 0.06, image.height * top
        draw.text(place, text, font=font, fill=(255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0))
    return image


def coloured_text(image: Image.Image, rng: random.Random) -> Image.Image:
    """A line of text in any colour straight on the picture, often as bright as what it covers."""
    image = image.copy()
    place = image.width * rng.uniform(0.05, 0.4), image.height * rng.uniform(0.1, 0.8)
    colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
    text = rng.choice(["new", "Only today", "3 for 2", "draft 17", "@somebody"])
    ImageDraw.Draw(image).text(place, text, font=_font(image.height * rng.uniform(0.05, 0.12)), fill=colour)
    return image


def logo(image: Image.Image, rng: random.Random, *, area: float) -> Image.Image:
    """An opaque label somewhere on the picture that covers this share of it."""
    image = image.copy()
    draw, side = ImageDraw.Draw(image), (image.width * image.height * area) ** 0.5
    width, height = side * 1.4, side / 1.4
    left = rng.uniform(0, max(1, image.width - width))
    top = rng.uniform(0, max(1, image.height - height))
    colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
    draw.rounded_rectangle([left, top, left + width, top + height], height / 5, fill=colour)
    draw.ellipse([left + 5, top + height * 0.2, left + 5 + height * 0.6, top + height * 0.8], fill=(255,) * 3)
    draw.text((left + width * 0.45, top + height * 0.3), "Label", font=_font(height * 0.3), fill=(255,) * 3)
    return image


def icon(image: Image.Image, rng: random.Random) -> Image.Image:
    """A round play button in the upper right corner."""
    image = image.copy()
    draw, side = ImageDraw.Draw(image), min(image.size) * 0.13
    left, top = image.width - side * 1.3, side * 0.3
    draw.ellipse([left, top, left + side, top + side], fill=(220, 30, 40))
    triangle = [(0.35, 0.25), (0.35, 0.75), (0.78, 0.5)]
    draw.polygon([(left + side * x, top + side * y) for x, y in triangle], fill=(255, 255, 255))
    return image


def watermark(image: Image.Image, rng: random.Random) -> Image.Image:
    """Half-transparent words all over."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw, font = ImageDraw.Draw(layer), _font(image.height * 0.07)
    for row, top in enumerate(range(0, image.height, max(8, round(image.height * 0.25)))):
        for left in range(-40, image.width, max(8, round(image.width * 0.42))):
            draw.text((left + 25 * row, top), "preview", font=font, fill=(255, 255, 255, 110))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def stripes(image: Image.Image, rng: random.Random) -> Image.Image:
    """Half-opaque diagonal stripes over the whole picture."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw, step = ImageDraw.Draw(layer), max(16, image.width // 8)
    colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256), 128)
    for left in range(-image.height, image.width, step):
        draw.line([(left, 0), (left + image.height, image.height)], fill=colour, width=step // 3)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def border(
    image: Image.Image,
    rng: random.Random,
    *,
    share: float = 0.08,
    colours: Sequence[str] = ("#ffffff", "#000000", "#c82828"),
) -> Image.Image:
    """A frame of one of the colours, as wide as this share of the shorter side."""
    return ImageOps.expand(image, round(min(image.size) * share), rng.choice(colours))


def letterbox(image: Image.Image, rng: random.Random) -> Image.Image:
    """Black bars to 16:9, or to a square where the picture is wider."""
    width, height = max(image.width, round(image.height * 16 / 9)), image.height
    if width == image.width:
        height = max(image.height, image.width)
    return ImageOps.pad(image, (width, height), color=(0, 0, 0))


def screenshot(image: Image.Image, rng: random.Random) -> Image.Image:
    """The picture inside the window of an application."""
    width, height = round(image.width * 1.45), round(image.height * 1.5)
    page = Image.new("RGB", (width, height), (250, 250, 250))
    draw = ImageDraw.Draw(page)
    draw.rectangle([0, 0, width, height * 0.09], fill=(50, 60, 90))
    draw.text((width * 0.02, height * 0.02), "Pictures", font=_font(height * 0.04), fill=(255, 255, 255))
    page.paste(image, (round(width * 0.05), round(height * 0.14)))
    for line in range(5):
        place = width * 0.05 + image.width + width * 0.03, height * (0.16 + 0.09 * line)
        draw.text(place, f"user {line}: nice", font=_font(height * 0.025), fill=(60, 60, 60))
    return page


def collage(image: Image.Image, rng: random.Random) -> Image.Image:
    """The picture beside two plain fields with text."""
    page = Image.new("RGB", (image.width * 3 // 2, image.height), (235, 225, 210))
    page.paste(image, (rng.choice([0, image.width // 2]), 0))
    return page


def headline(image: Image.Image, rng: random.Random) -> Image.Image:
    """Write a caption in white with a dark outline across the lower part."""
    picture = image.copy()
    draw = ImageDraw.Draw(picture)
    size = max(10.0, 0.1 * image.width)
    font = ImageFont.load_default(size)
    outline = max(1, round(size / 14))
    at = (image.width / 2, image.height * 0.9)
    draw.text(at, CAPTION, "white", font, anchor="ms", stroke_width=outline, stroke_fill="#202020")
    return picture


def badge(image: Image.Image, rng: random.Random) -> Image.Image:
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


def play_button(image: Image.Image, rng: random.Random) -> Image.Image:
    """Put a play button into the middle, as video sites do."""
    side = round(0.24 * min(image.size))
    large = side * SMOOTH
    button = Image.new("RGBA", (large, large))
    draw = ImageDraw.Draw(button)
    draw.ellipse((0, 0, large - 1, large - 1), fill=(20, 20, 20, 190))
    triangle = [(large * 0.39, large * 0.28), (large * 0.39, large * 0.72), (large * 0.75, large * 0.5)]
    draw.polygon(triangle, fill=(255, 255, 255, 240))
    return _with(image, button, ((image.width - side) // 2, (image.height - side) // 2))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


def _with(image: Image.Image, shape: Image.Image, at: tuple[int, int]) -> Image.Image:
    size = (shape.width // SMOOTH, shape.height // SMOOTH)
    picture = image.convert("RGBA")
    picture.alpha_composite(shape.resize(size, Image.Resampling.LANCZOS), at)
    return picture.convert("RGB")
