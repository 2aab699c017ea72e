"""The schema of one experiment: what a user may write into a YAML file, and every rule that it must keep.

This module imports nothing heavy: the command line validates, lists and relaunches finished runs without torch.

A field changes the weights of a run unless it is declared with `does_not_change_weights`; the fingerprint that names
the run folder covers the rest (see `ExperimentConfig.fingerprint`).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

FINGERPRINT_LENGTH = 12
NUMBER_PATTERN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""A number that YAML 1.1 may have read as text."""
MAX_NUMBER_CHARACTERS = 100


WANDB_ENTITY = "[A-Za-z0-9_-]{1,64}"
WANDB_PROJECT = "[A-Za-z0-9._-]{1,64}"
MAX_ARTIFACT_NAME = 128
"""Characters, in the registry of Weights & Biases."""


class _DoesNotChangeWeights:
    """Marks a field whose value two launches of one run may disagree on."""


does_not_change_weights = _DoesNotChangeWeights()


def _as_number(value: object) -> object:
    """YAML 1.1 reads `3e-4` as text, because it has no dot; a user means the number."""
    if isinstance(value, str) and len(value) <= MAX_NUMBER_CHARACTERS and re.fullmatch(NUMBER_PATTERN, value):
        value = float(value) if re.search(r"[.eE]", value) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError("must be a number")  # Python counts `true` as 1; who writes `layers: true` does not mean 1
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _as_whole_number(value: object) -> object:
    number = _as_number(value)
    if isinstance(number, float) and not number.is_integer():
        raise ValueError("must be a whole number")
    return number


def _path_from_text(value: object) -> object:
    """A home folder is written `~`, as in a shell."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise ValueError("must name a file or a folder")
    return Path(value).expanduser() if value.startswith("~") else value


def _matching(pattern: str, meaning: str) -> AfterValidator:
    """A text whose form is checked by `pattern`, and explained by `meaning`."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(meaning)
        return value

    return AfterValidator(check)


# The bounds stand before the conversion, which then runs first.
MAX_LAYERS = 10_000
MAX_SIZE = 1 << 24
"""Of one dimension: beyond it a model fits no machine, and its sizes overflow."""
PositiveInt = Annotated[int, Field(ge=1), BeforeValidator(_as_whole_number)]
Dimension = Annotated[int, Field(ge=1, le=MAX_SIZE), BeforeValidator(_as_whole_number)]
NonNegativeInt = Annotated[int, Field(ge=0), BeforeValidator(_as_whole_number)]
Probability = Annotated[float, Field(ge=0, lt=1), BeforeValidator(_as_number)]
PositiveFloat = Annotated[float, Field(gt=0), BeforeValidator(_as_number)]
NonNegativeFloat = Annotated[float, Field(ge=0), BeforeValidator(_as_number)]
Number = Annotated[int | float, BeforeValidator(_as_number)]
FilePath = Annotated[Path, BeforeValidator(_path_from_text), WithJsonSchema({"type": "string", "minLength": 1})]
Text = Annotated[str, Field(min_length=1)]
FolderName = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        "must be 1 to 100 letters, digits, dots, dashes and underscores, and begin with a letter or a digit",
    ),
    Field(json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}),
]
GitArgument = Annotated[
    str,
    _matching(r"[^-](?s:.*)", "must not be empty or begin with a dash"),
    Field(json_schema_extra={"pattern": "^[^-]"}),
]
"""Goes to the command line of git, where a leading dash would make it an option."""

RuleMethod = TypeVar("RuleMethod", bound=Callable[[Any], str | None])


def rule(*keys: str) -> Callable[[RuleMethod], RuleMethod]:
    """Declare a method of a section as a rule over several keys; it gives the sentence to show when it is broken.

    Args:
        keys: what the rule reads, as dotted names below the section. A rule is judged only where these are valid.
    """

    def declare(method: RuleMethod) -> RuleMethod:
        setattr(method, "reads", keys)  # noqa: B010
        return method

    return declare


