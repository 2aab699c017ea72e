"""The document of the features in a release bundle, as its reader uses it: filters, and what they leave."""

from __future__ import annotations

from foundry.testing.browser import OpenPage

SHOWN = ".controls output"
BUTTON = ".controls button[data-show]"
SCENARIO = "details.scenario > summary"


class FeaturesDocument:
    """The document in a browser.

    Args:
        opened: the page, from `Browser.open`.
    """

    def __init__(self, opened: OpenPage) -> None:
        self._opened = opened
        opened.wait_for(BUTTON)

    def filters(self) -> dict[str, int]:
        """Its filters, and how many scenarios each says that it leaves."""
        words = [text.rsplit(" ", 1) for text in self._opened.texts(BUTTON)]
        return {name: int(number.replace(",", "")) for name, number in words}

    def filter_by(self, name: str) -> None:
        """Click one of its filters."""
        self._opened.click(f'{BUTTON}:text-matches("^{name} [0-9,]+$")')

    def num_shown(self) -> int:
        """How many scenarios it says that it shows."""
        return int(self._opened.text(SHOWN).split(" ")[0])

    def scenarios(self) -> list[str]:
        """The title of each scenario that can be seen, with its sign and the word for its status."""
        return self._opened.texts(SCENARIO)
