"""The schema of one experiment: what a user may write into a YAML file, and every rule that it must keep.

This module imports nothing heavy: the command line validates, lists and relaunches finished runs without torch.

A field changes the weights of a run unless it is declared with `does_not_change_weights`; the fingerprint that names
the run folder covers the rest (see `ExperimentConfig.fingerprint`).
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

FINGERPRINT_LENGTH = 12


class _DoesNotChangeWeights:
    """Marks a field whose value two launches of one run may disagree on."""


does_not_change_weights = _DoesNotChangeWeights()


def _number_from_text(value: object) -> object:
    """YAML 1.1 reads `3e-4` as text, because it has no dot; a user means the number."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value.strip()):
        number = float(value)
        return int(number) if number.is_integer() and not re.search(r"[.eE]-?", value.replace("e+", "e")) else number
    return value


def _refuse_bool(value: object) -> object:
    """Python counts `true` as 1; nobody who writes `layers: true` means one layer."""
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")
    return value


_as_number = BeforeValidator(lambda value: _number_from_text(_refuse_bool(value)))
Int = Annotated[int, _as_number]
Float = Annotated[float, _as_number]
PositiveInt = Annotated[int, _as_number, Field(ge=1)]
NonNegativeInt = Annotated[int, _as_number, Field(ge=0)]
Probability = Annotated[float, _as_number, Field(ge=0, lt=1, allow_inf_nan=False)]
PositiveFloat = Annotated[float, _as_number, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, _as_number, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of an experiment: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)


class GitConfig(Section):
    """Documents from a git repository: its committed files and its commits. The working tree is not read."""

    repository: str = "."
    """A path inside a working tree, a bare repository, or a URL that `git clone` understands."""
    revision: str = "HEAD"
    """The commit whose files and ancestors are read. A run's own `config.yaml` holds the resolved commit."""
    files: bool = True
    """Read the text files tracked at the revision."""
    commits: bool = True
    """Read the commits reachable from the revision, each with its message and its patch."""
    languages: tuple[str, ...] = ()
    """Languages of the files, such as `python` or `rust`; empty means every text file."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of paths that are left out, such as `vendor/*`."""
    max_file_bytes: PositiveInt = 1_000_000
    """A larger file is left out, and counted."""
    max_commits: NonNegativeInt | None = None
    """Read only the newest commits; null means all."""
    max_patch_bytes: PositiveInt = 20_000
    """A longer patch is cut at a line, and counted."""

    @model_validator(mode="after")
    def _something_is_read(self) -> GitConfig:
        if not (self.files or self.commits):
            raise ValueError("files and commits are both false, so nothing would be read; set one of them to true")
        return self


