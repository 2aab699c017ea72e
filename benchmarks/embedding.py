"""Embedding beside the library's own `encode`, the padding that each reads, and a second run with nothing new.

    python benchmarks/embedding.py [--texts 192] [--rounds 3]

The same texts, model and batch size, taking turns in one process. `given order` hands the library one batch after the
other as they come; `library` hands it all at once, and it sorts them by their characters; `foundry` sorts them by their
tokens. The texts are pieces of the standard library's modules, as they would be embedded of a repository.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from alternating import report, seconds_of

from foundry.embeddings.pieces import pieces_of
from foundry.testing.indexing import Indexing, counted_padding, embedder
from foundry.testing.written_history import SampleCommit

BATCH_SIZE = 32


def pieces(count: int) -> list[str]:
    """So many pieces of source text and single lines of it, mixed."""
    modules = sorted(Path(random.__file__).parent.glob("*.py"))
    found = [piece.text for module in modules for piece in pieces_of(module.read_text(encoding="utf-8"))]
    draw = random.Random(1)
    chosen = draw.sample(found, count)
    return [text if draw.random() < 0.5 else text.splitlines()[0] for text in chosen]


def in_given_order(texts: list[str]) -> None:
    """One batch after the other, as they come."""
    for begin in range(0, len(texts), BATCH_SIZE):
        embedder().model.encode(texts[begin : begin + BATCH_SIZE], batch_size=BATCH_SIZE, show_progress_bar=False)


def compare_rates(texts: list[str], rounds: int) -> None:
    """Print the rate of each side, and the tokens that it reads, padding included."""
    model = embedder().model
    peers = {
        "given order": lambda: in_given_order(texts),
        "library": lambda: model.encode(texts, batch_size=BATCH_SIZE, show_progress_bar=False),
        "foundry": lambda: list(embedder().documents(texts, BATCH_SIZE)),
    }
    tokens = {}
    for name, peer in peers.items():
        with counted_padding(embedder()) as shapes:
            peer()
        tokens[name] = sum(rows * columns for rows, columns in shapes)
    medians = seconds_of(peers, rounds)
    rows = [
        {
            "peer": name,
            "texts/s": len(texts) / seconds,
            "tokens read": tokens[name],
            "rate over library": medians["library"] / seconds,
        }
        for name, seconds in medians.items()
    ]
    report(f"{len(texts)} texts, batches of {BATCH_SIZE}, median of {rounds}", rows)


def compare_runs(texts: list[str]) -> None:
    """Print how long the phase takes at first, with nothing new, and with one more commit."""
    files = {f"module_{number}.py": text for number, text in enumerate(texts)}
    with tempfile.TemporaryDirectory() as name:
        indexing = Indexing(folder=Path(name), commits=[SampleCommit("Add everything", files)])
        more = SampleCommit("One more", {"more.py": texts[0]})
        for run, commits in (("first", []), ("nothing new", []), ("one more commit", [more])):
            indexing.commits += commits
            indexing.scrape()
            started = time.perf_counter()
            indexing.run()
            seconds = time.perf_counter() - started
            if indexing.problem is not None:
                raise indexing.problem
            print(f"{run:>16}: {seconds:8.2f} s, {indexing.timing('texts_embedded'):5.0f} texts embedded")


def main() -> None:
    """Read the command line, and run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=192, help="how many are embedded")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken")
    options = parser.parse_args()
    texts = pieces(options.texts)
    compare_rates(texts, options.rounds)
    compare_runs(texts)


if __name__ == "__main__":
    main()
