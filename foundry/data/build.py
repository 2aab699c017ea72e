"""From a source to token files in a folder: read, divide, train the tokenizer, tokenize, count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from foundry.config import ExperimentConfig
from foundry.data.blocks import BlockDataset
from foundry.data.documents import Document, DocumentSource, Skipped
from foundry.data.increment import DOCUMENTS_FOLDER, Increment, KnownDocuments, grown_sides
from foundry.data.packing import TokenFile, pieces, read_tokens, write_tokens
from foundry.data.progress import Progress, Report
from foundry.data.sources import document_sources, local_tokenizer
from foundry.data.split import Documents, Side, divided
from foundry.data.spool import DocumentSpool
from foundry.data.tokenizers import Tokenizer, load_tokenizer
from foundry.errors import UserError
from foundry.files import sha256_of, write_json

FORMAT_VERSION = 1
TRAINING_FILE = "train.bin"
VALIDATION_FILE = "validation.bin"
TOKENIZER_FOLDER = "tokenizer"
STATISTICS_FILE = "statistics.json"

TOKENIZER_SAMPLE_BYTES = {"bpe": 64_000_000, "sentencepiece": 8_000_000}
"""A tokenizer is trained on a random part of the training documents where these are more than this."""


class DataBuild:
    """One preparation of an experiment's data.

    Args:
        config: the experiment, with its git revision resolved.
        folder: an empty folder, which will hold the token files, the tokenizer and the statistics.
        report: takes lines for the user.
        increment: train on what is new since an earlier run, with its tokenizer; None trains on the whole corpus.
    """

    def __init__(
        self, config: ExperimentConfig, folder: Path, report: Report | None, increment: Increment | None = None
    ) -> None:
        self._config = config
        self._folder = folder
        self._report = report
        self._increment = increment
        self._skipped = Skipped()

    def run(self) -> None:
        """Fill the folder.

        Raises:
            UserError: the corpus is broken, empty or too small, or does not go with the tokenizer.
        """
        spools = [self._read(source) for source in document_sources(self._config)]
        if self._increment is not None:
            statistics = self._of_increment(spools, self._increment)
        else:
            training, validation = self._sides(spools)
            tokenizer = self._tokenizer(training)
            statistics = self._written(tokenizer, training, validation, KnownDocuments.of(training, validation))
            self._check_length(statistics["tokens_before_packing"]["training"])
        for spool in self._folder.glob("*.spool"):
            spool.unlink()
        write_json(self._folder / STATISTICS_FILE, statistics)
        if self._report is not None and (summary := self._skipped.summary()):
            self._report(f"left out: {summary}")

    def _of_increment(self, spools: list[DocumentSpool], increment: Increment) -> dict[str, Any]:
        """Prepare what is new, however little; its statistics."""
        sides = grown_sides(spools, increment, self._config.has_validation)
        tokenizer = load_tokenizer(increment.tokenizer)
        statistics = self._written(tokenizer, sides.training, sides.validation, sides.known)
        parts = {"new": sides.new, "context": sides.context}
        statistics["increment"] = {
            "origin": increment.origin,
            "documents": {name: len(part.hashes()) for name, part in parts.items()},
            "bytes": {name: part.num_bytes for name, part in parts.items()},
        }
        if self._report is not None:
            num, size = statistics["increment"]["documents"], statistics["increment"]["bytes"]
            self._report(
                f"training on {num['new']:,} new document{'s' * (num['new'] != 1)} ({size['new']:,} bytes) and "
                f"{num['context']:,} old one{'s' * (num['context'] != 1)} ({size['context']:,} bytes) as context"
            )
        return statistics

    def _written(
        self, tokenizer: Tokenizer, training: Documents, validation: Documents | None, known: KnownDocuments
    ) -> dict[str, Any]:
        """Put everything into the folder but the statistics, which are returned."""
        tokenizer.save(self._folder / TOKENIZER_FOLDER)
        known.write(self._folder)
        files = {TRAINING_FILE: self._write(TRAINING_FILE, tokenizer, training)}
        if validation is not None:
            files[VALIDATION_FILE] = self._write(VALIDATION_FILE, tokenizer, validation)
        return self._statistics(tokenizer, {"training": training, "validation": validation}, files)

    def _sides(self, spools: list[DocumentSpool]) -> tuple[Side, Side | None]:
        if len(spools) == 2:
            self._report_shared(*spools)
            return Side(spools[0]), Side(spools[1])
        if self._config.data.validation_fraction == 0:
            return Side(spools[0]), None
        return divided(spools[0], self._config.data.validation_fraction)

    def _read(self, source: DocumentSource) -> DocumentSpool:
        spool = DocumentSpool(
            self._folder / f"{len(list(self._folder.glob('*.spool')))}.spool", self._config.random_seed
        )
        spool.write(source.documents(self._skipped, Progress(self._report)))
        if len(spool) == 0:
            left_out = self._skipped.summary()
            raise UserError(
                f"{source.description} holds no text to train on" + (f"; left out: {left_out}" if left_out else "")
            )
        return spool

    def _report_shared(self, training: DocumentSpool, test: DocumentSpool) -> None:
        shared = int(np.isin(test.hashes, training.hashes).sum())
        if shared and self._report is not None:
            self._report(f"{shared} of {len(test)} documents of data.test_corpus also stand in data.training_corpus")

    def _tokenizer(self, training: Side) -> Tokenizer:
        settings = self._config.tokenizer
        if settings.tokenizer_type == "pretrained":
            return self._pretrained()
        sample = training.sample(TOKENIZER_SAMPLE_BYTES[settings.tokenizer_type])
        texts = self._reported(sample)
        if settings.tokenizer_type == "bpe":
            from foundry.data.fast_tokenizer import FastTokenizer

            return FastTokenizer.train(texts, settings.vocab_size)
        from foundry.data.sentencepiece_tokenizer import SentencePieceTokenizer

        return SentencePieceTokenizer.train(texts, settings.vocab_size)

    def _pretrained(self) -> Tokenizer:
        folder = local_tokenizer(self._config)
        if folder is not None:
            return load_tokenizer(folder)
        from foundry.data.fast_tokenizer import FastTokenizer

        assert self._config.tokenizer.name_or_path is not None
        return FastTokenizer.pretrained(self._config.tokenizer.name_or_path)

    def _reported(self, sample: Side) -> Iterator[str]:
        """The texts that a tokenizer is trained on."""
        progress = Progress(self._report)
        total, done = sample.num_bytes, 0
        for document in sample:
            assert isinstance(document, Document)
            yield from pieces(document.body)
            done += len(document.text.encode())
            progress.update(f"training the tokenizer: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB read")
        progress.update("training the tokenizer: choosing the vocabulary")

    def _write(self, name: str, tokenizer: Tokenizer, side: Documents) -> TokenFile:
        return write_tokens(self._folder / name, tokenizer, side, Progress(self._report))

    def _check_length(self, num_tokens: int) -> None:
        block_size = self._config.data.max_sequence_length
        if num_tokens < block_size:
            raise UserError(
                f"the training documents give {num_tokens} tokens, fewer than one block of {block_size} "
                "(data.max_sequence_length): add text, or make the blocks shorter"
            )

    def _statistics(
        self, tokenizer: Tokenizer, sides: dict[str, Documents | None], files: dict[str, TokenFile]
    ) -> dict[str, Any]:
        """What happened to the corpus, as plain JSON values."""
        block_size = self._config.data.max_sequence_length
        statistics: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "vocab_size": tokenizer.vocab_size,
            "block_size": block_size,
            "documents": {},
            "bytes": {},
            "tokens_before_packing": {},
            "tokens_after_packing": {},
            "blocks": {},
            "padding": {},
            "skipped": self._skipped.as_statistics(),
        }
        for (side_name, side), (file_name, file) in zip(sides.items(), files.items(), strict=False):
            assert side is not None
            tokens = read_tokens(self._folder / file_name, tokenizer.vocab_size)
            blocks = BlockDataset(tokens, block_size, tokenizer.pad_id)
            statistics["documents"][side_name] = file.num_documents
            statistics["bytes"][side_name] = side.num_bytes
            statistics["tokens_before_packing"][side_name] = file.num_tokens
            statistics["tokens_after_packing"][side_name] = len(blocks) * block_size - blocks.num_padding
            statistics["blocks"][side_name] = len(blocks)
            statistics["padding"][side_name] = blocks.num_padding
        statistics["files"] = {
            name: {"sha256": file.sha256, "bytes": file.num_bytes} for name, file in files.items()
        } | self._described(TOKENIZER_FOLDER, DOCUMENTS_FOLDER)
        return statistics

    def _described(self, *folders: str) -> dict[str, dict[str, Any]]:
        return {
            path.relative_to(self._folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
            for folder in folders
            for path in sorted((self._folder / folder).iterdir())
        }
