"""Play: serve a work's files from shares over loopback, decoding as a player asks."""

import re
import secrets
import threading
import urllib.parse
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from outlast.carriers.base import Carrier
from outlast.errors import BadInput, OutlastError
from outlast.format.index import Entry
from outlast.format.link import parse_link
from outlast.format.paths import SafePath
from outlast.steps.edition import Opened, open_edition
from outlast.steps.player_page import player_page
from outlast.steps.reader import VolumeReader
from outlast.steps.survey import survey

_CACHED = 12
"""Decoded segments kept: 24 MiB, enough for a player that reads picture and sound apart."""
_AHEAD = 2
"""Segments decoded before they are asked for."""
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_SHOWN = ("video/", "audio/", "image/", "text/")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
# What comes from the work may not run, nor reach out, whatever it is.
_FILE_POLICY = "default-src 'none'; sandbox"
_PAGE_POLICY = (
    "default-src 'none'; media-src 'self'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Player:
    """A server on 127.0.0.1 for the files of one opened edition.

    Its address has a secret part, and other host names are refused, so that no page in the same
    browser can read along.
    """

    def __init__(self, opened: Opened, path: str | None = None, *, port: int = 0) -> None:
        """Serve all files; `path` is the one whose address `url` is, otherwise it is a page that
        shows them. `port` 0 takes a free one.

        Raises:
            BadInput: the edition has no such file, or the port is taken.
        """
        self._cache = {volume: _Segments(reader) for volume, reader in opened.readers.items()}
        self.opened = opened
        self._serving = False
        self._secret = secrets.token_urlsafe(12)
        if path is not None and path not in opened.table:
            raise BadInput(
                f"this edition has no file {path!a}",
                "without a path, a page with all files is shown",
            )
        try:
            self._server = _Server(("127.0.0.1", port), self)
        except OSError as error:
            raise BadInput(
                f"port {port} can't be used: {error.strerror}", "choose another"
            ) from None
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.base = f"/{self._secret}/"
        self.url = f"http://{self.host}{self.base}" + (file_url(path) if path else "")

    def serve(self) -> None:
        """Answer until `close` is called, from another thread, or an interrupt."""
        self._serving = True
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop answering."""
        if self._serving:
            self._server.shutdown()
        self._server.server_close()
        for segments in self._cache.values():
            segments.close()
        self.opened.close()

    def find(self, path: str) -> Entry | None:
        """The file at the address `path`, if there is one."""
        if not path.startswith(f"{self.base}files/"):
            return None
        name = urllib.parse.unquote(path.removeprefix(f"{self.base}files/"))
        try:
            entry = self.opened.table.get(SafePath(name))
        except OutlastError:
            return None
        return entry if entry and not entry.is_folder else None

    def read(self, entry: Entry, start: int, end: int) -> Iterator[memoryview]:
        """The file's bytes in [start, end), segment by segment, proved.

        Raises:
            NotEnough: too few sound shares.
        """
        if start < end:
            yield from self._cache[entry.volume].read(entry.offset + start, entry.offset + end)


def file_url(path: str) -> str:
    """A file's address below the player's."""
    return "files/" + urllib.parse.quote(path)


class _Segments:
    """A volume's decoded segments, the last few kept, the next few made ahead."""

    def __init__(self, reader: VolumeReader) -> None:
        self._reader = reader
        self._made: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        # One thread: a reader serves one at a time, and is itself parallel.
        self._pool = ThreadPoolExecutor(1)

    def read(self, start: int, end: int) -> Iterator[memoryview]:
        size = self._reader.volume.geometry.segment
        for segment in range(start // size, -(-end // size)):
            base = segment * size
            yield memoryview(self._get(segment))[max(start - base, 0) : end - base]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _get(self, segment: int) -> bytes:
        last = self._reader.volume.geometry.segments
        with self._lock:
            for each in range(segment, min(segment + 1 + _AHEAD, last)):
                if each not in self._made:
                    self._made[each] = self._pool.submit(self._make, each)
                self._made.move_to_end(each)
            future = self._made[segment]
            # Dropped, not cancelled: another thread may be waiting for it.
            while len(self._made) > _CACHED:
                self._made.popitem(last=False)
        try:
            return future.result()
        except BaseException:
            with self._lock:
                self._made.pop(segment, None)
            raise

    def _make(self, segment: int) -> bytes:
        geometry = self._reader.volume.geometry
        start = segment * geometry.segment
        return self._reader.read_bytes(start, start + geometry.length_of(segment))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], player: Player) -> None:
        super().__init__(address, _Handler)
        self.player = player


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def version_string(self) -> str:
        return "outlast"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged: what somebody watches is nobody's business."""

    def _answer(self, *, body: bool) -> None:
        player = self.server.player
        path = self.path.partition("?")[0]
        if self.headers.get("Host") not in (
            player.host,
            player.host.replace("127.0.0.1", "localhost"),
        ):
            self._refuse(HTTPStatus.FORBIDDEN)
        elif path == player.base:
            page = player_page(player.opened, file_url).encode()
            self._head(HTTPStatus.OK, "text/html; charset=utf-8", len(page), _PAGE_POLICY)
            self.end_headers()
            if body:
                self.wfile.write(page)
        elif entry := player.find(path):
            self._file(entry, body=body)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _file(self, entry: Entry, *, body: bool) -> None:
        span = _span(self.headers.get("Range"), entry.size)
        if span is None:
            self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "text/plain", 0, _FILE_POLICY)
            self.send_header("Content-Range", f"bytes */{entry.size}")
            self.end_headers()
            return
        start, end, partial = span
        pieces = self.server.player.read(entry, start, end)
        try:
            # The first piece before the status: once a 200 is out, a failure can't be said.
            first = next(pieces, memoryview(b"")) if body else memoryview(b"")
        except OutlastError:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        kind = entry.type if _TYPE.fullmatch(entry.type) else "application/octet-stream"
        if not kind.startswith(_SHOWN) or kind in ("text/html", "image/svg+xml"):
            kind = "application/octet-stream"
        elif kind.startswith("text/"):
            kind += "; charset=utf-8"
        status = HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK
        self._head(status, kind, end - start, _FILE_POLICY)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{entry.hash.hex()[:32]}"')
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{entry.size}")
        self.end_headers()
        try:
            while body and first:
                self.wfile.write(first)
                first = next(pieces, memoryview(b""))
        except (OSError, OutlastError):
            # The player went elsewhere, or the shares gave out: a cut connection says so.
            self.close_connection = True

    def _head(self, status: HTTPStatus, kind: str, length: int, policy: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")

    def _refuse(self, status: HTTPStatus) -> None:
        self._head(status, "text/plain", 0, _FILE_POLICY)
        self.end_headers()


def _span(asked: str | None, size: int) -> tuple[int, int, bool] | None:
    """The bytes [start, end) that a Range header asks for, and whether it did; None: outside."""
    found = _RANGE.fullmatch(asked or "")
    if not found or found[0] == "bytes=-":
        return 0, size, False
    if not found[1]:
        length = min(int(found[2]), size)
        return (size - length, size, True) if length else None
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    return (start, end, True) if start < end else None


def open_player(
    link: str,
    carriers: Sequence[Carrier],
    path: str | None = None,
    *,
    edition: int | None = None,
    port: int = 0,
) -> Player:
    """Find the work on the carriers, prove it, and make a player for it. See `Player`.

    Raises:
        NotEnough, NotGenuine: as for `gather`.
        BadInput: no link, no such file, or the port is taken.
    """
    name = parse_link(link)
    surveys = survey(carriers, name, edition=edition)
    opened = open_edition(surveys, name, edition, window=1)
    try:
        return Player(opened, path, port=port)
    except BaseException:
        opened.close()
        raise
