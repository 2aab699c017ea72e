"""Bars for HTML pages, in the colours of the page, light or dark, without a library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, BASE = 640, 150, 128
GAP = 0.2
"""Of a column's place, between it and the next."""


def bar_rows(rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar for each row: name, value, and the value in words; the largest fills the width."""
    largest = max((value for _, value, _ in rows), default=0) or 1
    lines = [
        f"<tr><th>{escape(name)}</th><td>"
        f'<div class="bar" style="width:{100 * value / largest:.1f}%"></div></td><td>{escape(words)}</td></tr>'
        for name, value, words in rows
    ]
    return f'<div class="wide"><table class="bars">{"".join(lines)}</table></div>'


def columns(values: Sequence[tuple[str, int]]) -> str:
    """A column for each value as SVG, with its name and number as a hint; the first and the last name stand below."""
    largest = max((value for _, value in values), default=0) or 1
    width = WIDTH / max(1, len(values))
    parts = []
    for number, (name, value) in enumerate(values):
        height = (BASE - 14) * value / largest
        parts.append(
            f'<rect x="{number * width:.2f}" y="{BASE - height:.2f}" width="{width * (1 - GAP):.2f}" '
            f'height="{height:.2f}"><title>{escape(name)}: {value:,}</title></rect>'
        )
    parts.append(f'<text x="0" y="{HEIGHT - 6}">{escape(values[0][0])}</text>' if values else "")
    parts.append(
        f'<text x="{WIDTH}" y="{HEIGHT - 6}" text-anchor="end">{escape(values[-1][0])}</text>' if values else ""
    )
    parts.append(f'<text x="0" y="10">{largest:,}</text>')
    drawing = f'<svg class="columns" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'
    return f'<figure class="plain">{drawing}</figure>'
