"""The HTML report in a real browser: Chromium, without a screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest

from gurney.transfer.page import write_page

from ..unit.transfer.pages import report

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CONSOLE = re.compile(r"CONSOLE(?:\(\d+\)|:\d+\])\s*(.*)")

MAKER = re.compile(r"^(?:http://)?[\w.-]+\.(?:google|googleapis|gvt1)\.com[:/]")
"""Whom the browser asks on its own account, whatever it shows."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; skip where there is none, and fail there in CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    problem = "no Chromium looks at the HTML report; install it, as in apt install chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(problem)
    pytest.skip(problem)


@attrs.frozen
class Seen:
    """What a browser made of a page."""

    dom: str
    console: tuple[str, ...]
    asked: tuple[str, ...]


@attrs.frozen
class Browser:
    """Chromium, that reaches this machine and nothing else."""

    path: str
    home: Path

    def look(self, folder: Path, page: str = "index.html") -> Seen:
        """Load a page over HTTP; return what became of it, and what was asked for."""
        with _served(folder) as (url, asked):
            ran = self._run(f"--proxy-server={url}", "--dump-dom", f"{url}/{page}")
        messages = tuple(CONSOLE.findall(ran.stderr))
        return Seen(ran.stdout, messages, tuple(path for path in asked if not MAKER.search(path)))

    def picture(self, page: Path, picture: Path, *options: str) -> Path:
        """Take a picture of a page in a file."""
        self._run(f"--screenshot={picture}", "--window-size=1000,1800", *options, page.as_uri())
        return picture

    def _run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                self.path,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                "--hide-scrollbars",
                "--enable-logging=stderr",
                f"--user-data-dir={self.home}",
                *options,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )


@contextmanager
def _served(folder: Path) -> Generator[tuple[str, list[str]]]:
    """Serve *folder* on this machine, and be the proxy for all else, which gives nothing.

    Yields the address, and what is asked for: a path here, the name of a place elsewhere.
    """
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
            asked.append(self.path)

        def log_error(self, format: str, *_: object) -> None:  # noqa: A002  as its base
            """Nothing: it is in `asked`."""

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(server.serve_forever, 0.05)
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Browser:
    return Browser(chromium, tmp_path / "home")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """The folder of a report with hostile content."""
    return write_page(report(tmp_path / "ledger"), tmp_path / "pages").parent


def test_a_browser_loads_nothing_else_and_complains_of_nothing(
    browser: Browser, pages: Path
) -> None:
    """Neither of the first page, nor of that of a study with hostile reasons."""
    for page in ("index.html", "studies/1.2.html"):
        seen = browser.look(pages, page)

        assert (f"/{page}",) == seen.asked
        assert () == seen.console
        assert "</footer>" in seen.dom
        assert "alert(1)&lt;/script&gt;" in seen.dom


def test_the_look_sees_what_it_looks_for(browser: Browser, tmp_path: Path) -> None:
    """A page that loads, or complains, is noticed: the test above can fail."""
    (tmp_path / "index.html").write_text(
        "<!doctype html><link rel=icon href=data:,><img src=/mine.png>"
        "<img src=https://elsewhere.example/x.png><script>console.error('bad')</script>"
    )
    seen = browser.look(tmp_path)

    assert {"/index.html", "/mine.png", "elsewhere.example:443"} == set(seen.asked)
    assert any("bad" in line for line in seen.console)


def test_it_is_drawn_light_and_dark(browser: Browser, pages: Path, tmp_path: Path) -> None:
    """The same page in the colours of the screen; plots are there in both."""
    image = pytest.importorskip("matplotlib.image")
    dark = "--blink-settings=preferredColorScheme=0"
    pictures = [
        image.imread(browser.picture(pages / "index.html", tmp_path / name, *options))
        for name, options in (("light.png", ()), ("dark.png", (dark,)))
    ]

    for picture, backs in zip(pictures, (1.0, 0.1), strict=True):
        assert backs == pytest.approx(picture[5, 5, 0], abs=0.1)
        assert 50 < len({tuple(pixel) for pixel in picture[::3, ::3].reshape(-1, 4)})
