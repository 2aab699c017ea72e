"""Tokenizing and packing beside the tokenizer library's own batch encoding, and the memory that a corpus takes.

usage: python benchmarks/tokenizing.py [--megabytes 4] [--rounds 5] [--memory 10 200] [--sequences]

The rate: the same documents, trained tokenizer and threads, alternating in one process. Ours goes from
documents to a token file (markers, end of text, digest, bytes on disk); the library's goes from texts to its encodings.
With `--sequences`, ours goes from the records of files, as scraping leaves them, to overlapping sequences
with their metadata, as the pipeline's phase does.
The memory: each corpus is prepared from start to end by a process of its own, whose peak is read from the system.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from foundry.config import DataConfig, ExperimentConfig, TokenizerConfig, TrainingConfig
from foundry.data import DataProcessor
from foundry.data.documents import Document
from foundry.data.fast_tokenizer import FastTokenizer
from foundry.data.packing import write_tokens
from foundry.data.progress import Progress
from foundry.pipeline.marked_documents import document_of_file
from foundry.pipeline.record_places import files_with_places
from foundry.pipeline.records import FILES_FILE
from foundry.pipeline.sequence_packing import SequencePacking
from foundry.pipeline.sequences import write_side
from foundry.testing.invented_history import History

VOCAB_SIZE = 4096
DOCUMENT_BYTES = 4_000


def source_texts(num_bytes: int) -> Iterator[str]:
    """Python source text: pieces of the standard library's modules, shuffled and repeated up to `num_bytes`."""
    modules = sorted(Path(random.__file__).parent.glob("*.py"))
    text = "".join(module.read_text(encoding="utf-8", errors="replace") for module in modules)
    starts = list(range(0, len(text), DOCUMENT_BYTES))
    random.Random(1).shuffle(starts)
    written = 0
    while written < num_bytes:
        for start in starts:
            piece = f"# copy {written}\n{text[start : start + DOCUMENT_BYTES]}"
            written += len(piece.encode())
            yield piece
            if written >= num_bytes:
                return


def compare_rates(megabytes: int, rounds: int) -> None:
    """Print the median rate of each side, and their ratio."""
    texts = list(source_texts(megabytes * 1_000_000))
    tokenizer = FastTokenizer.train(texts, VOCAB_SIZE)
    library = tokenizer.backend
    documents = [Document("text", str(number), text) for number, text in enumerate(texts)]
    num_tokens = sum(len(encoding.ids) for encoding in library.encode_batch(texts, add_special_tokens=False))
    seconds: dict[str, list[float]] = {"encode_batch": [], "foundry": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            started = time.perf_counter()
            encodings = library.encode_batch(texts, add_special_tokens=False)
            seconds["encode_batch"].append(time.perf_counter() - started)
            del encodings
            started = time.perf_counter()
            write_tokens(Path(folder) / f"{number}.bin", tokenizer, documents, Progress(None))
            seconds["foundry"].append(time.perf_counter() - started)
    print_rates(seconds, num_tokens)


def compare_sequence_rates(megabytes: int, rounds: int) -> None:
    """Print the median rates of the pipeline's tokenizing and of the library, and their ratio."""
    texts = list(source_texts(megabytes * 1_000_000))
    tokenizer = FastTokenizer.train(texts, VOCAB_SIZE)
    seconds: dict[str, list[float]] = {"encode_batch": [], "foundry": []}
    with tempfile.TemporaryDirectory() as name:
        history = History(Path(name))
        history.commit("0", {f"file_{number}.py": text for number, text in enumerate(texts)})
        records = history.write() / FILES_FILE
        contents = [part.text for _, record in files_with_places(records) for part in document_of_file(record).parts]
        num_tokens = sum(len(encoding.ids) for encoding in tokenizer.backend.encode_batch(contents))
        for number in range(rounds):
            started = time.perf_counter()
            encodings = tokenizer.backend.encode_batch(contents, add_special_tokens=False)
            seconds["encode_batch"].append(time.perf_counter() - started)
            del encodings
            started = time.perf_counter()
            documents = (document_of_file(record) for _, record in files_with_places(records))
            packing = SequencePacking("training", 256, 32, tokenizer.pad_id)
            with (Path(name) / f"{number}.jsonl").open("x", encoding="utf-8") as metadata:
                path = Path(name) / f"{number}.bin"
                write_side(path, packing, tokenizer, {"file": documents}, metadata, Progress(None))
            seconds["foundry"].append(time.perf_counter() - started)
    print_rates(seconds, num_tokens)


def print_rates(seconds: dict[str, list[float]], num_tokens: int) -> None:
    """Print the median rate of each side, and the ratio of ours."""
    rates = {name: num_tokens / statistics.median(taken) for name, taken in seconds.items()}
    for name, rate in rates.items():
        print(f"{name:>14}: {rate:12,.0f} tokens/s (median of {len(seconds[name])}, {num_tokens:,} tokens)")
    print(f"{'ratio':>14}: {rates['foundry'] / rates['encode_batch']:.2f}")


def peak_megabytes() -> float:
    """The most memory that this process has held, or inherited as a peak."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def prepare_alone(folder: Path) -> None:
    """Prepare the corpus in `folder`, and print this process's peak memory in megabytes and the time taken."""
    before = peak_megabytes()
    started = time.perf_counter()
    config = ExperimentConfig(
        experiment_name="memory",
        data=DataConfig(source_corpus=folder / "corpus.jsonl", cache_dir=folder / "cache"),
        tokenizer=TokenizerConfig(vocab_size=VOCAB_SIZE),
        training=TrainingConfig(train_steps=1),
    )
    prepared = DataProcessor(config).prepare()
    seconds = time.perf_counter() - started
    tokens = sum(prepared.statistics["tokens_after_packing"].values())
    peak = peak_megabytes()
    print(
        f"peak {peak:,.0f} MB (before: {before:,.0f} MB), {seconds:.0f} s from source to token files, {tokens:,} tokens"
    )


def compare_memory(sizes: list[int]) -> None:
    """Print the peak memory of preparing a corpus of each size, in megabytes."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            with (Path(name) / "corpus.jsonl").open("w", encoding="utf-8") as stream:
                for text in source_texts(size * 1_000_000):
                    stream.write(json.dumps({"text": text}) + "\n")
            done = subprocess.run(
                [sys.executable, __file__, "--prepare", name], capture_output=True, text=True, check=True
            )
        print(f"{size:>11} MB: {done.stdout.strip()}")


def main() -> None:
    """Read the command line, and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=4, help="text for the comparison of rates")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs="*", default=[10, 200], help="sizes of the corpora, in megabytes")
    parser.add_argument("--sequences", action="store_true", help="compare the pipeline's rate, and nothing else")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.prepare is not None:
        prepare_alone(arguments.prepare)
        return
    if arguments.sequences:
        compare_sequence_rates(arguments.megabytes, arguments.rounds)
        return
    # Memory first: a new process starts with the peak of the one that it was forked from, which must still be small.
    compare_memory(arguments.memory)
    compare_rates(arguments.megabytes, arguments.rounds)


if __name__ == "__main__":
    main()
