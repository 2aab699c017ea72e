"""A small repository whose files are about different things, to be asked by meaning."""

from __future__ import annotations

from foundry.testing.written_history import SampleCommit

ATTEMPTS = '''"""Talks to the billing service."""

import time


def send_with_attempts(request, send, attempts=5):
    """Send a request again after a failure, waiting twice as long each time."""
    pause = 0.5
    for number in range(attempts):
        try:
            return send(request)
        except ConnectionError:
            if number == attempts - 1:
                raise
            time.sleep(pause)
            pause *= 2
'''
CSV = '''"""Reads tables of prices."""


def parse_row(line, separator=","):
    """Split a line of a CSV file into cells; a cell in quotes may hold the separator."""
    cells, cell, quoted = [], "", False
    for character in line:
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            cells.append(cell)
            cell = ""
        else:
            cell += character
    return [*cells, cell]
'''
THEME = '''"""Colours of the window."""

DARK = {"background": "#101418", "text": "#e6e6e6", "accent": "#4fa3ff"}
LIGHT = {"background": "#ffffff", "text": "#202020", "accent": "#0057b8"}


def theme(name):
    """The palette of colours that the user has chosen."""
    return DARK if name == "dark" else LIGHT
'''
ABOUT_DIFFERENT_THINGS = [
    SampleCommit("Repeat a request that has failed, with growing pauses", {"billing/client.py": ATTEMPTS}),
    SampleCommit("Read price lists from comma separated values", {"prices/table.py": CSV}),
    SampleCommit("A dark and a light palette for the window", {"window/colours.py": THEME}),
]


def long_file(num_functions: int, last: str) -> str:
    """Python code of many dull functions, with `last` at its end."""
    dull = [
        f"def shelf_{number}(boxes):\n"
        f'    """Count the boxes on shelf {number} of the store room."""\n'
        f"    return sum(1 for box in boxes if box.shelf == {number})\n"
        for number in range(num_functions)
    ]
    return "\n\n".join([*dull, last])


def function_of(number: int) -> str:
    """Python code of one function that is a piece by itself; another number gives another one."""
    return (
        f"def area_{number}(width, height, unit):\n"
        f'    """The area of part {number}, in square millimetres.\n\n'
        f"    Width and height are those of the plate that part {number} is cut from, in the given unit, which is\n"
        f"    one of millimetre, centimetre and metre. Both must not be negative.\n"
        f'    """\n'
        f"    if width < 0 or height < 0:\n"
        f'        raise ValueError("part {number} has a negative side")\n'
        f"    return {number * 7 + 3} * MILLIMETRES[unit] ** 2 * width * height\n"
    )


def area_commits(count: int, functions: int = 1) -> list[SampleCommit]:
    """Commits that add a file with so many such functions each."""
    return [
        SampleCommit(f"Add the area of part {number}", {f"shapes/part_{number}.py": _module(number, functions)})
        for number in range(count)
    ]


def _module(number: int, functions: int) -> str:
    """Code of so many functions, of which no two modules share one."""
    return "\n\n".join(function_of(number + 1000 * place) for place in range(functions))
