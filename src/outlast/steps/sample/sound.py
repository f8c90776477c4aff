"""The sample film's sound: one soft chord that swells and dies away, and a bell for each new light.

Only the standard library: a chord whose frequencies are all multiples of half a hertz repeats
exactly after two seconds, so only two seconds of sines are ever calculated.
"""

import functools
import math
from array import array
from collections.abc import Sequence

RATE = 24_000
"""Samples per second and channel: nothing in the score is higher than 3 kHz."""

_LOOP = 2 * RATE

# A minor with an added ninth, justly tuned over 110 Hz: (hertz, loudness).
_CHORD = ((110.0, 0.30), (165.0, 0.22), (220.0, 0.18), (264.0, 0.14), (330.0, 0.10), (495.0, 0.05))
# The right ear hears some notes this much higher: the slow beating gives the chord its width.
_DETUNE = (0.0, 0.5, 0.0, 0.5, 0.5, 1.0)

_BELLS = (880.0, 660.0, 990.0, 792.0, 1056.0, 528.0)
_BELL_SECONDS = 1.5


def _chord(ear: int) -> list[float]:
    """Return two seconds of the chord for the left (0) or the right (1) ear, within -1 to 1."""
    turns = [
        (math.tau * (hertz + ear * shift) / RATE, loudness, n * 1.3)
        for n, ((hertz, loudness), shift) in enumerate(zip(_CHORD, _DETUNE, strict=True))
    ]
    return [sum(w * math.sin(turn * i + p) for turn, w, p in turns) for i in range(_LOOP)]


@functools.cache
def _bell(hertz: float) -> list[float]:
    """Return one stroke of a small bell, within -1 to 1."""
    turn = math.tau * hertz / RATE
    attack = 0.012 * RATE
    samples = round(_BELL_SECONDS * RATE)
    return [
        min(1.0, i / attack)
        * math.exp(-4.5 * i / samples)
        * (1 - i / samples)
        * (0.8 * math.sin(turn * i) + 0.2 * math.sin(2.76 * turn * i))
        for i in range(samples)
    ]


def score(seconds: int, strokes: Sequence[float]) -> "array[int]":
    """Return the film's sound: 16-bit stereo samples, interleaved left and right.

    It lasts `seconds`; at each of `strokes`, in seconds from the start, a bell is struck.
    """
    total = seconds * RATE
    # A sine's first half as the envelope: swells, stays, dies away, and both ends are silent.
    envelope = [math.sin(math.pi * i / total) ** 0.7 for i in range(total)]
    ears: list[list[float]] = []
    for ear in (0, 1):
        loop = _chord(ear)
        tiled = loop * (total // _LOOP + 1)
        ears.append([0.5 * tone * swell for tone, swell in zip(tiled, envelope, strict=False)])
    for n, stroke in enumerate(strokes):
        start = round(stroke * RATE)
        bell = _bell(_BELLS[n % len(_BELLS)])[: total - start]
        for ear, tones in enumerate(ears):
            # Each bell sounds from a different side.
            loudness = 0.10 * (0.5 + 0.5 * math.cos(n * 2.1 + ear * math.pi / 2))
            end = start + len(bell)
            tones[start:end] = [
                a + loudness * b for a, b in zip(tones[start:end], bell, strict=True)
            ]
    mixed = array("h", bytes(total * 4))
    for ear, tones in enumerate(ears):
        mixed[ear::2] = array("h", [round(tone * 32_000) for tone in tones])
    return mixed
