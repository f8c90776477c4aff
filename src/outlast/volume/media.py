"""A file's media type by its name, the same on every machine."""

import mimetypes

_MORE = {
    # These three differ between versions of Python.
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wav": "audio/wav",
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
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return _TYPES.get(name[dot:].lower() if dot > 0 else "", "application/octet-stream")
