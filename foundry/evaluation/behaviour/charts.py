"""Small charts as SVG that take the colours of the page around them: bars by group, and histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 640.0
BAR_HEIGHT = 15.0
GROUP_GAP = 16.0
LABEL_WIDTH = 104.0
VALUE_WIDTH = 52.0
PLOT_HEIGHT = 150.0
AXIS_HEIGHT = 22.0
MOST_BINS = 24
FEWEST_BINS = 8
COLOURS = ("var(--accent)", "var(--other)")
"""Of the model, and of the one that it is compared with."""


def share_bars(groups: Mapping[str, Sequence[float | None]], names: Sequence[str]) -> str:
    """Horizontal bars of shares from 0 to 1, one for each series in each group.

    Args:
        groups: by the name of a group, a share for each series; None draws no bar.
        names: of the series.
    """
    parts: list[str] = []
    top = 2.0
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    for group, shares in groups.items():
        drawn = [(number, value) for number, value in enumerate(shares) if value is not None]
        middle = top + len(drawn) * BAR_HEIGHT / 2
        parts.append(_text(LABEL_WIDTH - 10, middle + 4, group, "end"))
        for number, value in drawn:
            title = f"{group}, {names[number]}: {value:.1%}"
            parts.append(_bar(LABEL_WIDTH, top + 1, max(1.5, room * value), BAR_HEIGHT - 3, COLOURS[number], title))
            parts.append(_text(LABEL_WIDTH + max(1.5, room * value) + 6, top + BAR_HEIGHT - 4, f"{value:.0%}", "start"))
            top += BAR_HEIGHT
        top += GROUP_GAP
    return _svg(max(20.0, top - GROUP_GAP + 2), parts, "shares by group")


def histogram(series: Mapping[str, Sequence[float]], unit: str) -> str:
    """How often values fall into intervals of equal width, as shares of each series, side by side.

    Args:
        series: values by the name of the series; at least one value in all.
        unit: of the values, below the axis.
    """
    low, width, num_bins = _bins([value for values in series.values() for value in values])
    counts = {name: _counts(values, low, width, num_bins) for name, values in series.items() if values}
    highest = max(max(shares) for shares in counts.values())
    slot = WIDTH / num_bins
    parts = []
    for number, (name, shares) in enumerate(counts.items()):
        for place, value in enumerate(shares):
            if not value:
                continue
            height = (PLOT_HEIGHT - 8) * value / highest
            left = place * slot + 1 + number * (slot - 2) / len(counts)
            title = f"{name}: {value:.1%} from {low + place * width:,.4g} to {low + (place + 1) * width:,.4g} {unit}"
            bar_width = (slot - 2) / len(counts)
            parts.append(_bar(left, PLOT_HEIGHT - height, bar_width, height, COLOURS[number], title))
    parts.append(f'<line x1="0" x2="{WIDTH:g}" y1="{PLOT_HEIGHT:g}" y2="{PLOT_HEIGHT:g}" stroke="var(--line)"/>')
    for place, anchor in ((0, "start"), (num_bins // 2, "middle"), (num_bins, "end")):
        label = f"{low + place * width:,.4g}" + (f" {unit}" if place == num_bins else "")
        parts.append(_text(place * slot, PLOT_HEIGHT + 16, label, anchor))
    return _svg(PLOT_HEIGHT + AXIS_HEIGHT, parts, f"distribution of {unit}")


def legend(names: Sequence[str]) -> str:
    """What the colours mean."""
    entries = [
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in zip(names, COLOURS, strict=False)
    ]
    return f'<p class="legend">{"".join(entries)}</p>'


def _bins(values: Sequence[float]) -> tuple[float, float, int]:
    """Where the intervals begin, how wide they are, and how many there are.

    Whole numbers get whole widths, from 0 on.
    """
    low, high = min(values), max(values)
    if low >= 0 and all(float(value).is_integer() for value in values):
        width = math.ceil((high + 1) / MOST_BINS)
        return 0.0, float(width), max(FEWEST_BINS, math.ceil((high + 1) / width))
    num_bins = min(MOST_BINS, max(FEWEST_BINS, math.ceil(math.sqrt(len(values)))))
    return low, (high - low) / num_bins or 1.0, num_bins


def _counts(values: Sequence[float], low: float, width: float, num_bins: int) -> list[float]:
    counts = [0] * num_bins
    for value in values:
        counts[min(num_bins - 1, int((value - low) / width))] += 1
    return [count / len(values) for count in counts]


def _bar(left: float, top: float, width: float, height: float, colour: str, title: str) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(1.0, width):.1f}" height="{height:.1f}" rx="2" '
        f'fill="{colour}"><title>{escape(title)}</title></rect>'
    )


def _text(left: float, top: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" fill="var(--soft)" font-size="12">'
        f"{escape(text)}</text>"
    )


def _svg(height: float, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(label)}" '
        f'font-family="system-ui, sans-serif">{"".join(parts)}</svg>'
    )
