"""Play: a work's files over HTTP on this machine, decoded as they are asked for, and harmless."""

import http.client
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

import outlast
from outlast.errors import BadInput, NotEnough, NotGenuine
from outlast.steps.play import Player, open_player
from outlast.steps.work import Work
from world import World, symbol_at, tree

FILES: dict[str, bytes | int] = {
    "film/a film (名字).mp4": 60_000,
    "film/a film (名字).en.vtt": b"WEBVTT\n\n00:00.000 --> 00:01.000\nnames\n",
    "film/sound.ogg": 5_000,
    "pages/index.html": b"<script>fetch('http://example.org')</script>",
    "pages/drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "pages/x.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
    "pages/style.css": b"body {}",
    "pages/program.js": b"alert(1)",
    "names & <b>more</b>.md": b"# names\n",
    "quote\"'.txt": b"quoted",
    "photo.jpg": 3_000,
    "none.bin": b"",
    "empty/": b"",
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Browser:
    """Asks a player over HTTP."""

    player: Player
    files: dict[str, bytes]
    served: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.served = threading.Thread(target=self.player.serve)
        self.served.start()

    def ask(
        self, path: str, method: str = "GET", host: str | None = None, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection(self.player.host, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True)
            if host != "none":
                connection.putheader("Host", host or self.player.host)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            )
        finally:
            connection.close()

    def file(self, name: str, method: str = "GET", **headers: str) -> Answer:
        return self.ask(f"{self.player.base}files/{quote(name)}", method, **headers)

    def close(self) -> None:
        self.player.close()
        self.served.join(20)
        assert not self.served.is_alive()


@pytest.fixture
def work(world: World) -> Work:
    world.geometry(4, 12)
    made = world.work(FILES, carriers=["anna", "bo"])
    world.publish(made)
    world.hurry()
    return made


@pytest.fixture
def browser(world: World, work: Work) -> Iterator[Browser]:
    made = Browser(open_player(work.link, list(world.carriers.values())), tree(work.root))
    yield made
    made.close()


FILM = "film/a film (名字).mp4"


# --- what is served ----------------------------------------------------------------------


def test_every_file_as_it_is(browser: Browser) -> None:
    for name, content in browser.files.items():
        if name.endswith("/"):
            assert browser.file(name.rstrip("/")).status == 404
            continue
        answer = browser.file(name)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["content-length"] == str(len(content))
        assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        ("bytes=0-", 0, 60_000),
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=59999-", 59_999, 60_000),
        ("bytes=59999-59999", 59_999, 60_000),
        ("bytes=1023-1024", 1_023, 1_025),
        ("bytes=20000-40000", 20_000, 40_001),
        ("bytes=50000-99999999", 50_000, 60_000),
        ("bytes=-1", 59_999, 60_000),
        ("bytes=-5000", 55_000, 60_000),
        ("bytes=-99999999", 0, 60_000),
    ],
)
def test_ranges(browser: Browser, asked: str, low: int, high: int) -> None:
    answer = browser.file(FILM, Range=asked)
    assert answer.status == 206
    assert answer.body == browser.files[FILM][low:high]
    assert answer.headers["content-range"] == f"bytes {low}-{high - 1}/60000"
    assert answer.headers["content-length"] == str(high - low)


@pytest.mark.parametrize("asked", ["bytes=60000-", "bytes=99999-100000", "bytes=-0"])
def test_ranges_outside_the_file(browser: Browser, asked: str) -> None:
    answer = browser.file(FILM, Range=asked)
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == "bytes */60000"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "lines=0-5",
        "bytes=0-1,5-6",
        "",
        "bytes=0x1-",
        "bytes=+1-2",
    ],
)
def test_ranges_that_are_none_give_the_whole(browser: Browser, asked: str) -> None:
    answer = browser.file(FILM, Range=asked)
    assert (answer.status, answer.body) == (200, browser.files[FILM])


@pytest.mark.parametrize("digits", [19, 40, 5_000, 60_000])
def test_ranges_with_huge_numbers(
    browser: Browser, digits: int, capfd: pytest.CaptureFixture[str]
) -> None:
    for asked in (f"bytes={'9' * digits}-", f"bytes=0-{'9' * digits}", f"bytes=-{'9' * digits}"):
        assert browser.file(FILM, Range=asked).status in (200, 206, 416, 431)
    assert "Traceback" not in capfd.readouterr().err


def test_an_empty_file(browser: Browser) -> None:
    assert browser.file("none.bin").body == b""
    assert browser.file("none.bin", Range="bytes=0-").status == 416
    assert browser.file("none.bin", "HEAD").headers["content-length"] == "0"


def test_head_tells_and_sends_nothing(browser: Browser) -> None:
    answer = browser.file(FILM, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "60000"
    assert answer.headers["content-type"] == "video/mp4"
    part = browser.file(FILM, "HEAD", Range="bytes=10-19")
    assert (part.status, part.body) == (206, b"")
    assert part.headers["content-length"] == "10"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "NONSENSE"])
