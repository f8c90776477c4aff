"""The journal's pictures: one drawn scene for each post, saved as JPEG without any metadata."""

import math
import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from outlast.steps.sample import paint

WIDTH, HEIGHT = 1200, 800
"""A picture's size, in pixels."""

_SIZE = (WIDTH, HEIGHT)


def _first_walk() -> Image.Image:
    """Draw mountains behind mountains, and the sun comes up."""
    rng = paint.seeded(1)
    image = paint.gradient(
        _SIZE, (0.0, (112, 142, 176)), (0.35, (222, 196, 178)), (0.62, (250, 222, 190))
    )
    paint.glow(image, (770, 318), 520, (255, 236, 200), 0.9, core=0.14, halo=0.5)
    near, far, mist = (32, 58, 70), (170, 172, 184), (240, 218, 196)
    for n in range(6):
        depth = n / 5
        crest = paint.mix(far, near, depth)
        foot = paint.mix(crest, mist, 0.75 * (1 - depth * 0.8))
        skyline = paint.ridge(rng, WIDTH, 360 + 82 * n, 70 + 14 * n, 0.54 - 0.02 * n)
        paint.lay(image, skyline, crest, foot)
    return image


def _second_door() -> Image.Image:
    """Draw a village on a slope at night; behind a few windows somebody is awake."""
    rng = paint.seeded(2)
    image = paint.gradient(_SIZE, (0.0, (12, 18, 42)), (0.5, (36, 48, 86)), (0.8, (74, 76, 110)))
    for _ in range(170):
        at = rng.uniform(0, WIDTH), rng.uniform(0, 360)
        paint.glow(image, at, rng.uniform(2.5, 6), (230, 236, 255), rng.uniform(0.3, 0.9))
    paint.lay(image, paint.ridge(rng, WIDTH, 420, 110, 0.5), (30, 38, 66), (58, 62, 96))
    slope = paint.ridge(rng, WIDTH, 560, 70, 0.3)
    paint.lay(image, slope, (18, 24, 44), (12, 16, 30))
    houses = sorted((rng.uniform(0, 230), rng.uniform(30, WIDTH - 80)) for _ in range(30))
    for n, (down, x) in enumerate(houses):
        y = slope[int(x / 2)][1] + 26 + down
        _house(image, (x, y), 34 + down / 7, lit=n in (3, 9, 16, 21, 27))
    return image


def _house(image: Image.Image, at: paint.Point, wide: float, *, lit: bool) -> None:
    """Draw a house of `wide` pixels with its ground's left corner `at`."""
    x, y = at
    tall = wide * 0.5
    draw = ImageDraw.Draw(image)
    if lit:
        paint.glow(image, (x + wide / 2, y - tall / 2), wide * 1.7, (255, 186, 104), 0.45, core=0.3)
    draw.rectangle((x, y - tall, x + wide, y), fill=(28, 32, 54))
    draw.polygon(
        [
            (x - wide * 0.16, y - tall),
            (x + wide * 0.12, y - tall * 1.62),
            (x + wide * 0.88, y - tall * 1.62),
            (x + wide * 1.16, y - tall),
        ],
        fill=(9, 11, 22),
    )
    if lit:
        middle, half = x + wide * 0.5, wide * 0.11
        window = (middle - half, y - tall * 0.75, middle + half, y - tall * 0.3)
        draw.rectangle(window, fill=(255, 214, 140))


