"""From the records of a repository to the folder of sequences that a model is trained on.

The folder is what `data.prepared` of an experiment names: token files and those beside them, the tokenizer and
statistics as `foundry.data.build` writes them; and `metadata.jsonl`, with a line for each sequence.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from foundry.config import ExperimentConfig
from foundry.data.build import (
    FORMAT_VERSION,
    TOKENIZER_FOLDER,
    TOKENIZER_SAMPLE_BYTES,
    TRAINING_FILE,
    VALIDATION_FILE,
    read_blocks,
)
from foundry.data.documents import Skipped
from foundry.data.increment import DOCUMENTS_FOLDER, KnownDocuments
from foundry.data.packing import PackedTokens, TokenFile, pieces, write_packed
from foundry.data.prepared_folder import STATISTICS_FILE
from foundry.data.pretrained_tokenizer import pretrained_tokenizer
from foundry.data.progress import Progress, Report
from foundry.data.tokenizers import Tokenizer
from foundry.errors import UserError
from foundry.files import flush_to_disk, new_folder, remove_folder, remove_remains, sha256_of, write_json
from foundry.pipeline.config import TokenizeConfig
from foundry.pipeline.encoding import encoded_batches
from foundry.pipeline.held_out import RULE, Ages, Division, KnownCommit, KnownFile, changes_of, disproportion, divided
from foundry.pipeline.known_lines import KnownLines, all_lines, lines_of_file, new_lines
from foundry.pipeline.marked_documents import (
    MarkedDocument,
    document_of_commit,
    document_of_file,
)
from foundry.pipeline.near_duplicates import near_duplicates
from foundry.pipeline.record_places import commits_at, commits_with_places, files_at, files_with_places
from foundry.pipeline.records import COMMITS_FILE, FILES_FILE
from foundry.pipeline.sequence_packing import SequencePacking

METADATA_FILE = "metadata.jsonl"
MAX_NAMED_DUPLICATES = 50
SIDES = ("training", "validation")


@dataclass(frozen=True)
class SideFiles:
    """What was written of one side.

    Attributes:
        num_bytes: of its documents, as UTF-8.
        hashes: of its documents, 64 bits each.
    """

    file: TokenFile
    packing: SequencePacking
    num_bytes: int
    hashes: list[int]


def write_side(
    path: Path,
    packing: SequencePacking,
    tokenizer: Tokenizer,
    sources: Mapping[str, Iterable[MarkedDocument]],
    metadata: TextIO,
    progress: Progress,
) -> SideFiles:
    """Put the documents of each source into sequences at `path`, and a line on each sequence into `metadata`."""
    hashes: list[int] = []
    sizes: list[int] = []
    as_json = json.JSONEncoder(ensure_ascii=False).encode

    def counted(documents: Iterable[MarkedDocument]) -> Iterator[MarkedDocument]:
        for document in documents:
            hashes.append(document.content_hash)
            sizes.append(document.num_bytes)
            yield document

    def parts() -> Iterator[PackedTokens]:
        for source, documents in sources.items():
            for packed in packing.stream(source, encoded_batches(tokenizer, counted(documents))):
                metadata.writelines(f"{as_json(note)}\n" for note in packing.taken_notes())
                yield packed

    file = write_packed(path, tokenizer.vocab_size, parts(), progress, with_starts=True, with_targets=True)
    return SideFiles(file, packing, sum(sizes), hashes)


class SequencesBuild:
    """One tokenizing of a repository's records.

    Args:
        history: the folder of the records.
        settings: the section `tokenize`.
        experiment: says how the tokenizer is made.
        report: takes lines for the user.
    """

    def __init__(
        self, history: Path, settings: TokenizeConfig, experiment: ExperimentConfig, report: Report | None
    ) -> None:
        self._commits = history / COMMITS_FILE
        self._files = history / FILES_FILE
        self._settings = settings
        self._experiment = experiment
        self._report = report
        self._left_out = Skipped()
        self._near_duplicates: dict[str, Any] = {"count": 0, "examples": []}

    def write(self, target: Path) -> dict[str, Any]:
        """Put the sequences into `target`, in place of what may be there; the statistics.

        The folder that `target` is in must belong to this process alone.

        Raises:
            UserError: there is too little to learn from, or a setting does not go with it.
            FoundryError: the records are damaged.
        """
        remove_remains(target.parent)
        division = self._division()
        staged = target.with_name(f"incoming-{target.name}")
        shutil.rmtree(staged, ignore_errors=True)
        with new_folder(staged) as folder:
            statistics = self._fill(folder, division)
        if target.exists():
            remove_folder(target)
        staged.rename(target)
        flush_to_disk(target.parent)
        if self._report is not None and (summary := self._left_out.summary()):
            self._report(f"left out: {summary}")
        return statistics

    def _division(self) -> Division:
        ages = Ages()
        commits = self._known_commits(ages)
        if not commits:
            raise UserError("the repository holds no commit to learn from")
        files = sorted(self._known_files(ages), key=lambda file: (file.first, file.path))
        if self._settings.near_duplicates is not None:
            files = self._without_near_duplicates(files, self._settings.near_duplicates)
        division = divided(commits, files, self._settings.validation_fraction, self._left_out)
        if division.cutoff is None:
            return division
        division = self._without_known_lines(division)
        if self._report is not None and (note := disproportion(division, self._settings.validation_fraction)):
            self._report(note)
        return division

    def _without_known_lines(self, division: Division) -> Division:
        """The division without what is after the cutoff and consists of older lines for the most part."""
        commits = [commit.place for commit in division.training_commits]
        files = [file.place for file in division.training_files]
        lines = itertools.chain(
            map(all_lines, commits_at(self._commits, commits)), map(lines_of_file, files_at(self._files, files))
        )
        new = division.validation_commits, division.validation_files
        documents = itertools.chain(
            map(new_lines, commits_at(self._commits, [commit.place for commit in new[0]])),
            map(lines_of_file, files_at(self._files, [file.place for file in new[1]])),
        )
        known = KnownLines.among(documents, lines)
        names = [commit.hash[:12] for commit in new[0]] + [file.path for file in new[1]]
        is_known = [known.are_most(number) for number in range(len(names))]
        for name in itertools.compress(names, is_known):
            self._left_out.add("after the cutoff with lines that train for the most part", name)
        return replace(
            division,
            validation_commits=[commit for number, commit in enumerate(new[0]) if not is_known[number]],
            validation_files=[file for number, file in enumerate(new[1]) if not is_known[len(new[0]) + number]],
        )

    def _known_commits(self, ages: Ages) -> list[KnownCommit]:
        progress = Progress(self._report)
        found = []
        for number, (place, record) in enumerate(commits_with_places(self._commits), start=1):
            ages.learn(record)
            size, said = document_of_commit(record).num_bytes, record["committer"]["time"]
            found.append(KnownCommit(place, record["hash"], said, size, changes_of(record)))
            progress.update(f"reading the history: {number:,} commits")
        return [commit._replace(time=ages.of_commits.of(commit.hash, commit.time)) for commit in found]

    def _known_files(self, ages: Ages) -> Iterator[KnownFile]:
        for place, record in files_with_places(self._files):
            document = document_of_file(record)
            yield KnownFile(place, document.name, *ages.of_file(record), document.num_bytes)

    def _without_near_duplicates(self, files: list[KnownFile], threshold: float) -> list[KnownFile]:
        """The files without those that are almost copies of older ones."""
        records = files_at(self._files, [file.place for file in files])
        progress = Progress(self._report)
        left_out: set[int] = set()
        for duplicate in near_duplicates((record["text"] for record in records), threshold):
            left_out.add(duplicate.number)
            name, kept = files[duplicate.number].path, files[duplicate.kept].path
            self._left_out.add("near-duplicate", name)
            if len(left_out) <= MAX_NAMED_DUPLICATES:
                example = {"file": name, "kept": kept, "similarity": duplicate.similarity}
                self._near_duplicates["examples"].append(example)
            progress.update(f"comparing {len(files):,} files: {len(left_out):,} are almost copies")
        self._near_duplicates["count"] = len(left_out)
        return [file for number, file in enumerate(files) if number not in left_out]

    def _fill(self, folder: Path, division: Division) -> dict[str, Any]:
        tokenizer = self._tokenizer(division)
        tokenizer.save(folder / TOKENIZER_FOLDER)
        with (folder / METADATA_FILE).open("x", encoding="utf-8") as metadata:
            written = {
                side: self._write(folder / name, side, tokenizer, division, metadata)
                for side, name in zip(SIDES, (TRAINING_FILE, VALIDATION_FILE), strict=True)
                if side == "training" or division.cutoff is not None
            }
        hashes = [np.unique(np.array(each.hashes, dtype=np.uint64)) for each in written.values()]
        KnownDocuments(hashes[0], hashes[1] if len(hashes) > 1 else hashes[0][:0]).write(folder)
        statistics = self._statistics(folder, tokenizer, division, written)
        write_json(folder / STATISTICS_FILE, statistics)
        return statistics

    def _documents(self, division: Division, side: str, source: str) -> Iterator[MarkedDocument]:
        """The documents of a side and a source, in the order of time."""
        places = [known.place for known in getattr(division, f"{side}_{source}s")]
        if source == "commit":
            yield from map(document_of_commit, commits_at(self._commits, places))
        else:
            yield from map(document_of_file, files_at(self._files, places))

    def _tokenizer(self, division: Division) -> Tokenizer:
        """Trained on the training side alone, or a pretrained one."""
        settings = self._experiment.tokenizer
        if settings.tokenizer_type == "pretrained":
            return pretrained_tokenizer(self._experiment)
        texts = self._tokenizer_texts(division, TOKENIZER_SAMPLE_BYTES[settings.tokenizer_type])
        if settings.tokenizer_type == "bpe":
            from foundry.data.fast_tokenizer import FastTokenizer

            return FastTokenizer.train(texts, settings.vocab_size)
        from foundry.data.sentencepiece_tokenizer import SentencePieceTokenizer

        return SentencePieceTokenizer.train(texts, settings.vocab_size)

    def _tokenizer_texts(self, division: Division, max_bytes: int) -> Iterator[str]:
        """The training texts; of more than `max_bytes`, documents at even distances in time."""
        sizes = [commit.num_bytes for commit in division.training_commits]
        total = sum(sizes) + sum(file.num_bytes for file in division.training_files)
        share, due = min(1.0, max_bytes / max(total, 1)), 0.0
        progress = Progress(self._report)
        for source in ("file", "commit"):
            for document in self._documents(division, "training", source):
                due += share
                if due >= 1.0 or share == 1.0:
                    due -= 1.0
                    yield from (piece for part in document.parts for piece in pieces(part.text))
                    progress.update("training the tokenizer: reading")
        progress.update("training the tokenizer: choosing the vocabulary")

    def _write(self, path: Path, side: str, tokenizer: Tokenizer, division: Division, metadata: TextIO) -> SideFiles:
        packing = SequencePacking(side, self._settings.sequence_length, self._settings.overlap, tokenizer.pad_id)
        sources = {source: self._documents(division, side, source) for source in ("commit", "file")}
        written = write_side(path, packing, tokenizer, sources, metadata, Progress(self._report))
        if packing.num_targets == 0:
            raise UserError(
                f"nothing is left on the {side} side of the history; change tokenize.validation_fraction "
                f"({self._settings.validation_fraction:g}), or set it to 0"
            )
        return written

    def _statistics(
        self, folder: Path, tokenizer: Tokenizer, division: Division, written: dict[str, SideFiles]
    ) -> dict[str, Any]:
        length = self._settings.sequence_length
        blocks = {
            side: read_blocks(folder / name, tokenizer, length, each.file.files)
            for (side, each), name in zip(written.items(), (TRAINING_FILE, VALIDATION_FILE), strict=False)
        }
        return {
            "format_version": FORMAT_VERSION,
            "vocab_size": tokenizer.vocab_size,
            "block_size": length,
            "overlap": self._settings.overlap,
            "documents": {side: each.file.num_documents for side, each in written.items()},
            "bytes": {side: each.num_bytes for side, each in written.items()},
            "tokens_before_packing": {side: each.packing.num_tokens for side, each in written.items()},
            "tokens_after_packing": {side: each.file.num_tokens for side, each in written.items()},
            "blocks": {side: len(blocks[side]) for side in written},
            "sequences": {side: each.packing.num_sequences for side, each in written.items()},
            "padding": {side: each.file.num_padding for side, each in written.items()},
            "targets": {side: each.packing.num_targets for side, each in written.items()},
            "cut_prompts": 0,
            "held_out": {"rule": RULE, "cutoff": division.cutoff},
            "near_duplicates": self._near_duplicates,
            "skipped": self._left_out.as_statistics(),
            "files": {
                name: {"sha256": file.sha256, "bytes": file.num_bytes}
                for each in written.values()
                for name, file in each.file.files.items()
            }
            | _described(folder, METADATA_FILE, f"{TOKENIZER_FOLDER}/*", f"{DOCUMENTS_FOLDER}/*"),
        }


def _described(folder: Path, *patterns: str) -> dict[str, dict[str, Any]]:
    paths = itertools.chain.from_iterable(sorted(folder.glob(pattern)) for pattern in patterns)
    return {
        path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size} for path in paths
    }
