"""Brushes for the sample's film and pictures: gradients, ridges, glows and grain, drawn by Pillow.

Everything works on whole images in Pillow's C code; no pixel is touched from Python, so that a
film of some hundred frames is made in seconds.
"""

import functools
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


def seeded(seed: int) -> random.Random:
    """Return a generator that draws the same numbers on every machine."""
    return random.Random(seed)  # noqa: S311 - for pictures, not for secrets


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour that lies `share` (0 to 1) of the way from `one` to `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def gradient(size: tuple[int, int], *stops: tuple[float, Colour]) -> Image.Image:
    """Return an image of `size` pixels, coloured from top to bottom through `stops`.

    A stop is (height, colour), with the height from 0 (top) to 1 (bottom), in rising order.
    """
    width, height = size
    column = Image.new("RGB", (1, height))
    for y in range(height):
        at = y / max(1, height - 1)
        low = max((stop for stop in stops if stop[0] <= at), default=stops[0])
        high = min((stop for stop in stops if stop[0] > at), default=stops[-1])
        span = high[0] - low[0]
        column.putpixel((0, y), mix(low[1], high[1], (at - low[0]) / span if span > 0 else 0.0))
    return column.resize((width, height))


def fade_mask(size: tuple[int, int], *stops: tuple[float, float]) -> Image.Image:
    """Return a greyscale mask of `size` pixels; a stop is (height, opacity), both from 0 to 1."""
    greys = [(at, (round(255 * opacity),) * 3) for at, opacity in stops]
    return gradient(size, *greys).getchannel(0)


def ridge(
    rng: random.Random, width: int, base: float, height: float, roughness: float = 0.5
) -> list[Point]:
    """Return the skyline of a mountain range as points from x = 0 to x = `width`, in pixels.

    Peaks and valleys lie up to `height` pixels above and below y = `base`. `roughness` is how much
    of each octave goes on into the next: 0.3 gives hills, 0.6 rock.
    """
    # A sum of sines with halved wavelengths. Folding them (1 - |sin|) gives crests, not waves.
    octaves = [
        (roughness**n, (2**n) * rng.uniform(0.8, 1.25), rng.uniform(0, math.tau)) for n in range(8)
    ]
    total = sum(weight for weight, _, _ in octaves)
    points: list[Point] = []
    for x in range(0, width + 2, 2):
        turn = x / width * math.pi * 1.6
        level = sum(w * (1 - 2 * abs(math.sin(turn * f + p))) for w, f, p in octaves)
        points.append((x, base - height * level / total))
    return points


def below(size: tuple[int, int], skyline: Sequence[Point]) -> Image.Image:
    """Return a mask of `size` pixels which is opaque beneath `skyline`, with a smooth edge."""
    width, height = size
    # Drawn at double size and halved: Pillow's polygons have no antialiasing of their own.
    mask = Image.new("L", (width * 2, height * 2), 0)
    outline = [(x * 2, y * 2) for x, y in skyline]
    outline += [(skyline[-1][0] * 2, height * 2), (skyline[0][0] * 2, height * 2)]
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return mask.resize(size, Image.Resampling.BOX)


def lay(image: Image.Image, skyline: Sequence[Point], crest: Colour, foot: Colour) -> None:
    """Draw the land beneath `skyline` onto `image`, from `crest` down to `foot` (its mist)."""
    width, height = image.size
    top = max(0.0, min(y for _, y in skyline))
    end = min(float(height), max(y for _, y in skyline) + height * 0.16)
    land = gradient(image.size, (top / height, crest), (end / height, foot))
    image.paste(land, (0, 0), below((width, height), skyline))


@functools.cache
def _falloff(core: float, halo: float) -> Image.Image:
    """Return a 256 by 256 mask: a bright `core` and a faint `halo` (both shares of the radius)."""
    # Pillow's radial gradient runs from 0 in the middle to 255 at the corners' circle.
    strengths = []
    for grey in range(256):
        far = grey / 255 * math.sqrt(2)
        light = 0.85 * math.exp(-((far / core) ** 2)) + 0.3 * math.exp(-((far / halo) ** 2))
        # Down to nothing at the sprite's edge, or its square would show.
        strengths.append(round(255 * min(1.0, light) * max(0.0, 1 - far) ** 0.5))
    return Image.radial_gradient("L").point(strengths)


def glow_mask(radius: float, strength: float, core: float = 0.16, halo: float = 0.4) -> Image.Image:
    """Return the mask of a round light: `radius` in pixels, `strength` from 0 to 1."""
    side = max(3, round(radius * 2))
    mask = _falloff(core, halo).resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return mask.point([round(grey * strength) for grey in range(256)])


def glow(
    image: Image.Image,
    at: Point,
    radius: float,
    colour: Colour,
    strength: float = 1.0,
    *,
    core: float = 0.16,
    halo: float = 0.4,
) -> None:
    """Draw a round light onto `image`, with its middle `at` (pixels) and `radius` in pixels."""
    mask = glow_mask(radius, strength, core, halo)
    corner = (round(at[0] - mask.width / 2), round(at[1] - mask.height / 2))
    image.paste(colour, (*corner, corner[0] + mask.width, corner[1] + mask.height), mask)


def grain(image: Image.Image, amount: int, seed: int) -> Image.Image:
    """Return `image` with film grain of up to `amount` levels (of 256) up or down.

    Grain is not only for looks: without it a dark gradient shows steps once it is compressed.
    """
    noise = Image.frombytes("L", image.size, seeded(seed).randbytes(math.prod(image.size)))
    noise = noise.point([round(grey / 255 * amount * 2) for grey in range(256)])
    return ImageChops.add(image, Image.merge("RGB", (noise,) * 3), offset=-amount)
