"""A file's media type by its name, the same on every machine."""

import mimetypes
from pathlib import PurePosixPath

_MORE = {
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".otio": "application/vnd.pixar.opentimelineio+json",
    ".warc": "application/warc",
    ".mkv": "video/matroska",
    ".mka": "audio/matroska",
    ".mxf": "application/mxf",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
}
# The module's own table: the system's files would make the type depend on the machine.
_TYPES = {**mimetypes.MimeTypes().types_map[True], **_MORE}


def media_type(path: str) -> str:
    """The media type of `path` by its ending; 'application/octet-stream' where it tells nothing."""
    return _TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")
