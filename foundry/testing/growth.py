"""Reads back what a run was trained on, to compare it with what a repository holds."""

from __future__ import annotations

from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.data.documents import Document, Skipped
from foundry.data.packing import read_tokens
from foundry.data.processor import load_prepared
from foundry.data.progress import Progress
from foundry.data.sources import document_sources, source_identity
from foundry.trainer import TrainingReport
from foundry.untrusted import read_json


def texts_of(config: ExperimentConfig) -> set[str]:
    """What the documents of the corpus hold now, as the tokenizer sees them."""
    pinned, _ = source_identity(config)
    documents = document_sources(pinned)[0].documents(Skipped(), Progress(None))
    return {document.body for document in documents if isinstance(document, Document)}


def documents_in(report: TrainingReport, name: str) -> set[str]:
    """The documents in a token file that a run was trained on, decoded.

    Args:
        name: `train.bin` or `validation.bin`.
    """
    expected = read_json(report.run_folder / "data.json", 1_000_000)["files"][name]["sha256"]
    for statistics in Path(report.run_folder.parent, ".data").glob("*/statistics.json"):
        if read_json(statistics, 1_000_000)["files"][name]["sha256"] == expected:
            prepared = load_prepared(statistics.parent)
            break
    else:
        raise FileNotFoundError(f"no prepared data holds the {name} of {report.run_folder}")
    tokenizer = prepared.tokenizer
    texts: set[str] = set()
    ids: list[int] = []
    for token in read_tokens(prepared.folder / name, tokenizer.vocab_size).tolist():
        if token == tokenizer.eos_id:
            texts.add(tokenizer.decode([number for number in ids if number not in tokenizer.marker_ids.values()]))
            ids = []
        else:
            ids.append(token)
    return texts