def test_other_methods_do_nothing(browser: Browser, method: str) -> None:
    assert browser.file(FILM, method).status in (405, 501)


def test_only_the_segments_that_are_asked_for_are_read(world: World, browser: Browser) -> None:
    for carrier in world.carriers.values():
        carrier.forget()
    browser.file(FILM, Range="bytes=30000-30010")
    read = set().union(*(carrier.segments_read() for carrier in world.carriers.values()))
    assert len(read) <= 4


def test_several_at_once(browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    """More places in the film than segments are kept."""

    def watch(seed: int) -> int:
        chance = random.Random(seed)
        for _ in range(12):
            low = chance.randrange(60_000)
            high = min(60_000, low + chance.randrange(1, 8_000))
            answer = browser.file(FILM, Range=f"bytes={low}-{high - 1}")
            assert (answer.status, answer.body) == (206, browser.files[FILM][low:high])
        return seed

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(watch, range(12))) == list(range(12))
    assert "Traceback" not in capfd.readouterr().err


def test_a_player_that_goes_elsewhere(browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    """Players ask for a film to its end, and hang up."""
    import socket

    host, port = browser.player.host.split(":")
    path = f"{browser.player.base}files/{quote(FILM)}"
    for _ in range(5):
        with socket.create_connection((host, int(port))) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: {browser.player.host}\r\n\r\n".encode())
            assert link.recv(100)
    for junk in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\xff\xfe\x00" * 50 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        with socket.create_connection((host, int(port))) as link:
            link.sendall(junk)
            link.settimeout(5)
            while link.recv(1_000):
                pass
    assert browser.file(FILM).body == browser.files[FILM]
    assert "Traceback" not in capfd.readouterr().err


# --- the page ----------------------------------------------------------------------------


def test_the_page_shows_the_film_and_every_file(browser: Browser) -> None:
    answer = browser.ask(browser.player.base)
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]
    assert "<script" not in page
    assert "<b>more" not in page
    assert "<video" in page
    assert 'kind="subtitles"' in page
    for name in browser.files:
        if not name.endswith("/"):
            assert f"files/{quote(name)}" in page.replace("&amp;", "&").replace("&#x27;", "'")
    assert browser.ask(browser.player.base, "HEAD").body == b""


def test_the_address(browser: Browser, world: World, work: Work) -> None:
    assert browser.player.url == f"http://{browser.player.host}{browser.player.base}"
    one = open_player(work.link, list(world.carriers.values()), FILM)
    assert one.url.endswith("/files/" + quote(FILM))
    assert one.base != browser.player.base, "each time another secret"
    assert len(one.base) > 12
    one.close()


# --- what must not happen ----------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:80", "127.0.0.1", "127.0.0.1:1", "none", ""]
)
def test_other_host_names_are_refused(browser: Browser, host: str) -> None:
    """A page elsewhere whose name is made to lead here reads nothing."""
    for path in (browser.player.base, f"{browser.player.base}files/{quote(FILM)}", "/"):
        answer = browser.ask(path, host=host or "[::1]")
        assert answer.status in (400, 403)
        assert b"names" not in answer.body


def test_localhost_is_this_machine(browser: Browser) -> None:
    port = browser.player.host.rpartition(":")[2]
    assert browser.ask(browser.player.base, host=f"localhost:{port}").status == 200


@pytest.mark.parametrize(
    "path",
    [
        *["/", "/files/film", "//", "/x/", "/x/files/photo.jpg", "/favicon.ico", "*"],
        *[
            "BASE../",
            "BASEfiles/",
            "BASEfiles",
            "BASEfiles/..",
            "BASEfiles/../photo.jpg",
            "BASEphoto.jpg",
        ],
        *["BASEfiles/nothing", "BASEfiles/%2e%2e/%2e%2e/etc/passwd", "BASEfiles//etc/passwd"],
        *[
            "BASEfiles/photo.jpg%00",
            "BASEfiles/%ff%fe",
            "BASEfiles/PHOTO.JPG",
            "BASEfiles/photo.jpg/",
        ],
        *["BASEfiles/" + "a" * 5_000, "BASEfiles/./photo.jpg", "BASEfiles/empty"],
    ],
)
def test_addresses_that_are_none(browser: Browser, path: str) -> None:
    answer = browser.ask(path.replace("BASE", browser.player.base))
    assert answer.status == 404
    assert answer.body == b""


def test_a_wrong_secret(browser: Browser) -> None:
    base = browser.player.base
    wrong = [base[:-2] + ("A/" if base[-2] != "A" else "B/"), base.swapcase(), base[:-1]]
    for each in wrong:
        if each != base:
            assert browser.ask(each).status == 404
            assert browser.ask(f"{each}files/photo.jpg").status == 404