FIELDS_ONLY = "fields only"
"""The validation context in which rules are left to the caller, who wants to report them beside wrong fields."""


class Section(BaseModel):
    """A part of an experiment: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)

    @model_validator(mode="after")
    def _keeps_its_rules(self, info: ValidationInfo) -> Section:
        broken = [] if info.context == FIELDS_ONLY else [sentence for _, sentence in self.broken_rules()]
        if broken:
            raise ValueError("; ".join(broken))
        return self

    def broken_rules(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The rules of this section alone that do not hold: the keys each reads, and what to tell the user."""
        for member in vars(type(self)).values():
            if hasattr(member, "reads") and (sentence := member(self)) is not None:
                yield member.reads, sentence


class GitConfig(Section):
    """Documents from a git repository: its committed files and its commits. The working tree is not read."""

    repository: GitArgument = "."
    """A path inside a working tree, a bare repository, or a URL that `git clone` understands."""
    revision: GitArgument = "HEAD"
    """The commit whose files and ancestors are read. A run's own `config.yaml` holds the resolved commit."""
    files: StrictBool = True
    """Read the text files tracked at the revision."""
    commits: StrictBool = True
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

    @rule("files", "commits")
    def _something_is_read(self) -> str | None:
        if self.files or self.commits:
            return None
        return "files and commits are both false, so nothing would be read; set one of them to true"


class DataConfig(Section):
    """Where the documents come from, and how they become batches."""

    git: GitConfig | None = None
    """Read a git repository."""
    source_corpus: FilePath | None = None
    """Read a folder of text files, a `.txt` or `.jsonl` file, or a folder saved by `datasets` with `input_ids`."""
    training_corpus: FilePath | None = None
    """Like `source_corpus`, where the corpus is already divided; goes with `test_corpus`."""
    test_corpus: FilePath | None = None
    """The corpus that validation losses are computed on, with `training_corpus`."""
    text_field: Text = "text"
    """The key of the text in a `.jsonl` corpus."""
    batch_size: PositiveInt = 8
    """Blocks in one micro-batch. The global batch is `batch_size * training.gradient_accumulation_steps`."""
    max_sequence_length: Annotated[int, Field(ge=2, le=MAX_SIZE), BeforeValidator(_as_whole_number)] = 256
    """Tokens in one block, and the context of the model."""
    validation_fraction: Probability = 0.1
    """The share of the documents, by bytes, that is kept for validation; 0 trains without validation."""
    max_validation_blocks: PositiveInt | None = None
    """Validation losses are computed on so many blocks, evenly spread over the validation documents; null means all."""
    num_workers: Annotated[NonNegativeInt, does_not_change_weights] = 0
    """Background threads that assemble batches. The order of batches does not depend on it."""
    cache_dir: Annotated[FilePath | None, does_not_change_weights] = None
    """Where tokenized corpora are kept; null means `<training.output_dir>/.data`."""

    @rule("git", "source_corpus", "training_corpus")
    def _one_source(self) -> str | None:
        named = [name for name in ("git", "source_corpus", "training_corpus") if getattr(self, name) is not None]
        if len(named) == 1:
            return None
        remedy = "set the others to null" if named else "add one, such as `git: {repository: .}`"
        found = " and ".join(named) or "none"
        return f"needs exactly one of git, source_corpus and training_corpus, found {found}; {remedy}"

    @rule("training_corpus", "test_corpus")
    def _test_goes_with_training(self) -> str | None:
        if self.test_corpus is None or self.training_corpus is not None:
            return None
        return "test_corpus goes with training_corpus; use validation_fraction with another source"


