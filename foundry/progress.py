"""Shows a training run while it works: a live line on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from foundry.terminal import discard_output, duration
from foundry.training.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    Listener,
    Message,
    StateChanged,
    StepDone,
    Transferred,
)

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 5.0


@contextlib.contextmanager
def shown_progress(quiet: bool) -> Iterator[Listener]:
    """A listener that shows what it is told on standard output; with `quiet`, only warnings on standard error."""
    if quiet:
        yield _warn
    elif sys.stdout.isatty():
        with _LiveLine() as live_line:
            yield live_line
    else:
        yield PlainLines()


@contextlib.contextmanager
def shown_fetching() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """What shows on standard error a line that is said of a download, and how many bytes of how many are there."""
    with contextlib.ExitStack() as held:
        shown: list[Listener] = [] if sys.stderr.isatty() else [PlainLines(stream=sys.stderr)]

        def show(event: Event) -> None:
            if not shown:  # what brings the bar with it takes a while to import
                shown.append(held.enter_context(_LiveLine(sys.stderr)))
            shown[0](event)

        yield lambda line: show(Message(line)), lambda done, total: show(Transferred("received", done, total))


def sentence(event: Event) -> str | None:
    """What to say of an event in one line; None for the steps and what goes without saying."""
    match event:
        case Message(text=text):
            return text
        case Evaluated(step=step, validation_loss=loss, is_best=is_best):
            return f"step {step}: validation loss {loss:.3f}{', the best so far' if is_best else ''}"
        case StateChanged(state="interrupted" | "failed"):
            return None  # the error says it
        case StateChanged(state=state, reason=reason):
            return f"{state}: {reason}"
        case StepDone() | CheckpointSaved() | Transferred():
            return None


def transfer_line(event: Transferred) -> str:
    """The progress of a transfer in one line."""
    return f"{event.what} {event.done / 1e6:,.1f} of {event.total / 1e6:,.1f} MB"


def step_line(event: StepDone) -> str:
    """The progress of training in one line."""
    parts = [f"step {event.step:>{len(str(event.total_steps))}} of {event.total_steps}", f"loss {event.loss:.3f}"]
    if event.tokens_per_second >= 1:  # what a first, short step has measured is no rate
        parts.append(f"{event.tokens_per_second:,.0f} tokens/s")
    if event.seconds_left is not None:
        parts.append(f"{duration(event.seconds_left)} left")
    return ", ".join(parts)


def _warn(event: Event) -> None:
    if isinstance(event, Message) and event.warning:
        print(event.text, file=sys.stderr)


class PlainLines:
    """Prints a line for each event worth one, and one for the steps every few seconds.

    A reader that goes away, such as `head`, does not end the training.

    Args:
        prefix: stands before each line, where several processes print.
        stream: where the lines go; None means standard output.
    """

    def __init__(self, prefix: str = "", stream: TextIO | None = None) -> None:
        self._prefix, self._stream = prefix, stream
        self._printed_at = -SECONDS_BETWEEN_LINES

    def __call__(self, event: Event) -> None:
        if isinstance(event, Message) and event.warning:
            print(f"{self._prefix}{event.text}", file=sys.stderr)
        elif isinstance(event, StepDone):
            self._print_now_and_then(step_line(event), event.step == event.total_steps)
        elif isinstance(event, Transferred):
            self._print_now_and_then(transfer_line(event), False)
        elif (text := sentence(event)) is not None:
            self._print(text)

    def _print_now_and_then(self, line: str, is_last: bool) -> None:
        now = time.monotonic()
        if now - self._printed_at >= SECONDS_BETWEEN_LINES or is_last:
            self._printed_at = now
            self._print(line)

    def _print(self, text: str) -> None:
        try:
            print(f"{self._prefix}{text}", file=self._stream, flush=True)
        except BrokenPipeError:
            if self._stream is None:
                discard_output()


class _LiveLine:
    """A bar that is redrawn in place, with the lines of other events above it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}"),
            console=None if stream is None else Console(file=stream),
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _LiveLine:
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepDone):
            progress, _, numbers = step_line(event).partition(", ")
            self._show("step", event.step, event.total_steps, progress, numbers)
        elif isinstance(event, Transferred):
            self._show(event.what, event.done, event.total, transfer_line(event))
        elif (text := sentence(event)) is not None:
            style = "yellow" if isinstance(event, Message) and event.warning else None
            self._progress.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _show(self, unit: str, completed: int, total: int, progress: str, numbers: str = "") -> None:
        if unit not in self._tasks:
            self._tasks[unit] = self._progress.add_task(progress, total=total, numbers=numbers)
        self._progress.update(self._tasks[unit], completed=completed, description=progress, numbers=numbers)
