"""From a source to token files in a folder: read, divide, train the tokenizer, tokenize, count."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from foundry.config import ExperimentConfig
from foundry.data.blocks import BlockDataset
from foundry.data.documents import Document, DocumentSource, Example, Skipped
from foundry.data.example_encoding import encoder_of
from foundry.data.example_packing import ExamplePacking
from foundry.data.increment import DOCUMENTS_FOLDER, Increment, KnownDocuments, grown_sides
from foundry.data.packing import (
    TokenFile,
    pieces,
    read_flags,
    read_tokens,
    starts_file,
    targets_file,
    write_packed,
    write_tokens,
)
from foundry.data.prepared_folder import STATISTICS_FILE
from foundry.data.pretrained_tokenizer import pretrained_tokenizer
from foundry.data.progress import Progress, Report
from foundry.data.sources import document_sources
from foundry.data.split import Documents, Side, divided
from foundry.data.spool import DocumentSpool
from foundry.data.tokenizers import Tokenizer, load_tokenizer
from foundry.errors import UserError
from foundry.files import sha256_of, write_json

FORMAT_VERSION = 1
TRAINING_FILE = "train.bin"
VALIDATION_FILE = "validation.bin"
TOKENIZER_FOLDER = "tokenizer"

TOKENIZER_SAMPLE_BYTES = {"bpe": 64_000_000, "sentencepiece": 8_000_000}
"""A tokenizer is trained on a random part of the training documents where these are more than this."""


def read_blocks(path: Path, tokenizer: Tokenizer, block_size: int, files: Container[str]) -> BlockDataset:
    """The blocks of a token file.

    Args:
        files: the names of what was written; what stands beside the token file is read where it is among them.
    """
    return BlockDataset(
        read_tokens(path, tokenizer.vocab_size),
        block_size,
        tokenizer.pad_id,
        *(read_flags(file) if file.name in files else None for file in (targets_file(path), starts_file(path))),
    )


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
        self._num_cut = 0

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
        for spool in self._folder.glob("*.spool"):
            spool.unlink()
        write_json(self._folder / STATISTICS_FILE, statistics)
        if self._report is not None and (summary := self._skipped.summary()):
            self._report(f"left out: {summary}")
        if self._report is not None and self._num_cut:
            what = "1 prompt cut at its beginning, to fit into a block with its answer"
            if self._num_cut > 1:
                what = f"{self._num_cut} prompts cut at their beginning, to fit into a block with their answers"
            self._report(what)

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
        if self._increment is None and self._config.data.format == "text":
            self._check_length(files[TRAINING_FILE])
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
        return pretrained_tokenizer(self._config)

    def _reported(self, sample: Side) -> Iterator[str]:
        """The texts that a tokenizer is trained on."""
        progress = Progress(self._report)
        total, done = sample.num_bytes, 0
        for document in sample:
            assert isinstance(document, Document | Example)
            texts = [document.body] if isinstance(document, Document) else document.texts
            for text in texts:
                yield from pieces(text)
                done += len(text.encode())
            progress.update(f"training the tokenizer: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB read")
        progress.update("training the tokenizer: choosing the vocabulary")

    def _write(self, name: str, tokenizer: Tokenizer, side: Documents) -> TokenFile:
        data, progress, path = self._config.data, Progress(self._report), self._folder / name
        with_starts = not data.attend_across_documents
        if data.format == "text":
            documents = (document for document in side if not isinstance(document, Example))
            return write_tokens(path, tokenizer, documents, progress, with_starts=with_starts)
        packing = ExamplePacking(
            encoder_of(data.format, tokenizer), data.max_sequence_length, tokenizer.pad_id, self._skipped
        )
        parts = packing.parts(document for document in side if isinstance(document, Example))
        file = write_packed(path, tokenizer.vocab_size, parts, progress, with_starts=with_starts, with_targets=True)
        self._num_cut += packing.num_cut
        if file.num_documents == 0:
            raise UserError(
                f"every example is longer than a block of {data.max_sequence_length} tokens "
                f"(data.max_sequence_length), so nothing is left for {name}; make the blocks longer"
            )
        return file

    def _check_length(self, training: TokenFile) -> None:
        block_size = self._config.data.max_sequence_length
        if training.num_tokens < block_size:
            raise UserError(
                f"the training documents give {training.num_tokens} tokens, fewer than one block of {block_size} "
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
            "targets": {},
            "cut_prompts": self._num_cut,
            "skipped": self._skipped.as_statistics(),
        }
        for (side_name, side), (file_name, file) in zip(sides.items(), files.items(), strict=False):
            assert side is not None
            blocks = read_blocks(self._folder / file_name, tokenizer, block_size, file.files)
            if blocks.num_targets == 0:
                raise UserError(
                    f"the {side_name} documents hold no token that is predicted from one before it; add text, or set "
                    "data.attend_across_documents to true"
                )
            statistics["documents"][side_name] = file.num_documents
            statistics["bytes"][side_name] = side.num_bytes
            statistics["tokens_before_packing"][side_name] = file.num_tokens
            padding = blocks.num_padding + file.num_padding
            statistics["tokens_after_packing"][side_name] = len(blocks) * block_size - padding
            statistics["blocks"][side_name] = len(blocks)
            statistics["padding"][side_name] = padding
            statistics["targets"][side_name] = blocks.num_targets
        statistics["files"] = {
            name: {"sha256": written.sha256, "bytes": written.num_bytes}
            for file in files.values()
            for name, written in file.files.items()
        } | self._described(TOKENIZER_FOLDER, DOCUMENTS_FOLDER)
        return statistics

    def _described(self, *folders: str) -> dict[str, dict[str, Any]]:
        return {
            path.relative_to(self._folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
            for folder in folders
            for path in sorted((self._folder / folder).iterdir())
        }
