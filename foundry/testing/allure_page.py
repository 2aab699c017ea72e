"""The report that Allure has drawn, as its reader uses it: filters, scenarios, steps, attachments."""

from __future__ import annotations

from foundry.testing.browser import OpenPage

LEAF = '[data-testid="tree-leaf-title"]'
STEP = '[data-testid="test-result-step-title"]'
ATTACHMENT = '[data-testid="test-result-attachment-header"]'
STATUSES = ("failed", "broken", "passed", "skipped")
CONTENT = """name => {
  const boxes = [...document.querySelectorAll('[data-testid="test-result-attachment"]')];
  const box = boxes.find(it => it.innerText.includes(name)), picture = box.querySelector("img");
  return picture ? `picture of ${picture.naturalWidth} x ${picture.naturalHeight}` : box.querySelector("pre").innerText;
}"""
OVERVIEW = '[data-testid="test-result-tab-overview"]'


class AllurePage:
    """A report in a browser, at the list of all its scenarios.

    Args:
        opened: the page, from `Browser.open`.
    """

    def __init__(self, opened: OpenPage) -> None:
        self.opened = opened
        opened.wait_for(LEAF)

    def counts(self) -> dict[str, int]:
        """How many scenarios it says have each status, and in all."""
        texts = {name: self.opened.text(f'[data-testid="metadata-item-{name}"]') for name in ("total", *STATUSES)}
        return {name: int(text.split()[-1]) for name, text in texts.items()}

    def filter_by(self, status: str) -> None:
        """Let it list the scenarios of one status alone, and unfold its features."""
        self.opened.click(f'[data-testid="tab-{status}"]')
        self.opened.wait_for(f'[data-testid="tab-{status}"][aria-current="true"]')

    def scenarios(self) -> list[str]:
        """The scenarios that it lists, with all features unfolded."""
        self._unfold()
        return self.opened.texts(LEAF)

    def open_scenario(self, name: str) -> None:
        """Go to the page of one scenario."""
        self._unfold()
        self.opened.click(f'{LEAF}:text-is("{name}")')
        self.opened.wait_for(OVERVIEW)

    def status(self) -> str:
        """The status of the scenario that is open."""
        shown = [name for name in STATUSES if self.opened.texts(f'[data-testid="test-result-status-{name}"]')]
        assert len(shown) == 1, f"it shows the statuses {shown}"
        return shown[0]

    def error(self) -> str:
        """The message that is shown of the scenario that is open."""
        return self.opened.text('[data-testid="test-result-error-message"]').strip()

    def steps(self) -> list[str]:
        """The steps of the scenario that is open, without what is folded within them."""
        return [step for step in self.opened.texts(STEP) if step.split(" ")[0] in ("Given", "When", "Then", "And")]

    def attachments(self) -> list[str]:
        """The names of what the scenario that is open has left beside its steps."""
        return [text.splitlines()[1] for text in self.opened.texts(ATTACHMENT)]

    def unfold_attachment(self, name: str) -> str:
        """Unfold an attachment; the text that is shown then, or the picture's size as `picture of 640 x 400`.

        Raises:
            playwright.sync_api.TimeoutError: it shows neither.
        """
        box = f'[data-testid="test-result-attachment"]:has-text("{name}")'
        self.opened.click(f"{box} {ATTACHMENT}")
        self.opened.wait_for(f"{box} :is(pre, img)")
        return str(self.opened.evaluate(CONTENT, name))

    def _unfold(self) -> None:
        while self.opened.texts(FOLDED):
            self.opened.click(FOLDED)


FOLDED = '[data-testid="tree-section"]:not(:has(+ [data-testid="tree-content"])) [data-testid="tree-arrow"]'