class TokenizerConfig(Section):
    """How text becomes token numbers."""

    tokenizer_type: Literal["bpe", "sentencepiece", "pretrained"] = "bpe"
    """Byte-level BPE or SentencePiece trained on the training documents, or a pretrained one."""
    vocab_size: Annotated[int, Field(ge=300, le=MAX_SIZE), BeforeValidator(_as_whole_number)] = 4096
    """The size of a trained vocabulary, special tokens included. A small corpus may give fewer."""
    name_or_path: Text | None = None
    """The pretrained tokenizer: a folder, or a name on the model hub."""
    output_dir: Annotated[FilePath | None, does_not_change_weights] = None
    """Where trained tokenizers are also saved, for use elsewhere; null means in the run alone."""

    @rule("tokenizer_type", "name_or_path")
    def _pretrained_has_a_name(self) -> str | None:
        if self.tokenizer_type == "pretrained" and self.name_or_path is None:
            return "tokenizer_type pretrained needs name_or_path: a folder or a name on the model hub"
        if self.tokenizer_type != "pretrained" and self.name_or_path is not None:
            return f"name_or_path is read only with tokenizer_type pretrained, not {self.tokenizer_type}; remove one"
        return None


class ModelConfig(Section):
    """The shape of the network."""

    architecture: Text = "decoder"
    """`decoder` is our own; any other value is a model type of `transformers`, such as `gpt2` or `llama`."""
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS), BeforeValidator(_as_whole_number)] = 4
    """Transformer blocks."""
    hidden_size: Dimension = 256
    """The width of the residual stream."""
    embedding_size: Dimension | None = None
    """The width of the token embedding; null means `hidden_size`. A smaller one is projected up (decoder only)."""
    intermediate_hidden_size: Dimension | None = None
    """The inner width of the feed-forward layer; null means 8/3 of `hidden_size`, rounded up to 32 (others: 4)."""
    attention_heads: Dimension = 4
    """Query heads."""
    key_value_heads: PositiveInt | None = None
    """Key and value heads, for grouped-query attention; null means `attention_heads`."""
    activation_function: Literal["silu", "gelu", "relu"] = "silu"
    """The gate of the feed-forward layer (decoder), or its activation (others)."""
    dropout: Probability = 0.0
    """Dropout on the embedding and on each residual branch."""
    attention_dropout: Probability = 0.0
    """Dropout on the attention weights."""
    tie_embeddings: StrictBool = True
    """The output layer shares the matrix of the token embedding."""
    rope_theta: PositiveFloat = 10_000.0
    """The base of the rotary embedding's wavelengths (Su et al. 2021, section 3.2.2)."""
    rms_norm_epsilon: PositiveFloat = 1e-5
    """Added to the mean square before the root is taken."""
    architecture_options: dict[str, Any] = Field(default_factory=dict)
    """Further keys of the `transformers` configuration; not for `decoder`."""

    @rule("hidden_size", "attention_heads")
    def _heads_divide_the_width(self) -> str | None:
        if self.hidden_size % self.attention_heads == 0:
            return None
        return f"hidden_size ({self.hidden_size}) must be divisible by attention_heads ({self.attention_heads})"

    @rule("attention_heads", "key_value_heads")
    def _key_value_heads_divide_heads(self) -> str | None:
        if self.key_value_heads is None or self.attention_heads % self.key_value_heads == 0:
            return None
        return f"attention_heads ({self.attention_heads}) must be divisible by key_value_heads ({self.key_value_heads})"

    @rule("architecture", "hidden_size", "attention_heads")
    def _rotary_heads_are_even(self) -> str | None:
        width, remainder = divmod(self.hidden_size, self.attention_heads)
        if self.architecture != "decoder" or remainder or width % 2 == 0:
            return None
        return f"hidden_size / attention_heads is {width}; rotary embedding needs an even number: change one of them"

    @rule("architecture", "architecture_options")
    def _options_are_for_others(self) -> str | None:
        if self.architecture != "decoder" or not self.architecture_options:
            return None
        return "architecture_options is read only with a transformers architecture; remove it"

    @rule("architecture", "embedding_size", "hidden_size")
    def _only_the_decoder_projects(self) -> str | None:
        if self.architecture == "decoder" or self.embedding_size in (None, self.hidden_size):
            return None
        return (
            f"embedding_size ({self.embedding_size}) must equal hidden_size ({self.hidden_size}) "
            f"for architecture {self.architecture}"
        )