def test_nothing_from_the_work_runs(browser: Browser) -> None:
    """Pages, drawings, programs: given as bytes to keep, under a policy that lets nothing run."""
    for name, content in browser.files.items():
        if name.endswith("/"):
            continue
        answer = browser.file(name)
        assert answer.body == content
        kind = answer.headers["content-type"]
        assert "html" not in kind
        assert "svg" not in kind
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "sandbox" in policy
        assert "default-src 'none'" in policy
        assert "allow" not in policy
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert browser.file("pages/index.html").headers["content-type"] == "application/octet-stream"
    assert browser.file("film/a film (名字).en.vtt").headers["content-type"].startswith("text/vtt")


def test_only_this_machine_is_served(browser: Browser) -> None:
    assert browser.player.host.startswith("127.0.0.1:")


def test_the_program_and_its_version_are_not_told(browser: Browser) -> None:
    for answer in (browser.ask(browser.player.base), browser.file(FILM), browser.ask("/")):
        assert "python" not in answer.headers.get("server", "").lower()


def test_nothing_is_logged(browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    browser.file(FILM)
    browser.ask("/nothing")
    assert capfd.readouterr() == ("", "")


# --- carriers that fail meanwhile --------------------------------------------------------


def test_damage_and_loss_while_it_plays(world: World, browser: Browser) -> None:
    film = browser.files[FILM]
    anna, bo = world.carriers["anna"], world.carriers["bo"]
    assert browser.file(FILM, Range="bytes=0-999").body == film[:1_000]
    for name in anna.shares:
        anna.damage(name, *(symbol_at(anna, name, at) for at in range(10, 40)))
    assert browser.file(FILM).body == film
    anna.fail()
    assert browser.file(FILM).body == film
    anna.heal()
    bo.stall(on=("read",))
    assert browser.file(FILM, Range="bytes=-9000").body == film[-9_000:]


def test_too_few_shares_are_an_error_and_never_other_bytes(
    world: World, browser: Browser, capfd: pytest.CaptureFixture[str]
) -> None:
    for carrier in world.carriers.values():
        for name in carrier.shares:
            carrier.damage(name, *(symbol_at(carrier, name, at) for at in range(30, 60)))
    film = browser.files[FILM]
    assert browser.file(FILM, Range="bytes=0-9999").body == film[:10_000]
    assert browser.file(FILM, Range="bytes=45000-45010").status == 503
    # With a beginning that can be read, the answer breaks off.
    with pytest.raises(http.client.IncompleteRead) as caught:
        browser.file(FILM)
    assert film.startswith(caught.value.partial)
    assert "Traceback" not in capfd.readouterr().err


def test_what_was_lacking_can_come_back(world: World, browser: Browser) -> None:
    before = {name: dict(carrier.items) for name, carrier in world.carriers.items()}
    for carrier in world.carriers.values():
        for name in carrier.shares:
            carrier.damage(name, symbol_at(carrier, name, 30))
    with pytest.raises(http.client.IncompleteRead):
        browser.file(FILM)
    for name, items in before.items():
        world.carriers[name].items = items
    assert browser.file(FILM).body == browser.files[FILM]


# --- opening and closing -----------------------------------------------------------------


def test_an_older_edition(world: World, work: Work) -> None:
    (work.root / "photo.jpg").write_bytes(b"another photo")
    world.publish(work)
    for edition, expected in ((1, 3_000), (2, 13), (None, 13)):
        player = open_player(work.link, list(world.carriers.values()), edition=edition)
        browser = Browser(player, {})
        assert len(browser.file("photo.jpg").body) == expected
        browser.close()


def test_what_cannot_be_opened(world: World, work: Work) -> None:
    carriers = list(world.carriers.values())
    with pytest.raises(BadInput, match="no file"):
        open_player(work.link, carriers, "nothing.mp4")
    with pytest.raises(BadInput, match="not a link"):
        open_player("nonsense", carriers)
    with pytest.raises(NotGenuine):
        open_player("outlast:" + "a" * 52, carriers)
    with pytest.raises(NotEnough):
        open_player(work.link, [world.carrier("empty")])
    with pytest.raises(NotEnough, match="no edition 9"):
        open_player(work.link, carriers, edition=9)
    first = open_player(work.link, carriers)
    with pytest.raises(BadInput, match="port"):
        open_player(work.link, carriers, port=int(first.host.rpartition(":")[2]))
    first.close()


def test_it_can_be_closed_before_it_serves(world: World, work: Work) -> None:
    player = open_player(work.link, list(world.carriers.values()))
    closing = threading.Thread(target=player.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()


def test_closing_twice_and_while_it_answers(world: World, work: Work) -> None:
    browser = Browser(open_player(work.link, list(world.carriers.values())), tree(work.root))
    world.carriers["anna"].slow(0.02)
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(browser.file, FILM)
        browser.close()
        try:
            answer = asked.result()
            assert browser.files[FILM].startswith(answer.body)
        except (OSError, http.client.HTTPException):
            pass
    browser.player.close()


def test_nothing_is_written(world: World, work: Work, tmp_path: Path) -> None:
    before = sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts)
    browser = Browser(open_player(work.link, list(world.carriers.values())), tree(work.root))
    browser.file(FILM)
    browser.close()
    assert sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts) == before
    assert outlast.open_player is open_player