class DataConfig(Section):
    """Where the documents come from, and how they become batches."""

    git: GitConfig | None = None
    """Read a git repository."""
    source_corpus: Path | None = None
    """Read a folder of text files, a `.txt` or `.jsonl` file, or a folder saved by `datasets` with `input_ids`."""
    training_corpus: Path | None = None
    """Like `source_corpus`, where the corpus is already divided; goes with `test_corpus`."""
    test_corpus: Path | None = None
    """The corpus that validation losses are computed on, with `training_corpus`."""
    text_field: str = "text"
    """The key of the text in a `.jsonl` corpus."""
    batch_size: PositiveInt = 8
    """Blocks in one micro-batch. The global batch is `batch_size * training.gradient_accumulation_steps`."""
    max_sequence_length: Annotated[int, _as_number, Field(ge=2)] = 256
    """Tokens in one block, and the context of the model."""
    validation_fraction: Probability = 0.1
    """The share of the documents, by bytes, that is kept for validation; 0 trains without validation."""
    num_workers: Annotated[NonNegativeInt, does_not_change_weights] = 0
    """Background threads that assemble batches. The order of batches does not depend on it."""
    cache_dir: Annotated[Path | None, does_not_change_weights] = None
    """Where tokenized corpora are kept; null means `<training.output_dir>/.data`."""

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        named = [name for name in ("git", "source_corpus", "training_corpus") if getattr(self, name) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none"
            raise ValueError(f"needs exactly one of git, source_corpus and training_corpus, found {found}")
        if self.test_corpus is not None and self.training_corpus is None:
            raise ValueError("test_corpus goes with training_corpus; use validation_fraction with another source")
        return self


class TokenizerConfig(Section):
    """How text becomes token numbers."""

    tokenizer_type: Literal["bpe", "sentencepiece", "pretrained"] = "bpe"
    """Byte-level BPE or SentencePiece trained on the training documents, or a pretrained one."""
    vocab_size: Annotated[int, _as_number, Field(ge=300)] = 4096
    """The size of a trained vocabulary, special tokens included. A small corpus may give fewer."""
    name_or_path: str | None = None
    """The pretrained tokenizer: a folder, or a name on the model hub."""
    output_dir: Annotated[Path | None, does_not_change_weights] = None
    """Where trained tokenizers are also saved, for use elsewhere; null means in the run alone."""

    @model_validator(mode="after")
    def _pretrained_has_a_name(self) -> TokenizerConfig:
        if self.tokenizer_type == "pretrained" and self.name_or_path is None:
            raise ValueError("tokenizer_type pretrained needs name_or_path: a folder or a name on the model hub")
        if self.tokenizer_type != "pretrained" and self.name_or_path is not None:
            raise ValueError(
                f"name_or_path is read only with tokenizer_type pretrained, not {self.tokenizer_type}; remove one"
            )
        return self


class ModelConfig(Section):
    """The shape of the network."""

    architecture: str = "decoder"
    """`decoder` is our own; any other value is a model type of `transformers`, such as `gpt2` or `llama`."""
    layers: PositiveInt = 4
    """Transformer blocks."""
    hidden_size: PositiveInt = 256
    """The width of the residual stream."""
    embedding_size: PositiveInt | None = None
    """The width of the token embedding; null means `hidden_size`. A smaller one is projected up (decoder only)."""
    intermediate_hidden_size: PositiveInt | None = None
    """The inner width of the feed-forward layer; null means 8/3 of `hidden_size`, rounded up to 32 (others: 4 times)."""
    attention_heads: PositiveInt = 4
    """Query heads."""
    key_value_heads: PositiveInt | None = None
    """Key and value heads, for grouped-query attention; null means `attention_heads`."""
    activation_function: Literal["silu", "gelu", "relu"] = "silu"
    """The gate of the feed-forward layer (decoder), or its activation (others)."""
    dropout: Probability = 0.0
    """Dropout on the embedding and on each residual branch."""
    attention_dropout: Probability = 0.0
    """Dropout on the attention weights."""
    tie_embeddings: bool = True
    """The output layer shares the matrix of the token embedding."""
    rope_theta: PositiveFloat = 10_000.0
    """The base of the rotary embedding's wavelengths (Su et al. 2021, section 3.2.2)."""
    rms_norm_epsilon: PositiveFloat = 1e-5
    """Added to the mean square before the root is taken."""
    architecture_options: dict[str, Any] = Field(default_factory=dict)
    """Further keys of the `transformers` configuration; not for `decoder`."""

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelConfig:
        if self.hidden_size % self.attention_heads:
            raise ValueError(
                f"hidden_size ({self.hidden_size}) must be divisible by attention_heads ({self.attention_heads})"
            )
        if self.key_value_heads is not None and self.attention_heads % self.key_value_heads:
            raise ValueError(
                f"attention_heads ({self.attention_heads}) must be divisible by key_value_heads ({self.key_value_heads})"
            )
        return self

    @model_validator(mode="after")
    def _decoder_rules(self) -> ModelConfig:
        if self.architecture == "decoder":
            if (self.hidden_size // self.attention_heads) % 2:
                raise ValueError(
                    f"hidden_size / attention_heads is {self.hidden_size // self.attention_heads}; rotary embedding "
                    "needs an even number: change one of them"
                )
            if self.architecture_options:
                raise ValueError("architecture_options is read only with a transformers architecture; remove it")
        elif self.embedding_size not in (None, self.hidden_size):
            raise ValueError(
                f"embedding_size ({self.embedding_size}) must equal hidden_size ({self.hidden_size}) "
                f"for architecture {self.architecture}"
            )
        return self


class TrainingConfig(Section):
    """How the weights are updated, when that is looked at, and when it ends."""

    output_dir: Annotated[Path, does_not_change_weights] = Path("runs")
    """Where run folders are made."""
    learning_rate: PositiveFloat = 1e-3
    """The highest learning rate, reached at the end of the warm-up."""
    learning_rate_schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """What follows the warm-up."""
    min_learning_rate_ratio: Annotated[float, _as_number, Field(ge=0, le=1)] = 0.1
    """The last learning rate, as a share of the highest (not for `constant`)."""
    adam_beta1: Probability = 0.9
    adam_beta2: Probability = 0.95
    adam_epsilon: PositiveFloat = 1e-8
    weight_decay: NonNegativeFloat = 0.1
    """Decoupled weight decay, on matrices only (Loshchilov and Hutter 2019)."""
    epochs: PositiveInt | None = None
    """How often every block is seen; give this or `train_steps`."""
    train_steps: PositiveInt | None = None
    """How many optimizer updates are made."""
    warmup_steps: NonNegativeInt | None = None
    """Steps of linear warm-up; null means `warmup_ratio` of all steps."""
    warmup_ratio: Probability = 0.05
    use_amp: bool = False
    """Compute in `amp_dtype` where autocast deems it safe; the weights stay in float32."""
    amp_dtype: Literal["bfloat16", "float16"] = "bfloat16"
    """float16 needs a GPU, where its gradients are scaled."""
    gradient_accumulation_steps: PositiveInt = 1
    """Micro-batches in one step."""
    max_grad_norm: PositiveFloat | None = 1.0
    """Gradients are scaled down to this global norm; null leaves them as they are."""
    evaluation_interval: PositiveInt | None = None
    """Steps between validation losses; null means a tenth of all steps. The last step is always evaluated."""
    early_stopping_patience: PositiveInt | None = None
    """Evaluations without improvement after which training stops; null never stops early."""
    early_stopping_min_delta: NonNegativeFloat = 0.0
    """An improvement is a loss below the best one by more than this."""
    checkpoint_schedule: Annotated[tuple[PositiveInt, ...] | None, does_not_change_weights] = None
    """The steps after which a checkpoint is saved. The last step, and each new best, are always saved."""
    auto_generate_checkpoints: Annotated[bool, does_not_change_weights] = True
    """Without `checkpoint_schedule`, make one from the four keys below."""
    first_epoch_checkpoints: Annotated[PositiveInt, does_not_change_weights] = 10
    """Checkpoints in the first epoch, evenly spaced."""
    subsequent_epochs_spacing: Annotated[Literal["linear", "log"], does_not_change_weights] = "log"
    """Later epochs: as often as the first (`linear`), or at powers of `log_base` steps after the epoch's start."""
    log_base: Annotated[int, _as_number, Field(ge=2), does_not_change_weights] = 2
    min_checkpoint_interval: Annotated[PositiveInt, does_not_change_weights] = 25
    """Scheduled checkpoints are at least this many steps apart."""
    keep_checkpoints: Annotated[PositiveInt | None, does_not_change_weights] = 3
    """The newest checkpoints that stay on disk, beside the best one; null keeps all."""
    use_gradient_checkpointing: Annotated[bool, does_not_change_weights] = False
    """Recompute activations in the backward pass: less memory, about a third more time, the same numbers."""
    use_tf32: bool = False
    """Let a GPU round float32 products to TensorFloat-32."""
    device: Annotated[str, does_not_change_weights] = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""

    @field_validator("checkpoint_schedule")
    @classmethod
    def _schedule_ascends(cls, steps: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if steps is not None and list(steps) != sorted(set(steps)):
            raise ValueError(f"must be ascending steps without repetition, got {list(steps)}")
        return steps

    @model_validator(mode="after")
    def _length_and_warmup(self) -> TrainingConfig:
        if (self.epochs is None) == (self.train_steps is None):
            found = "neither" if self.epochs is None else "both"
            raise ValueError(f"needs exactly one of epochs and train_steps, found {found}")
        if self.warmup_steps is not None and self.train_steps is not None and self.warmup_steps >= self.train_steps:
            raise ValueError(f"warmup_steps ({self.warmup_steps}) must be below train_steps ({self.train_steps})")
        return self


class ArtifactsConfig(Section):
    """Where the best checkpoint is published when training has stopped."""

    store: Annotated[Literal["local"], does_not_change_weights] = "local"
    path: Annotated[Path, does_not_change_weights] = Path("artifacts")
    """The folder of the local store."""
    keep_local_checkpoints: Annotated[bool, does_not_change_weights] = False
    """Keep the run's checkpoints after the store has confirmed the published one."""


class GenerationConfig(Section):
    """Defaults for generating from the model of this experiment."""

    max_new_tokens: Annotated[PositiveInt, does_not_change_weights] = 128
    temperature: Annotated[float, _as_number, Field(ge=0, le=2), does_not_change_weights] = 0.8
    """Divides the logits; 0 takes the likeliest token."""
    top_k: Annotated[NonNegativeInt | None, does_not_change_weights] = 50
    """Draw among the k likeliest tokens; 0 or null means all."""
    top_p: Annotated[Annotated[float, _as_number, Field(gt=0, le=1)] | None, does_not_change_weights] = None
    """Draw among the likeliest tokens that together reach this probability; null means all."""


class LoggingConfig(Section):
    """What is written down while training runs."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], does_not_change_weights] = "INFO"
    dir: Annotated[Path | None, does_not_change_weights] = None
    """Where the log file is written; null means the run folder."""
    log_interval: Annotated[PositiveInt, does_not_change_weights] = 10
    """Steps between two lines of `metrics.jsonl`."""
    use_wandb: Annotated[Literal[False], does_not_change_weights] = False
    """Tracking by Weights & Biases is not part of this version: only false is accepted."""


class ExperimentConfig(Section):
    """One experiment: everything that decides the weights, and where they are put."""

    experiment_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"), does_not_change_weights]
    """Names the run folder: letters, digits, dots, dashes and underscores."""
    random_seed: NonNegativeInt = 42
    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig
    artifacts: ArtifactsConfig = ArtifactsConfig()
    generation: GenerationConfig = GenerationConfig()
    logging: LoggingConfig = LoggingConfig()

    @model_validator(mode="after")
    def _early_stopping_has_validation(self) -> ExperimentConfig:
        if self.training.early_stopping_patience is not None and not self.has_validation:
            raise ValueError(
                "training.early_stopping_patience needs validation losses: set data.validation_fraction above 0 "
                "or name data.test_corpus"
            )
        return self

    @property
    def has_validation(self) -> bool:
        """Whether documents are kept apart for validation."""
        return self.data.test_corpus is not None or self.data.validation_fraction > 0

    @property
    def global_batch_size(self) -> int:
        """Blocks in one step."""
        return self.data.batch_size * self.training.gradient_accumulation_steps

    def fingerprint(self, source_identity: str) -> str:
        """A short digest of everything that changes the weights.

        Args:
            source_identity: what the corpus holds, see `foundry.data.sources.source_identity`; the places it was
                read from do not count.
        """
        settings = weight_settings(self)
        for place in ("git", "source_corpus", "training_corpus", "test_corpus"):
            if settings["data"].get(place) is not None:
                settings["data"][place] = _without_places(settings["data"][place])
        settings["source"] = source_identity
        canonical = json.dumps(settings, sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def _without_places(value: Any) -> Any:
    """The source identity speaks for what stands at a path or a revision."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if key not in ("repository", "revision")}
    return "given"


def weight_settings(section: Section) -> dict[str, Any]:
    """The part of a configuration that changes the weights, as plain values."""
    settings: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        if does_not_change_weights in field.metadata:
            continue
        value = getattr(section, name)
        settings[name] = weight_settings(value) if isinstance(value, Section) else value
    return settings