class TrainingConfig(Section):
    """How the weights are updated, when that is looked at, and when it ends."""

    output_dir: Annotated[FilePath, does_not_change_weights] = Path("runs")
    """Where run folders are made."""
    learning_rate: PositiveFloat = 1e-3
    """The highest learning rate, reached at the end of the warm-up."""
    learning_rate_schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """What follows the warm-up."""
    min_learning_rate_ratio: Annotated[float, Field(ge=0, le=1), BeforeValidator(_as_number)] = 0.1
    """The last learning rate, as a share of the highest (not for `constant`)."""
    adam_beta1: Probability = 0.9
    """Decay of the mean of gradients (Kingma and Ba 2015, algorithm 1)."""
    adam_beta2: Probability = 0.95
    """Decay of the mean of squared gradients."""
    adam_epsilon: PositiveFloat = 1e-8
    """Added to the root of the mean of squares before dividing by it."""
    weight_decay: NonNegativeFloat = 0.1
    """Decoupled weight decay, on matrices only (Loshchilov and Hutter 2019)."""
    epochs: PositiveInt | None = None
    """How often every block is seen; give this or `train_steps`."""
    train_steps: PositiveInt | None = None
    """How many optimizer updates are made."""
    warmup_steps: NonNegativeInt | None = None
    """Steps of linear warm-up; null means `warmup_ratio` of all steps."""
    warmup_ratio: Probability = 0.05
    """The warm-up as a share of all steps, where `warmup_steps` is null."""
    use_amp: StrictBool = False
    """Compute in `amp_dtype` where autocast deems it safe; the weights stay in float32."""
    amp_dtype: Literal["bfloat16", "float16"] = "bfloat16"
    """float16 needs a GPU, where its gradients are scaled."""
    gradient_accumulation_steps: PositiveInt = 1
    """Micro-batches in one step."""
    max_grad_norm: PositiveFloat | None = 1.0
    """Gradients are scaled down to this global norm; null leaves them as they are."""
    evaluation_interval: PositiveInt | None = None
    """Steps between validation losses; null means a tenth of all steps. The last step is always evaluated."""
    max_bad_steps: Annotated[PositiveInt, does_not_change_weights] = 3
    """A step whose loss or gradient is not finite changes no weight; after so many in a row the run fails."""
    loss_spike_factor: Annotated[float, Field(gt=1), BeforeValidator(_as_number)] | None = None
    """A loss above this many times the median of the last 16 takes the run back to its last checkpoint, and the batches
    since then are left out; null never does."""
    early_stopping_patience: PositiveInt | None = None
    """Evaluations without improvement after which training stops; null never stops early."""
    early_stopping_min_delta: NonNegativeFloat = 0.0
    """An improvement is a loss below the best one by more than this."""
    checkpoint_schedule: Annotated[tuple[PositiveInt, ...] | None, does_not_change_weights] = None
    """The steps after which a checkpoint is saved. The last step, and each new best, are always saved."""
    auto_generate_checkpoints: Annotated[StrictBool, does_not_change_weights] = True
    """Without `checkpoint_schedule`, make one from the four keys below."""
    first_epoch_checkpoints: Annotated[PositiveInt, does_not_change_weights] = 10
    """Checkpoints in the first epoch, evenly spaced."""
    subsequent_epochs_spacing: Annotated[Literal["linear", "log"], does_not_change_weights] = "log"
    """Later epochs: as often as the first (`linear`), or at powers of `log_base` steps after the epoch's start."""
    log_base: Annotated[int, Field(ge=2), BeforeValidator(_as_whole_number), does_not_change_weights] = 2
    min_checkpoint_interval: Annotated[PositiveInt, does_not_change_weights] = 25
    """Scheduled checkpoints are at least this many steps apart."""
    keep_checkpoints: Annotated[PositiveInt | None, does_not_change_weights] = 3
    """The newest checkpoints that stay on disk, beside the best one; null keeps all."""
    checkpoint_milestones: Annotated[tuple[PositiveInt, ...], does_not_change_weights] = ()
    """Steps after which a checkpoint is saved that stays while newer ones come and go."""
    async_checkpoints: Annotated[StrictBool, does_not_change_weights] = True
    """Write checkpoints while training goes on, from a copy in memory as large as weights and optimizer state."""
    use_gradient_checkpointing: Annotated[StrictBool, does_not_change_weights] = False
    """Recompute activations in the backward pass: less memory, about a third more time, the same numbers."""
    use_tf32: StrictBool = False
    """Let a GPU round float32 products to TensorFloat-32."""
    device: Annotated[
        str,
        _matching(r"auto|cpu|mps|cuda(:\d+)?", "must be auto, cpu, cuda, cuda:<number> or mps"),
        Field(json_schema_extra={"pattern": r"^(auto|cpu|mps|cuda(:\d+)?)$"}),
        does_not_change_weights,
    ] = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""
    parallel: Annotated[Literal["ddp", "fsdp"], does_not_change_weights] = "ddp"
    """How several processes train: each holds the whole model (`ddp`), or each a part of every matrix (`fsdp`)."""

    @field_validator("checkpoint_schedule", "checkpoint_milestones")
    @classmethod
    def _schedule_ascends(cls, steps: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if steps is not None and list(steps) != sorted(set(steps)):
            raise ValueError("must be ascending steps without repetition")
        return steps

    @rule("epochs", "train_steps")
    def _one_length(self) -> str | None:
        if (self.epochs is None) != (self.train_steps is None):
            return None
        found = "neither" if self.epochs is None else "both; set one to null"
        return f"needs exactly one of epochs and train_steps, found {found}"

    @rule("warmup_steps", "train_steps")
    def _warmup_ends(self) -> str | None:
        if self.warmup_steps is None or self.train_steps is None or self.warmup_steps < self.train_steps:
            return None
        return f"warmup_steps ({self.warmup_steps}) must be below train_steps ({self.train_steps})"

    @rule("use_amp", "amp_dtype", "device")
    def _float16_has_a_gpu(self) -> str | None:
        if not (self.use_amp and self.amp_dtype == "float16" and self.device == "cpu"):
            return None
        return "amp_dtype float16 needs a GPU, but device is cpu; use bfloat16"


class ArtifactsConfig(Section):
    """Where the best checkpoint is published when training has stopped."""

    store: Annotated[Literal["local", "wandb"], does_not_change_weights] = "local"
    """Where published models are kept: `local` is a folder, `wandb` the registry of Weights & Biases."""
    path: Annotated[FilePath, does_not_change_weights] = Path("artifacts")
    """The folder of the local store."""
    upload_timeout: Annotated[PositiveFloat, does_not_change_weights] = 300.0
    """Seconds that an upload to `wandb` may take, retries included; after that the run stays as it is."""
    keep_local_checkpoints: Annotated[StrictBool, does_not_change_weights] = False
    """Keep the run's checkpoints after the store has confirmed the published one."""


class GenerationConfig(Section):
    """Defaults for generating from the model of this experiment."""

    max_new_tokens: Annotated[PositiveInt, does_not_change_weights] = 128
    """The most tokens that are generated after a prompt; the end-of-text token stops earlier."""
    temperature: Annotated[float, Field(ge=0, le=2), BeforeValidator(_as_number), does_not_change_weights] = 0.8
    """Divides the logits; 0 takes the likeliest token."""
    top_k: Annotated[NonNegativeInt | None, does_not_change_weights] = 50
    """Draw among the k likeliest tokens; 0 or null means all."""
    top_p: Annotated[
        Annotated[float, Field(gt=0, le=1), BeforeValidator(_as_number)] | None, does_not_change_weights
    ] = None
    """Draw among the likeliest tokens that together reach this probability; null means all."""


class LoggingConfig(Section):
    """What is written down while training runs."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], does_not_change_weights] = "INFO"
    """The least serious message that goes into the log file."""
    dir: Annotated[FilePath | None, does_not_change_weights] = None
    """Where the log file is written; null means the run folder."""
    log_interval: Annotated[PositiveInt, does_not_change_weights] = 10
    """Steps between two lines of `metrics.jsonl`."""
    use_wandb: Annotated[StrictBool, does_not_change_weights] = False
    """Show the metrics in Weights & Biases, too, see the section `wandb`."""


class WandbConfig(Section):
    """Where in Weights & Biases runs are tracked and models published. The key comes from WANDB_API_KEY or a login."""

    entity: (
        Annotated[
            str,
            _matching(WANDB_ENTITY, "must be 1 to 64 letters, digits, dashes and underscores"),
            Field(json_schema_extra={"pattern": f"^{WANDB_ENTITY}$"}),
        ]
        | None
    ) = None
    """The user or team; null means the default of the API key."""
    project: (
        Annotated[
            str,
            _matching(WANDB_PROJECT, "must be 1 to 64 letters, digits, dots, dashes and underscores"),
            Field(json_schema_extra={"pattern": f"^{WANDB_PROJECT}$"}),
        ]
        | None
    ) = None
    """The project; null means the name of the experiment."""
    mode: Literal["online", "offline", "disabled"] | None = None
    """`offline` sends nothing until `foundry sync` and `foundry publish`, `disabled` never; null means what WANDB_MODE
    says, or `online`."""
    group: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Groups the run with others in the web interface."""


class ExperimentConfig(Section):
    """One experiment: everything that decides the weights, and where they are put."""

    experiment_name: Annotated[FolderName, does_not_change_weights]
    """Names the run folder: letters, digits, dots, dashes and underscores."""
    random_seed: NonNegativeInt = 42
    """Decides the initial weights, the order of the batches, dropout and the split of the documents."""
    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig
    artifacts: ArtifactsConfig = ArtifactsConfig()
    generation: GenerationConfig = GenerationConfig()
    logging: LoggingConfig = LoggingConfig()
    wandb: Annotated[WandbConfig, does_not_change_weights] = WandbConfig()

    @rule("training.early_stopping_patience", "data.validation_fraction", "data.test_corpus")
    def _early_stopping_has_validation(self) -> str | None:
        if self.training.early_stopping_patience is None or self.has_validation:
            return None
        return (
            "training.early_stopping_patience needs validation losses: set data.validation_fraction above 0 "
            "or name data.test_corpus"
        )

    @rule("experiment_name", "wandb.project", "artifacts.store")
    def _artifact_name_fits(self) -> str | None:
        length = len(self.wandb_artifact_name("0" * FINGERPRINT_LENGTH))
        if self.artifacts.store != "wandb" or length <= MAX_ARTIFACT_NAME:
            return None
        return (
            f"experiment_name and wandb.project give an artifact name of {length} characters, and Weights & Biases "
            f"takes {MAX_ARTIFACT_NAME}; shorten one of them"
        )

    @property
    def wandb_project(self) -> str:
        """The project in Weights & Biases."""
        return self.wandb.project or self.experiment_name

    def run_id(self, fingerprint: str) -> str:
        """The name of the run with that fingerprint, here and in Weights & Biases."""
        return f"{self.experiment_name}-{fingerprint}"

    def wandb_artifact_name(self, fingerprint: str) -> str:
        """What that run's model is called in the registry of Weights & Biases."""
        return f"{self.wandb_project}_model-{self.run_id(fingerprint)}"

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
