"""A small picture of a loss curve for the report: SVG of some kilobytes, of which a report holds hundreds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from foundry.evaluation.curves import COLOURS, LOSS_LABEL, Curve

WIDTH, HEIGHT = 480, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 34
MAX_POINTS = 400


def loss_svg(curves: Sequence[Curve]) -> str:
    """The curves over the steps as one SVG document.

    Args:
        curves: at least one, each with at least one point.
    """
    points = [(step, value) for curve in curves for step, value in _points(curve)]
    across = _Axis.over([step for step, _ in points], LEFT, WIDTH - RIGHT)
    up = _Axis.over([value for _, value in points], HEIGHT - BOTTOM, TOP)
    parts = [*_grid(across, up), *_lines(curves, across, up)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="10" fill="#475467">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>' + "".join(parts) + "</svg>\n"
    )


class _Axis:
    """Where values stand on the paper, from `start` to `stop`."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        self.low, self.high, self._start, self._stop = low, high, start, stop

    @classmethod
    def over(cls, values: Sequence[float], start: float, stop: float) -> _Axis:
        """An axis that all `values` fit on."""
        low, high = min(values), max(values)
        spare = 0.0 if high > low else max(abs(high) / 10, 0.5)
        return cls(low - spare, high + spare, start, stop)

    def place(self, value: float) -> float:
        """Where on the paper `value` stands."""
        return round(self._start + (value - self.low) / (self.high - self.low) * (self._stop - self._start), 1)

    @property
    def ticks(self) -> list[float]:
        """Round numbers on the axis, at most six."""
        raw = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(raw))
        width = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= raw)
        first = math.ceil(self.low / width)
        return [number * width for number in range(first, math.floor(self.high / width) + 1)]


def _points(curve: Curve) -> list[tuple[int, float]]:
    """The points of the curve, thinned out where there are more than the picture has room for."""
    points = list(zip(curve.steps, curve.values, strict=True))
    return points[:: -(-len(points) // MAX_POINTS)]


def _grid(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for tick in up.ticks:
        y = up.place(tick)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#e3e7ee"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{tick:.6g}</text>')
    for tick in across.ticks:
        x = across.place(tick)
        if tick == int(tick):
            parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 13}" text-anchor="middle">{tick:.0f}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 5}" text-anchor="middle">step</text>')
    middle = (HEIGHT - BOTTOM + TOP) / 2
    label = f'x="11" y="{middle}" text-anchor="middle" transform="rotate(-90 11 {middle})"'
    return [*parts, f"<text {label}>{escape(LOSS_LABEL)}</text>"]


def _lines(curves: Sequence[Curve], across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for number, (curve, colour) in enumerate(zip(curves, COLOURS, strict=False)):
        places = [(across.place(step), up.place(value)) for step, value in _points(curve)]
        path = " ".join(f"{x:g},{y:g}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if number:
            parts += [f'<circle cx="{x:g}" cy="{y:g}" r="2.5" fill="{colour}"/>' for x, y in places]
        name = f'x="{WIDTH - RIGHT}" y="{TOP + 8 + 13 * number}" text-anchor="end" fill="{colour}"'
        parts.append(f"<text {name}>{escape(curve.label)}</text>")
    return parts
