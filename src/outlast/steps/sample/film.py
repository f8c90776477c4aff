"""The sample's film: an MP4 that browsers and players show, and its subtitles as WebVTT."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

from outlast.errors import BadInput
from outlast.steps.sample import sky, sound

RATE = 25
"""Frames per second."""

_BT709 = 1  # ITU-T H.273's number for the colours of high definition video
_LIMITED_RANGE = 1

# When each cue is shown, as shares of the film's length, and what it says in English and Chinese.
_CUES = (
    (0.06, 0.20, "The Names", "名字"),
    (0.24, 0.38, "A light for the first name.", "第一盏灯，是第一个名字。"),
    (
        0.39,
        0.52,
        "Somebody wrote it down, so that\nit would not be lost.",
        "有人把它写下来，\n怕它丢了。",
    ),
    (0.53, 0.66, "Then one more. Then the next.", "再写一个。再写下一个。"),
    (
        0.67,
        0.80,
        "{count} names.\nNot one of them is a number.",
        "{count} 个名字。\n没有一个只是数字。",
    ),
    (0.81, 0.95, "Read them. Copy them. Pass them on.", "念出来，抄下来，传下去。"),
)


def write_film(path: Path, seconds: int, names: int, tell: Callable[[float], None]) -> None:
    """Write the film to `path`: H.264 (yuv420p) and AAC (stereo) in an MP4 that streams.

    It lasts `seconds`, and one light appears in it for each of `names`. `tell` is called with the
    share that is done, from 0 to 1.

    Raises:
        BadInput: the installed PyAV has no H.264 encoder.
        OSError: the file can't be written.

    """
    if "libx264" not in av.codecs_available:
        raise BadInput(
            "this build of PyAV can't encode H.264",
            "install the wheel: pip install --force-reinstall --only-binary av 'outlast[demo]'",
        )
    # "bitexact" keeps dates and version numbers out of the file; "faststart" puts the index first,
    # so that a browser plays before it has everything.
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as out:
        video = out.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = sky.WIDTH, sky.HEIGHT, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, RATE)
        # A keyframe each two seconds at least, to seek by; two threads whatever the machine has,
        # since x264's output depends on their number. The x264-params spend bits on
        # the dark sky, and no time on a search for movements that this film hasn't.
        video.options = {
            "preset": "veryfast",
            "crf": "23",
            "g": str(2 * RATE),
            "threads": "2",
            "flags": "+bitexact",
            "x264-params": "aq-mode=3:subme=1:me=dia:rc-lookahead=8",
        }
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED_RANGE
        audio = out.add_stream("aac", rate=sound.RATE, layout="stereo")
        audio.bit_rate = 128_000
        audio.options = {"flags": "+bitexact"}
        # x264 writes its version and all its settings into the film (SEI, unit type 6).
        clean = BitStreamFilterContext("filter_units=remove_types=6", video)

        heard = _sound_frames(seconds, names)
        total = seconds * RATE
        for n, picture in enumerate(sky.frames(seconds, RATE, names)):
            drawn = av.VideoFrame(sky.WIDTH, sky.HEIGHT, "rgb0")
            drawn.planes[0].update(picture.tobytes("raw", "RGBX"))
            frame = drawn.reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            for packet in video.encode(frame):
                out.mux(clean.filter(packet))
            out.mux(audio.encode(next(heard)))
            tell((n + 1) / (total + 1))
        for packet in video.encode(None):
            out.mux(clean.filter(packet))
        out.mux(clean.filter(None))
        out.mux(audio.encode(None))
    tell(1.0)


def _sound_frames(seconds: int, names: int) -> Iterator[av.AudioFrame]:
    """Cut the film's sound into as many frames as the film has pictures."""
    births = sky.births(seconds, names)
    # A bell for the first light, and again each time that their number has doubled.
    strokes = [birth for n, birth in enumerate(births) if n & (n - 1) == 0]
    score = sound.score(seconds, strokes)
    length = sound.RATE // RATE
    for n in range(seconds * RATE):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=length)
        frame.planes[0].update(score[n * length * 2 : (n + 1) * length * 2].tobytes())
        frame.sample_rate = sound.RATE
        frame.pts, frame.time_base = n * length, Fraction(1, sound.RATE)
        yield frame


def subtitles(seconds: int, names: int) -> dict[str, str]:
    """Return the film's subtitles as WebVTT text, by language (`en`, `zh`)."""
    texts: dict[str, str] = {}
    for language, which in (("en", 2), ("zh", 3)):
        cues = [
            f"{number}\n{_clock(cue[0] * seconds)} --> {_clock(cue[1] * seconds)}\n"
            f"{str(cue[which]).format(count=f'{names:,}')}\n"
            for number, cue in enumerate(_CUES, start=1)
        ]
        texts[language] = "\n".join(["WEBVTT\n", *cues])
    return texts


def _clock(seconds: float) -> str:
    """Return `seconds` as WebVTT writes a time: 00:00:04.250."""
    minutes, thousandths = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{thousandths // 1000:02}.{thousandths % 1000:03}"
