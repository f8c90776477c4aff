"""The sample film's pictures: a night sky over a lake, where one light appears for each name.

The lights fall into a river across the sky: at first one by one, then in their thousands. A light
that has come to rest is painted into the sky for good, so a frame's cost doesn't grow with the
number of names.
"""

import functools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from outlast.steps.sample import paint

WIDTH, HEIGHT = 1280, 720
"""A frame's size, in pixels."""

_SHORE = 566  # where sky and mountains end and the lake begins
_CANVAS = (1400, 640)  # the painted sky: larger than what the camera sees of it
_TITLE = "THE NAMES"
_SEED = 20

_WARM: paint.Colour = (255, 214, 150)
_WHITE: paint.Colour = (255, 244, 226)
_COOL: paint.Colour = (206, 222, 255)
_WATER: paint.Colour = (7, 11, 26)
_TINTS = (_WARM, _WHITE, _COOL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Light:
    """One name's light: where it rests in the painted sky, when it appears, how it looks.

    `flare` is how many seconds it takes from its first glimmer until it rests.
    """

    x: float
    y: float
    birth: float
    radius: float
    strength: float
    tint: int
    flare: float
    twinkles: bool


def births(seconds: int, count: int) -> list[float]:
    """Return when each of `count` lights appears, in seconds from the start of the film.

    Slowly at first: the n-th light comes at the share (n / count) ** 0.32 of the time in between.
    """
    start, end = 0.24 * seconds, 0.84 * seconds
    return [start + (end - start) * (n / count) ** 0.32 for n in range(count)]


def _lights(seconds: int, count: int, land: Image.Image) -> list[_Light]:
    """Return the film's lights in the order of their appearance.

    None lies behind the mountains (the mask `land`) or outside of the last picture: who counts the
    lights shall find as many as there are names.
    """
    rng = paint.seeded(_SEED)
    lights: list[_Light] = []
    for n, birth in enumerate(births(seconds, count)):
        x, y = _place(rng)
        while not _in_view(x, y, land):
            x, y = _place(rng)
        early = n < 24
        large = early or rng.random() < 0.035
        lights.append(
            _Light(
                x=x,
                y=y,
                birth=birth,
                radius=rng.uniform(9, 15) if large else rng.triangular(2.5, 6.5, 3.5),
                strength=rng.uniform(0.8, 1.0) if large else rng.triangular(0.25, 0.95, 0.5),
                tint=rng.choices((0, 1, 2), (5, 4, 3))[0],
                # In the crowd each has less time, or too many would move at once.
                flare=1.2 if n < 120 else 0.44,
                twinkles=large,
            )
        )
    return lights


def _place(rng: random.Random) -> paint.Point:
    """Draw a place in the painted sky: mostly in the river, else anywhere."""
    width, height = _CANVAS
    if rng.random() < 0.3:
        return rng.uniform(0, width), rng.uniform(0, height * 0.86)
    # The river: a rising curve, broad where it is far from its source in the mountains.
    along = rng.random()
    spread = rng.gauss(0, 22 + 46 * along)
    x = width * (0.10 + 0.95 * along) + spread * 0.55
    y = height * (0.93 - 0.98 * along**0.8 + 0.16 * math.sin(along * 5)) + spread * 0.8
    return x, y


def _in_view(x: float, y: float, land: Image.Image) -> bool:
    """Tell whether the place is seen at the end of the film, when the camera sees the most."""
    left, top, right, bottom = _window(1.0)
    across = math.floor((x - left) / (right - left) * WIDTH)
    down = math.floor((y - top) / (bottom - top) * _SHORE)
    inside = 0 <= across < WIDTH and 0 <= down < _SHORE
    return inside and land.getpixel((across, down)) == 0


@functools.cache
def _sprite(half_pixels: int, level: int) -> Image.Image:
    """Return the mask of a light with a radius in half pixels and a level from 0 to 24."""
    return paint.glow_mask(half_pixels / 2, level / 24)


def _put(sky: Image.Image, light: _Light, size: float, strength: float) -> None:
    """Draw `light` into `sky`, `size` times as large as at rest and as bright as `strength`."""
    level = min(24, round(24 * strength))
    if level > 0:
        mask = _sprite(max(3, round(light.radius * size * 2)), level)
        left = round(light.x - mask.width / 2)
        top = round(light.y - mask.height / 2)
        sky.paste(_TINTS[light.tint], (left, top, left + mask.width, top + mask.height), mask)


def _flare(part: float) -> tuple[float, float]:
    """Return (size, strength) of a light `part` (0 to 1) into its flare, relative to its rest."""
    if part >= 1:
        return 1.0, 1.0
    swell = math.sin(math.pi * part) ** 2
    return 1 + 1.1 * swell, min(1.0, part * 3.5) + 0.7 * swell


def _night() -> Image.Image:
    """Return the painted sky before the first light."""
    sky = paint.gradient(
        _CANVAS,
        (0.0, (5, 8, 24)),
        (0.42, (11, 19, 46)),
        (0.66, (28, 39, 76)),
        (0.80, (66, 66, 102)),
        (0.90, (116, 96, 114)),
    )
    rng = paint.seeded(_SEED + 1)
    for _ in range(260):
        # Far stars, there all the time: faint, so that nobody takes them for names.
        at = rng.uniform(0, _CANVAS[0]), rng.uniform(0, _CANVAS[1] * 0.8)
        paint.glow(sky, at, rng.uniform(1.5, 2.2), _COOL, rng.uniform(0.08, 0.22))
    return paint.grain(sky, 2, _SEED)


def _mountains() -> tuple[Image.Image, Image.Image]:
    """Return the mountains above the shore and their mask, both as large as sky in a frame."""
    size = (WIDTH, _SHORE)
    far: paint.Colour = (27, 33, 62)
    # Not black: the soft edge of the mask lets a little of what lies behind the crest through.
    land = Image.new("RGB", size, far)
    mask = Image.new("L", size)
    rng = paint.seeded(_SEED + 2)
    for base, height, roughness, crest, foot in (
        (440.0, 70.0, 0.52, far, (58, 58, 90)),
        (492.0, 52.0, 0.50, (19, 25, 48), (42, 46, 76)),
        (540.0, 34.0, 0.46, (9, 13, 28), (16, 21, 40)),
    ):
        skyline = paint.ridge(rng, WIDTH, base, height, roughness)
        paint.lay(land, skyline, crest, foot)
        mask.paste(255, (0, 0), paint.below(size, skyline))
    # One house by the water, with a light on: somebody is awake and writes the names down.
    draw = ImageDraw.Draw(land)
    paint.glow(land, (869, 551), 64, (255, 190, 110), 0.24, core=0.3, halo=0.5)
    draw.polygon([(858, 558), (858, 547), (869, 540), (880, 547), (880, 558)], fill=(8, 10, 20))
    draw.rectangle((866, 549, 871, 554), fill=(255, 206, 128))
    return paint.grain(land, 2, _SEED + 3), mask


def _lake(above: Image.Image, calm: Image.Image, now: float) -> Image.Image:
    """Return the lake, which mirrors the picture `above` it, `now` seconds into the film."""
    depth = HEIGHT - _SHORE
    mirror = above.reduce((1, 2), box=(0, _SHORE - depth * 2, WIDTH, _SHORE))
    mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    rippled = mirror.copy()
    y = 0
    while y < depth:
        # Ripples are higher and further apart towards the camera.
        tall = 2 + y // 22
        shift = (0.6 + y / 34) * math.sin(y * 0.9 - now * 2.1) + y / 60 * math.sin(y * 0.23 + now)
        rippled.paste(mirror.crop((0, y, WIDTH, y + tall)), (round(shift), y))
        y += tall
    rippled.paste(_WATER, (0, 0), calm)
    return rippled


def _title() -> Image.Image:
    """Return the mask of the title, set wide."""
    font = ImageFont.load_default(size=58)
    mask = Image.new("L", (WIDTH, 96))
    draw = ImageDraw.Draw(mask)
    gap = 22.0
    width = sum(font.getlength(letter) + gap for letter in _TITLE) - gap
    x = (WIDTH - width) / 2
    for letter in _TITLE:
        draw.text((x, 12), letter, font=font, fill=255)
        x += font.getlength(letter) + gap
    return mask


def _ease(share: float) -> float:
    """Return a smooth step: 0 below 0, 1 above 1, and without a jolt at either end."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def _window(share: float) -> tuple[float, float, float, float]:
    """Return what the camera sees of the painted sky, `share` (0 to 1) into the film."""
    # A slow pull back with a drift to the right: the sky grows as it fills.
    width = 1210 + 150 * _ease(share)
    height = width * _SHORE / WIDTH
    left = 16 + 24 * share
    bottom = _CANVAS[1] - 8 - 12 * (1 - share)
    return left, bottom - height, left + width, bottom


def frames(seconds: int, rate: int, count: int) -> Iterator[Image.Image]:
    """Draw the film, frame by frame, as RGB images of `WIDTH` by `HEIGHT` pixels.

    It lasts `seconds` at `rate` frames per second, and `count` lights appear: one for each name.
    """
    sky = _night()
    land, land_mask = _mountains()
    calm = paint.fade_mask((WIDTH, HEIGHT - _SHORE), (0.0, 0.22), (0.5, 0.42), (1.0, 0.82))
    title = _title()
    black = Image.new("RGB", (WIDTH, HEIGHT))
    total = seconds * rate
    coming = _lights(seconds, count, land_mask)
    coming.reverse()
    lit: list[_Light] = []
    for n in range(total):
        now = n / rate
        share = n / (total - 1)
        while coming and coming[-1].birth <= now:
            lit.append(coming.pop())
        lit = _settle(sky, lit, now)
        live = sky.copy()
        _shine(live, lit, now)
        frame = Image.new("RGB", (WIDTH, HEIGHT))
        above = live.resize((WIDTH, _SHORE), Image.Resampling.BILINEAR, box=_window(share))
        above.paste(land, (0, 0), land_mask)
        frame.paste(above, (0, 0))
        frame.paste(_lake(above, calm, now), (0, _SHORE))
        shown = _ease((share - 0.05) / 0.07) * _ease((0.25 - share) / 0.07)
        if shown > 0:
            faded = title.point([round(grey * shown * 0.9) for grey in range(256)])
            frame.paste(_WHITE, (0, 236, WIDTH, 236 + title.height), faded)
        light = _ease(share / 0.08) * _ease((1 - share) / 0.11)
        yield frame if light == 1.0 else Image.blend(black, frame, light)


def _settle(sky: Image.Image, lit: Sequence[_Light], now: float) -> list[_Light]:
    """Paint the lights that have come to rest into `sky`; return those that still move."""
    moving: list[_Light] = []
    for light in lit:
        if light.twinkles or now - light.birth < light.flare:
            moving.append(light)
        else:
            _put(sky, light, 1.0, light.strength)
    return moving


def _shine(live: Image.Image, lit: Sequence[_Light], now: float) -> None:
    """Draw the lights that still flare or twinkle into `live`, this frame's copy of the sky."""
    for light in lit:
        size, strength = _flare((now - light.birth) / light.flare)
        if light.twinkles:
            strength *= 0.88 + 0.12 * math.sin(now * 1.7 + light.x)
        _put(live, light, size, light.strength * strength)
