"""The curves of a run: drawn with characters for the terminal, and as pictures for pages and reports."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foundry.training.metrics import VOLATILE_KEYS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, Any]]
TERMINAL_HEIGHT = 16
LARGEST_DRAWN = 1e100
COLOURS = ("#3b6fb6", "#d9822b")
LOSS_LABEL = "loss (nats a token)"


@dataclass(frozen=True)
class Curve:
    """The values of one metric over the steps at which it was logged."""

    label: str
    steps: list[int]
    values: list[float]

    @classmethod
    def of(cls, rows: Rows, name: str, label: str) -> Curve:
        """The metric `name`, which may stand in one of the volatile sections, from the rows that have it."""
        flat = [_flat(row) for row in rows]
        points = [(row["step"], row[name]) for row in flat if _can_be_drawn(row.get(name))]
        return cls(label, [step for step, _ in points], [value for _, value in points])


def _flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    sections = [section for key in VOLATILE_KEYS if isinstance(section := row.get(key), dict)]
    return {name: value for part in (row, *sections) for name, value in part.items()}


def _can_be_drawn(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < LARGEST_DRAWN


def loss_curves(rows: Rows) -> list[Curve]:
    """The training and the validation loss, where there are any."""
    curves = [Curve.of(rows, "loss", "training"), Curve.of(rows, "validation_loss", "validation")]
    return [curve for curve in curves if curve.steps]


def loss_curve_text(rows: Rows, width: int) -> str:
    """The losses over the steps, drawn with characters in `width` columns; empty where nothing was logged."""
    curves = loss_curves(rows)
    if not curves:
        return ""
    import plotext

    figure = plotext.figure
    figure.clear()
    shown = []
    for curve, (marker, sign) in zip(curves, (("braille", "⠒"), ("o", "o")), strict=False):
        signal = figure.signal(curve.steps, curve.values, marker=marker)
        if marker == "braille":
            signal.lines()
        figure.draw(signal)
        shown.append(f"{sign} {curve.label}")
    figure.plot_size(width, TERMINAL_HEIGHT)
    figure.title(f"{LOSS_LABEL}: {', '.join(shown)}")
    first, last = curves[0].steps[0], curves[0].steps[-1]
    figure.ruler("x").ticks(sorted({first + (last - first) * part // 4 for part in range(5)}))
    figure.label("step", "x")
    text: str = figure.build().string(colorless=True)
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def curve_svg(curves: Sequence[Curve], label: str) -> str:
    """Curves over the steps as SVG, to stand inside an HTML page."""
    return svg_element(drawn(lambda axes: _draw(axes, curves, label), label))


def drawn(draw: Callable[[Axes], None], name: str) -> bytes:
    """What `draw` draws, in the style of all our figures, as SVG.

    Args:
        name: tells the elements of one SVG from those of another in the same page.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure = Figure(figsize=(7.0, 3.0), dpi=110)
        figure.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.97)
        axes = figure.subplots()
        draw(axes)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def svg_element(picture: bytes) -> str:
    """An SVG picture, to stand inside an HTML page."""
    text = picture.decode("utf-8")
    return text[text.index("<svg") :]


def _draw(axes: Axes, curves: Sequence[Curve], label: str) -> None:
    for curve, style, colour in zip(curves, ("-", "o-"), COLOURS, strict=False):
        axes.plot(curve.steps, curve.values, style, color=colour, label=curve.label, markersize=3.5, linewidth=1.4)
    axes.set(xlabel="step", ylabel=label)
    if len(curves) > 1:
        axes.legend(frameon=False)
