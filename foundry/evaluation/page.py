"""The parts of an HTML page that loads nothing from outside, and looks like all our pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import foundry

VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
"""In the head of a page: without it a phone shows it as wide as a desk's screen, with letters too small to read."""

STYLE = """
:root { --ink: #1d2430; --soft: #667085; --line: #e3e7ee; --card: #fff; --ground: #f6f7f9; --accent: #3b6fb6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaf0; --soft: #9aa4b5; --line: #323a47; --card: #1c222c; --ground: #13171e; --accent: #7fa9e0; }
  figure { background: #fff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .75rem; }
.state { color: var(--accent); font-weight: 600; }
p.made { color: var(--soft); margin: 0 0 1.5rem; font-size: .9rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; }
section { margin: 0 0 1rem; }
figure { margin: 0 0 1rem; border-radius: .4rem; }
figure:last-child { margin-bottom: 0; }
svg { display: block; width: 100%; height: auto; }
@media (max-width: 46rem) { figure { overflow-x: auto; } figure svg { min-width: 40rem; } }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
th { color: var(--soft); font-weight: 500; }
td { overflow-wrap: anywhere; }
pre { margin: 0; overflow-x: auto; font-size: .85rem; line-height: 1.45; }
summary { cursor: pointer; font-weight: 600; font-size: 1.1rem; }
details[open] summary { margin-bottom: .75rem; }
"""


def page(title: str, state: str, sections: Sequence[str], style: str = "") -> str:
    """A whole page as one HTML text, which tells no time of its making: equal contents make equal pages.

    Args:
        state: stands beside the title.
        sections: HTML, as `section` and `folded` make it.
        style: rules of CSS that this page has beside those of all.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"{VIEWPORT}\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(title)} <span class="state">{escape(state)}</span></h1>\n'
        f'<p class="made">foundry {escape(foundry.__version__)}</p>\n'
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def for_phones(text: str) -> str:
    """A page that others have made, laid out on a phone for the width of the phone."""
    return text if VIEWPORT in text else text.replace("<head>", f"<head>\n    {VIEWPORT}", 1)


def section(title: str, body: str) -> str:
    """A part of a page that is always open; `body` is HTML."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def folded(title: str, body: str) -> str:
    """A part of a page that the reader opens; `body` is HTML."""
    return f"<section>\n<details>\n<summary>{escape(title)}</summary>\n{body}\n</details>\n</section>"


def facts_table(facts: Iterable[tuple[str, Any]]) -> str:
    """Names and values as a table."""
    rows = [f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{_cell(value)}</td></tr>" for name, value in facts]
    return f'<div class="wide"><table>{"".join(rows)}</table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return facts_table((str(name), item) for name, item in value.items()) if value else "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a table; the first is the heading."""
    heading, *body = rows
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in body]
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'
