"""Opens pages of this machine in its own Chromium, without a window, and tells what a person at a screen would meet.

One browser is kept for a process, in a thread of its own: Playwright runs an event loop where it is used, and the
thread that runs scenarios must stay free for others. It ends with the process, however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from foundry.acceptance.checks.programs import find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Locator, Page

Result = TypeVar("Result")
Screen = Literal["desktop", "phone"]

SIZES: dict[Screen, tuple[int, int]] = {"desktop": (1280, 900), "phone": (390, 844)}
"""Width and height in CSS pixels."""
TIMEOUT_SECONDS = 20
SMALLEST_LETTERS = 8.0
"""Size in CSS pixels below which text cannot be read on a phone; the exponents beside an axis come close to it."""
OF_THIS_MACHINE = ("file:", "data:", "blob:", "about:")

FIND_WHAT_STICKS_OUT = """() => {
  const width = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth <= width + 1) return found;
  for (const element of document.querySelectorAll("body *")) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.right > width + 1)
      found.push(`<${element.localName} class="${element.getAttribute("class") || ""}"> ends at ${box.right}`);
  }
  return found.length ? found : [`the page is ${document.documentElement.scrollWidth} wide`];
}"""
FIND_SMALL_TEXT = """smallest => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    const drawing = element.closest("svg"), plain = parseFloat(getComputedStyle(element).fontSize);
    const matrix = drawing && element.getScreenCTM ? element.getScreenCTM() : { a: 1, b: 0 };
    const scale = Math.hypot(matrix.a, matrix.b);
    if (plain * scale < smallest) found.push(`${(plain * scale).toFixed(1)} px: ${text.slice(0, 40)}`);
  }
  return found;
}"""


@dataclass
class OpenPage:
    """A page that is open in the browser.

    Attributes:
        errors: what its scripts complained of, and what could not be loaded.
        requests: what it asked of others than this machine.
    """

    _page: Page
    _act: Callable[[Callable[[], Any]], Any]
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def visible_text(self) -> str:
        """All text of the page that can be seen."""
        return str(self.evaluate("() => document.body.checkVisibility() ? document.body.innerText.trim() : ''"))

    def text(self, selector: str) -> str:
        """The text of the first element of that selector."""
        return str(self._act(lambda: self._page.locator(selector).first.inner_text()))

    def texts(self, selector: str) -> list[str]:
        """The visible text of each element of that selector that can be seen, from the top."""
        return list(self._act(lambda: [it.inner_text().strip() for it in self._visible(selector)]))

    def click(self, selector: str) -> None:
        """Click the first element of that selector that can be seen, once there is one.

        Raises:
            playwright.sync_api.TimeoutError: there is none within `TIMEOUT_SECONDS`.
        """
        self._act(lambda: self._page.locator(selector).filter(visible=True).first.click())

    def wait_for(self, selector: str) -> None:
        """Wait until an element of that selector can be seen.

        Raises:
            playwright.sync_api.TimeoutError: there is none within `TIMEOUT_SECONDS`.
        """
        self._act(lambda: self._page.locator(selector).filter(visible=True).first.wait_for())

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """What a function of JavaScript returns on this page."""
        return self._act(lambda: self._page.evaluate(script, argument))

    def screenshot(self) -> bytes:
        """A picture of what is in the window, as PNG."""
        return bytes(self._act(self._page.screenshot))

    @property
    def layout_width(self) -> int:
        """How wide the page believes the window to be; a page that knows no phones is laid out for 980 pixels."""
        return int(self.evaluate("() => window.innerWidth"))

    def sticking_out(self) -> list[str]:
        """The elements for which one would have to scroll the whole page sideways."""
        return list(self.evaluate(FIND_WHAT_STICKS_OUT))

    def small_text(self) -> list[str]:
        """The texts whose letters are smaller than `SMALLEST_LETTERS`."""
        return list(self.evaluate(FIND_SMALL_TEXT, SMALLEST_LETTERS))

    def _visible(self, selector: str) -> list[Locator]:
        return self._page.locator(selector).filter(visible=True).all()


class _Thread:
    """A thread that does what it is told, one thing after another; unlike a pool's, it works until the very end."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="browser", daemon=True).start()

    def do(self, act: Callable[[], Result]) -> Result:
        """What `act` returns, or raises, in that thread."""
        done: Future[Result] = Future()
        self._tasks.put((act, done))
        return done.result()

    def _work(self) -> None:
        while True:
            act, done = self._tasks.get()
            try:
                done.set_result(act())
            except BaseException as error:  # noqa: BLE001 - it is raised again where the result is waited for
                done.set_exception(error)


class Browser:
    """A Chromium of this machine, without a window.

    Raises:
        FileNotFoundError: there is none.
    """

    def __init__(self) -> None:
        self._thread = _Thread()
        self._driver: Any = None
        self._chromium: Chromium = self._act(self._start)

    @contextlib.contextmanager
    def open(self, path: Path, screen: Screen = "desktop", fragment: str = "") -> Iterator[OpenPage]:
        """The page in the file `path`, after it was loaded, for as long as the block lasts."""
        opened = self._act(lambda: self._open(path.resolve().as_uri() + fragment, screen))
        try:
            yield opened
        finally:
            self._act(opened._page.context.close)

    def close(self) -> None:
        """End the browser and its driver."""
        self._act(self._chromium.close)
        self._act(self._driver.stop)

    def _act(self, act: Callable[[], Result]) -> Result:
        return self._thread.do(act)

    def _start(self) -> Chromium:
        from playwright.sync_api import sync_playwright

        program = find_chromium()
        if program is None:
            raise FileNotFoundError("this machine has no Chromium; scenarios that need one are tagged @browser")
        self._driver = sync_playwright().start()
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox to put it into
        launched: Chromium = self._driver.chromium.launch(executable_path=program, args=as_root)
        return launched

    def _open(self, url: str, screen: Screen) -> OpenPage:
        width, height = SIZES[screen]
        is_phone = screen == "phone"
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            is_mobile=is_phone,
            has_touch=is_phone,
            device_scale_factor=2 if is_phone else 1,
        )
        context.set_default_timeout(TIMEOUT_SECONDS * 1000)
        page = context.new_page()
        opened = OpenPage(page, self._act)
        page.on("console", lambda said: opened.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("requestfailed", lambda failed: opened.errors.append(f"{failed.url}: {failed.failure}"))
        page.on("request", lambda asked: _note_request(opened, asked.url))
        page.goto(url, wait_until="load")
        return opened


def _note_request(opened: OpenPage, url: str) -> None:
    if not url.startswith(OF_THIS_MACHINE):
        opened.requests.append(url)


@functools.cache
def browser() -> Browser:
    """The browser of this process, started when it is first asked for."""
    started = Browser()
    atexit.register(started.close)
    return started