def _rain() -> Image.Image:
    """Draw rain on a lake; a boat waits."""
    rng = paint.seeded(3)
    image = paint.gradient(
        _SIZE, (0.0, (128, 142, 152)), (0.58, (196, 204, 206)), (0.62, (168, 180, 184)),
        (1.0, (78, 98, 110)),
    )  # fmt: skip
    for n, crest in enumerate(((160, 172, 180), (132, 148, 158), (98, 118, 128))):
        skyline = [
            (x, min(y, 490.0)) for x, y in paint.ridge(rng, WIDTH, 400 + 42 * n, 80 - 14 * n, 0.5)
        ]
        land = paint.below(_SIZE, skyline)
        land.paste(0, (0, 490, WIDTH, HEIGHT))
        image.paste(crest, (0, 0), land)
        mirror = land.crop((0, 290, WIDTH, 490)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        image.paste(crest, (0, 490), mirror.point([round(grey * 0.5) for grey in range(256)]))
    image = image.filter(ImageFilter.GaussianBlur(1.4))
    rings = Image.new("L", (WIDTH * 2, HEIGHT * 2))
    draw = ImageDraw.Draw(rings)
    for _ in range(120):
        x, y = rng.uniform(0, WIDTH * 2), rng.uniform(1010, 1590)
        wide = (y - 940) / 9 * rng.uniform(0.3, 1.0)
        draw.ellipse((x - wide, y - wide * 0.3, x + wide, y + wide * 0.3), outline=110, width=2)
    for _ in range(420):
        x, y, long = rng.uniform(0, WIDTH * 2), rng.uniform(-60, HEIGHT * 2), rng.uniform(40, 110)
        draw.line((x, y, x - long * 0.12, y + long), fill=rng.randint(30, 80), width=2)
    image.paste((236, 242, 244), (0, 0), rings.resize(_SIZE, Image.Resampling.BOX))
    _boat(image, (780, 640))
    return image


def _boat(image: Image.Image, at: paint.Point) -> None:
    """Draw a small covered boat, and its likeness in the water, with its bow `at`."""
    mask = Image.new("L", (640, 400))
    draw = ImageDraw.Draw(mask)
    draw.polygon([(20, 168), (110, 196), (500, 196), (620, 156), (540, 232), (120, 232)], fill=255)
    draw.pieslice((190, 142, 440, 250), 180, 360, fill=255)
    mirror = mask.crop((0, 90, 640, 232)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mask.paste(mirror.point([grey // 3 for grey in range(256)]), (0, 232))
    mask = mask.resize((320, 200), Image.Resampling.BOX)
    image.paste((44, 58, 68), (round(at[0]), round(at[1]) - 116), mask)


def _list() -> Image.Image:
    """Draw a wall full of slips of paper, under one lamp: each slip is a name."""
    rng = paint.seeded(4)
    image = Image.new("RGB", _SIZE, (70, 56, 48))
    for row in range(9):
        for column in range(16):
            if row == 5 and column == 9:
                continue  # one is still missing
            shade = rng.uniform(0.0, 0.16)
            colour = paint.mix((244, 232, 206), (168, 146, 118), shade)
            _slip(image, (40 + column * 72, 24 + row * 86), colour, rng)
    dark = Image.new("L", _SIZE, 236)
    lamp = paint.glow_mask(900, 1.0, core=0.42, halo=0.75)
    dark.paste(30, (620 - lamp.width // 2, 330 - lamp.height // 2), lamp)
    image.paste((16, 12, 18), (0, 0), dark)
    return ImageChops.multiply(image, Image.new("RGB", _SIZE, (255, 224, 178)))


def _slip(
    image: Image.Image, at: tuple[int, int], colour: paint.Colour, rng: random.Random
) -> None:
    """Draw one slip of paper, a little askew, with strokes that only look like writing."""
    slip = Image.new("RGB", (112, 144), colour)
    mask = Image.new("L", slip.size, 255)
    draw = ImageDraw.Draw(slip)
    ink = paint.mix((52, 46, 52), colour, rng.uniform(0.1, 0.35))
    for sign in range(rng.choice((2, 3, 3))):
        top = 18 + sign * 38
        for _ in range(rng.randint(3, 5)):
            x, y = rng.uniform(40, 62), rng.uniform(top, top + 26)
            if rng.random() < 0.55:
                draw.line((x - 8, y, x + rng.uniform(4, 16), y - 2), fill=ink, width=3)
            else:
                draw.line((x, top, x + rng.uniform(-8, 8), y + 4), fill=ink, width=3)
    angle = rng.uniform(-5, 5)
    turned = slip.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=colour)
    cut = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    size = turned.width // 2, turned.height // 2
    cut = cut.resize(size, Image.Resampling.BOX)
    image.paste((40, 32, 28), (at[0] + 3, at[1] + 5), cut)
    image.paste(turned.resize(size, Image.Resampling.BOX), at, cut)


def _birds() -> Image.Image:
    """Draw birds that fly up from the reeds at dusk, in all directions."""
    rng = paint.seeded(5)
    image = paint.gradient(
        _SIZE, (0.0, (58, 66, 104)), (0.4, (156, 112, 128)), (0.66, (240, 168, 122)),
        (0.78, (252, 206, 148)), (0.80, (214, 150, 118)), (1.0, (70, 62, 88)),
    )  # fmt: skip
    paint.glow(image, (430, 590), 420, (255, 240, 200), 0.95, core=0.17, halo=0.5)
    hills = paint.ridge(rng, WIDTH, 622, 26, 0.4)
    land = paint.below(_SIZE, hills)
    land.paste(0, (0, 636, WIDTH, HEIGHT))
    image.paste((122, 92, 110), (0, 0), land)
    mask = Image.new("L", (WIDTH * 2, HEIGHT * 2))
    draw = ImageDraw.Draw(mask)
    for _ in range(74):
        far = rng.random() ** 0.7
        x = 860 + far * rng.uniform(-700, 1500)
        y = 1150 - far * rng.uniform(250, 1050)
        _bird(draw, (x, y), 12 + 34 * far * rng.uniform(0.5, 1.0), rng)
    for _ in range(230):
        x, long = rng.uniform(0, WIDTH * 2), rng.uniform(120, 470)
        lean = rng.uniform(-50, 70)
        draw.line((x, 1600, x + lean * 0.4, 1600 - long * 0.6), fill=255, width=5)
        draw.line((x + lean * 0.4, 1600 - long * 0.6, x + lean, 1600 - long), fill=255, width=3)
        if long > 330:
            tip = (x + lean - 7, 1560 - long, x + lean + 7, 1620 - long)
            draw.ellipse(tip, fill=255)
    image.paste((40, 32, 48), (0, 0), mask.resize(_SIZE, Image.Resampling.BOX))
    return image


def _bird(draw: ImageDraw.ImageDraw, at: paint.Point, span: float, rng: random.Random) -> None:
    """Draw a bird in flight as two bent wings, each `span` pixels long."""
    x, y = at
    lift, tilt = rng.uniform(-0.35, 0.7), rng.uniform(-0.25, 0.25)
    thick = max(2.0, span / 7)
    for side in (-1, 1):
        tip = (x + side * span, y - span * (lift + side * tilt))
        bend = (x + side * span * 0.45, y - span * (0.32 + lift * 0.5 + side * tilt * 0.5))
        draw.polygon([(x, y + thick), (x, y - thick * 0.3), bend, tip], fill=255)
        draw.polygon([(x, y + thick), bend, tip], fill=255)


def _snow() -> Image.Image:
    """Draw fresh snow, bare trees, and the steps of someone who went ahead."""
    rng = paint.seeded(6)
    image = paint.gradient(_SIZE, (0.0, (176, 190, 208)), (0.5, (226, 228, 232)))
    for n in range(3):
        grey = 196 - 14 * n
        skyline = paint.ridge(rng, WIDTH, 330 + 44 * n, 66 - 12 * n, 0.46)
        paint.lay(image, skyline, (grey - 12, grey - 4, grey + 10), (228, 230, 236))
    trees = Image.new("L", (WIDTH * 2, HEIGHT * 2))
    draw = ImageDraw.Draw(trees)
    for x, y, long in ((300, 960, 200), (520, 930, 150), (2060, 980, 250), (1840, 940, 160)):
        _branch(draw, (x, y), -math.pi / 2, long, rng)
    image.paste((70, 76, 90), (0, 0), trees.resize(_SIZE, Image.Resampling.BOX))
    field = paint.ridge(rng, WIDTH, 480, 16, 0.2)
    paint.lay(image, field, (246, 247, 250), (228, 233, 242))
    for n in range(26):
        near = (n / 25) ** 1.6
        y = 492 + near * 300
        x = 640 + 90 * math.sin(n / 5.5) * (1 - near * 0.4) + (8 + 20 * near) * (-1) ** n
        wide, tall = 4 + 15 * near, 2.5 + 9 * near
        box = (x - wide, y - tall, x + wide, y + tall)
        ImageDraw.Draw(image).ellipse(box, fill=(186, 196, 216))
    image = image.filter(ImageFilter.GaussianBlur(0.7))
    for _ in range(330):
        at = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
        paint.glow(image, at, rng.uniform(3, 9), (255, 255, 255), rng.uniform(0.4, 0.9), core=0.5)
    return image


def _branch(
    draw: ImageDraw.ImageDraw, at: paint.Point, angle: float, long: float, rng: random.Random
) -> None:
    """Draw a branch of `long` pixels and all that grow from it, like a bare tree."""
    end = (at[0] + long * math.cos(angle), at[1] + long * math.sin(angle))
    draw.line((*at, *end), fill=255, width=max(2, round(long / 11)))
    if long > 14:
        for turn in (rng.uniform(-0.65, -0.2), rng.uniform(0.2, 0.65)):
            _branch(draw, end, angle + turn, long * rng.uniform(0.66, 0.82), rng)


def _lanterns() -> Image.Image:
    """Draw paper lanterns on the water at night, each with its reflection."""
    rng = paint.seeded(7)
    image = paint.gradient(
        _SIZE, (0.0, (10, 14, 34)), (0.36, (38, 44, 82)), (0.42, (56, 56, 92)),
        (0.43, (24, 30, 58)), (1.0, (6, 9, 22)),
    )  # fmt: skip
    hills = paint.below(_SIZE, paint.ridge(rng, WIDTH, 300, 60, 0.48))
    hills.paste(0, (0, 340, WIDTH, HEIGHT))
    image.paste((16, 20, 40), (0, 0), hills)
    # From far to near, in rows that grow apart, so that none hides another.
    for row in range(9):
        near = (row / 8) ** 1.5
        y = 354 + near * 372
        wide = 5 + 21 * near
        gap = wide * 7
        x = rng.uniform(-0.5, 0.5) * gap
        while x < WIDTH + gap:
            at = (x + rng.uniform(-0.28, 0.28) * gap, y + rng.uniform(-0.3, 0.3) * wide)
            if rng.random() < 0.55:
                _lantern(image, at, wide)
            x += gap
    return image


def _lantern(image: Image.Image, at: paint.Point, wide: float) -> None:
    """Draw one lit paper lantern, `wide` pixels to either side, that floats `at`."""
    paint.glow(image, at, wide * 4.2, (255, 168, 84), 0.5, core=0.25, halo=0.5)
    # Its reflection: the same glow, drawn long, and broken by the ripples.
    streak = paint.glow_mask(wide * 2, 0.62, core=0.35, halo=0.5)
    streak = streak.resize((round(wide * 1.9), round(wide * 9)), Image.Resampling.BILINEAR)
    for y in range(0, streak.height, 6):
        streak.paste(0, (0, y, streak.width, y + 1 + y * 3 // streak.height))
    streak = streak.filter(ImageFilter.GaussianBlur(max(0.6, wide / 16)))
    image.paste((255, 178, 96), (round(at[0] - wide * 0.95), round(at[1] - wide * 1.6)), streak)
    side = max(8, round(wide * 4))
    paper = paint.gradient((side, side), (0.0, (255, 206, 132)), (0.55, (255, 244, 208)),
                           (1.0, (248, 158, 78)))  # fmt: skip
    mask = Image.new("L", (side * 2, side * 2))
    outline = [(0.28, 0.18), (0.72, 0.18), (0.78, 0.8), (0.22, 0.8)]
    ImageDraw.Draw(mask).polygon([(x * side * 2, y * side * 2) for x, y in outline], fill=245)
    corner = (round(at[0] - side / 2), round(at[1] - side / 2))
    image.paste(paper, corner, mask.resize((side, side), Image.Resampling.BOX))


# In the order of the posts.
_SCENES = (_first_walk, _second_door, _rain, _list, _birds, _snow, _lanterns)


def write_pictures(folder: Path, tell: Callable[[float], None]) -> None:
    """Draw a picture for each post and write them to `folder` as 001.jpg, 002.jpg and so on.

    The files hold a picture and nothing else: no EXIF, no date, no name of a program.
    `folder` exists; `tell` is called with the share that is done, from 0 to 1.
    """
    for number, scene in enumerate(_SCENES, start=1):
        image = paint.grain(scene(), 3, number)
        image.save(folder / f"{number:03}.jpg", format="JPEG", quality=86, optimize=True)
        tell(number / len(_SCENES))
