"""Redaction: how fast it is on code, and what it takes for a secret there.

usage: python benchmarks/redaction.py [--packages pydantic rich networkx] [--rounds 3] [--examples 0]

The code bases are installed packages and foundry itself, in which no real secret is expected: everything that is
replaced counts as a false positive, until somebody has looked at it (`--examples` shows so many). Beside it: the
library's own plugins, all with their defaults, line by line as the library runs them, on the first of the same lines.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from foundry.pipeline.config import RedactConfig
from foundry.pipeline.redaction import Redactor
from foundry.pipeline.redaction.detection import secrets_in
from foundry.terminal import printable
from foundry.testing.redaction import sources_in

PACKAGES = ["pydantic", "rich", "networkx", "foundry"]
SUFFIXES = ("py", "pyi", "js", "json", "md", "rst", "txt", "toml", "yaml", "yml", "cfg", "html", "css", "c", "h")
LINES_FOR_THE_LIBRARY = 20_000


def texts_of(package: str) -> list[tuple[str, str]]:
    """The paths and texts of a package's files."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed")
    folder = Path(found.origin).parent
    return [text for suffix in SUFFIXES for text in sources_in(folder, f"*.{suffix}")]


def processor_seconds(act: Callable[[], object], rounds: int) -> float:
    """The median of the processor's seconds over so many rounds."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def redact_all(texts: list[tuple[str, str]]) -> Redactor:
    """Redact every text; the redactor has counted."""
    redactor = Redactor(RedactConfig())
    for path, text in texts:
        redactor.redact(text, path)
    return redactor


def report_package(package: str, rounds: int, num_examples: int) -> None:
    """Print the rate on one code base, and what was replaced there."""
    texts = texts_of(package)
    num_bytes = sum(len(text.encode(errors="replace")) for _, text in texts)
    num_lines = sum(text.count("\n") for _, text in texts)
    seconds = processor_seconds(lambda: redact_all(texts), rounds)
    kinds = Counter(span.kind for path, text in texts for span in secrets_in(text, path))
    found = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common()) or "nothing"
    print(
        f"{package:>14}: {num_bytes / 1e6:6.1f} MB, {num_lines:8,} lines, {num_bytes / seconds / 1e6:6.1f} MB/s, "
        f"{1000 * kinds.total() / num_lines:.4f} secrets in 1,000 lines: {found}"
    )
    for example in itertools.islice(examples(texts), num_examples):
        print(f"{'':>14}  {example}")


def examples(texts: list[tuple[str, str]]) -> Iterator[str]:
    """What was replaced, each with what stands around it on its line."""
    for path, text in texts:
        for span in secrets_in(text, path):
            line = text[max(text.rfind("\n", 0, span.start) + 1, span.start - 60) : span.end + 10].split("\n")[0]
            yield f"{span.kind}: {Path(path).name}: {printable(line)}"


def compare_with_library(texts: list[tuple[str, str]], rounds: int) -> None:
    """Print the rate of the library alone on some lines, and how many of them it takes for secrets."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    plugins = [plugin() for plugin in get_mapping_from_secret_type_to_class().values()]
    lines = [line for _, text in texts for line in text.split("\n")][:LINES_FOR_THE_LIBRARY]
    found: Counter[str] = Counter()

    def scan() -> None:
        found.clear()
        for line in lines:
            for plugin in plugins:
                found[plugin.secret_type] += len(plugin.analyze_line("code.py", line))

    seconds = processor_seconds(scan, rounds)
    num_bytes = sum(len(line.encode(errors="replace")) + 1 for line in lines)
    kinds = ", ".join(f"{kind} {number}" for kind, number in found.most_common() if number)
    print(
        f"{'library alone':>14}: {num_bytes / 1e6:6.1f} MB, {len(lines):8,} lines, "
        f"{num_bytes / seconds / 1e6:6.1f} MB/s, {1000 * found.total() / len(lines):.4f} secrets in 1,000 lines: "
        f"{kinds or 'nothing'}"
    )


def main() -> None:
    """Read the command line, and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", nargs="+", default=PACKAGES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--examples", type=int, default=0, help="replaced places to show of each code base")
    arguments = parser.parse_args()
    redact_all([("warm.py", "a = 1\n")])
    for package in arguments.packages:
        report_package(package, arguments.rounds, arguments.examples)
    compare_with_library(texts_of(arguments.packages[0]), 1)


if __name__ == "__main__":
    main()
