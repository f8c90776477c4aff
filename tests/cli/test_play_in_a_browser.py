"""A real browser plays a film from shares of which none holds the film."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import outlast
from outlast.steps.sample import make_sample

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

PLAY = """
const done = arguments[arguments.length - 1];
const film = document.querySelector('video');
(async () => {
  film.muted = true;
  film.textTracks[1].mode = 'showing';
  await film.play();
  const began = film.currentTime;
  film.currentTime = 3;
  await new Promise(resolve => film.addEventListener('seeked', resolve, {once: true}));
  await new Promise(resolve => film.addEventListener('timeupdate', resolve, {once: true}));
  done({
    began, at: film.currentTime, length: film.duration, width: film.videoWidth,
    tracks: film.textTracks.length, cues: film.textTracks[1].cues.length,
    error: film.error && film.error.message,
  });
})().catch(error => done({error: String(error)}));
"""


@contextmanager
def playing(tmp_path: Path) -> Iterator[str]:
    """A sample work, sealed and spread, and the address where it plays from half of its keepers."""
    make_sample(tmp_path / "work", seconds=4, names=50)
    work = outlast.Work.create(
        tmp_path / "work", title="<script>alert(1)</script>", languages=("en",), passphrase=None
    )
    outlast.seal(work, lambda: "")
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).mkdir()
        work.settings.add_carrier(name, str(tmp_path / name), name)
    outlast.spread(work)
    carriers = [outlast.open_carrier(str(tmp_path / name)) for name in ("b", "d")]
    with ExitStack() as stack:
        for carrier in carriers:
            stack.enter_context(closing(carrier))
        player = stack.enter_context(closing(outlast.open_player(work.link, carriers)))
        threading.Thread(target=player.serve, daemon=True).start()
        yield player.url


@contextmanager
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--autoplay-policy=no-user-gesture-required",
        f"--user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs a browser: apt-get install chromium chromium-driver"
)
def test_a_film_plays_and_seeks_with_its_subtitles(tmp_path: Path) -> None:
    with playing(tmp_path) as url, browser(tmp_path) as driver:
        driver.set_script_timeout(30)
        driver.get(url)
        assert driver.title == "<script>alert(1)</script>"  # shown, and inert
        found = driver.execute_async_script(PLAY)
        assert not found["error"]
        assert found["at"] >= 3 > found["began"]
        assert found["length"] == pytest.approx(4, abs=0.2)
        assert found["width"] == 1280
        assert found["tracks"] == 2
        assert found["cues"] > 0
