"""What is seen of a page on a desk and on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foundry.testing.browser import SIZES, Screen, browser

UNFOLD = "() => document.querySelectorAll('details').forEach(part => { part.open = true; })"


@dataclass(frozen=True)
class Seen:
    """A page on one screen, with all its parts unfolded.

    Attributes:
        errors: what its scripts complained of, and what could not be loaded.
        requests: what it asked of others than this machine.
        layout_width: how wide it believes the window to be, in CSS pixels.
        sticking_out: the elements for which one has to scroll the whole page sideways.
        small_text: the texts that are too small to read.
        picture: what is in the window, as PNG.
    """

    screen: Screen
    text: str
    errors: tuple[str, ...]
    requests: tuple[str, ...]
    layout_width: int
    sticking_out: tuple[str, ...]
    small_text: tuple[str, ...]
    picture: bytes

    @property
    def complaints(self) -> list[str]:
        """What a script complained of, or what was asked of the network."""
        return [*self.errors, *(f"asks the network for {url}" for url in self.requests)]

    @property
    def hindrances(self) -> list[str]:
        """What keeps a reader from reading it on this screen."""
        width = SIZES[self.screen][0]
        laid_out = [f"laid out for {self.layout_width} pixels on a screen of {width}"]
        empty = [] if len(self.text) > 80 else [f"it shows no more than {self.text!r}"]
        return [*laid_out * (self.layout_width != width), *empty, *self.sticking_out, *self.small_text]


def seen(page: Path, screen: Screen, ready: str = "") -> Seen:
    """Open a page on a screen, and look at it.

    Args:
        ready: a selector of what can be seen once a script has drawn the page; empty where none does.
    """
    with browser().open(page, screen) as opened:
        if ready:
            opened.wait_for(ready)
        opened.evaluate(UNFOLD)
        return Seen(
            screen,
            opened.visible_text(),
            tuple(opened.errors),
            tuple(opened.requests),
            opened.layout_width,
            tuple(opened.sticking_out()),
            tuple(opened.small_text()),
            opened.screenshot(),
        )
