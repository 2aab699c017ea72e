"""The schema of one experiment: what a user may write into a YAML file, and every rule that it must keep.

This module imports nothing heavy: the command line validates, lists and relaunches finished runs without torch.

A field changes the weights of a run unless it is declared with `does_not_change_weights`; the fingerprint that names
the run folder covers the rest (see `ExperimentConfig.fingerprint`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, field_validator, model_validator

from foundry.config_acceptance import AcceptanceConfig
from foundry.config_evaluation import EvaluationConfig
from foundry.config_fields import (
    MAX_SIZE,
    FilePath,
    FolderName,
    GitArgument,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    Section,
    Text,
    as_number,
    as_whole_number,
    does_not_change_weights,
    matching,
    rule,
)
from foundry.config_model import LoraConfig, ModelConfig
from foundry.config_monitoring import MonitoringConfig

FINGERPRINT_LENGTH = 12
WANDB_ENTITY = "[A-Za-z0-9_-]{1,64}"
WANDB_PROJECT = "[A-Za-z0-9._-]{1,64}"
MAX_ARTIFACT_NAME = 128
"""Characters, in the registry of Weights & Biases."""


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
    """Read a folder of text files, a `.txt` or `.jsonl` file, or a folder saved by `datasets` with `input_ids`; a
    `.jsonl` file alone with another `format` than text."""
    training_corpus: FilePath | None = None
    """Like `source_corpus`, where the corpus is already divided; goes with `test_corpus`."""
    test_corpus: FilePath | None = None
    """The corpus that validation losses are computed on, with `training_corpus`."""
    prepared: FilePath | None = None
    """Read tokens that are made already: the folder `sequences` of a pipeline. It brings its tokenizer, and blocks of
    `max_sequence_length` tokens."""
    text_field: Text = "text"
    """The key of the text in a `.jsonl` corpus of text."""
    format: Literal["text", "prompt_completion", "chat"] = "text"
    """`text` learns every token. The others read a `.jsonl` file and learn targets alone: each `completion` after its
    `prompt`, or the assistant's turns in `messages`, laid out by the tokenizer's chat template (`chat`)."""
    attend_across_documents: StrictBool = True
    """Let a token see the documents before its own in a block; false keeps documents apart and restarts positions."""
    batch_size: PositiveInt = 8
    """Blocks in one micro-batch. The global batch is `batch_size * training.gradient_accumulation_steps`."""
    max_sequence_length: Annotated[int, Field(ge=2, le=MAX_SIZE), BeforeValidator(as_whole_number)] = 256
    """Tokens in one block, and the context of the model."""
    validation_fraction: Probability = 0.1
    """The share of the documents, by bytes, that is kept for validation; 0 trains without validation. The share that
    `prepared` data keeps is decided already, and 0 alone matters there."""
    incremental_context: Annotated[NonNegativeFloat, does_not_change_weights] = 0.1
    """`foundry train --incremental` shows old documents again beside the new ones: drawn by the seed until they have
    so many bytes for each byte of the new ones. Only there it changes weights, and the fingerprint covers it."""
    max_validation_blocks: PositiveInt | None = None
    """Validation losses are computed on so many blocks, evenly spread over the validation documents; null means all."""
    num_workers: Annotated[NonNegativeInt, does_not_change_weights] = 0
    """Background threads that assemble batches. The order of batches does not depend on it."""
    cache_dir: Annotated[FilePath | None, does_not_change_weights] = None
    """Where tokenized corpora are kept; null means `<training.output_dir>/.data`."""

    @rule("git", "source_corpus", "training_corpus", "prepared")
    def _one_source(self) -> str | None:
        sources = ("git", "source_corpus", "training_corpus", "prepared")
        named = [name for name in sources if getattr(self, name) is not None]
        if len(named) == 1:
            return None
        remedy = "set the others to null" if named else "add one, such as `git: {repository: .}`"
        found = " and ".join(named) or "none"
        return f"needs exactly one of git, source_corpus, training_corpus and prepared, found {found}; {remedy}"

    @rule("format", "git")
    def _examples_stand_in_a_file(self) -> str | None:
        if self.format == "text" or self.git is None:
            return None
        return (
            f"format {self.format} reads the lines of a .jsonl file, and git gives text; name the file in "
            "source_corpus, or set format to text"
        )

    @rule("prepared", "format", "text_field")
    def _tokens_are_made_already(self) -> str | None:
        changed = [name for name in ("format", "text_field") if getattr(self, name) != _default_of(self, name)]
        if self.prepared is None or not changed:
            return None
        return (
            f"{changed[0]} ({getattr(self, changed[0])}) is about text, and prepared holds tokens; remove one of them"
        )

    @rule("training_corpus", "test_corpus")
    def _test_goes_with_training(self) -> str | None:
        if self.test_corpus is None or self.training_corpus is not None:
            return None
        return "test_corpus goes with training_corpus; use validation_fraction with another source"


class TokenizerConfig(Section):
    """How text becomes token numbers."""

    tokenizer_type: Literal["bpe", "sentencepiece", "pretrained"] = "bpe"
    """Byte-level BPE or SentencePiece trained on the training documents, or a pretrained one."""
    vocab_size: Annotated[int, Field(ge=300, le=MAX_SIZE), BeforeValidator(as_whole_number)] = 4096
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


class TrainingConfig(Section):
    """How the weights are updated, when that is looked at, and when it ends."""

    output_dir: Annotated[FilePath, does_not_change_weights] = Path("runs")
    """Where run folders are made."""
    learning_rate: PositiveFloat = 1e-3
    """The highest learning rate, reached at the end of the warm-up."""
    learning_rate_schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """What follows the warm-up."""
    min_learning_rate_ratio: Annotated[float, Field(ge=0, le=1), BeforeValidator(as_number)] = 0.1
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
    loss_spike_factor: Annotated[float, Field(gt=1), BeforeValidator(as_number)] | None = None
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
    log_base: Annotated[int, Field(ge=2), BeforeValidator(as_whole_number), does_not_change_weights] = 2
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
        matching(r"auto|cpu|mps|cuda(:\d+)?", "must be auto, cpu, cuda, cuda:<number> or mps"),
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
    temperature: Annotated[float, Field(ge=0, le=2), BeforeValidator(as_number), does_not_change_weights] = 0.8
    """Divides the logits; 0 takes the likeliest token."""
    top_k: Annotated[NonNegativeInt | None, does_not_change_weights] = 50
    """Draw among the k likeliest tokens; 0 or null means all."""
    top_p: Annotated[
        Annotated[float, Field(gt=0, le=1), BeforeValidator(as_number)] | None, does_not_change_weights
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
            matching(WANDB_ENTITY, "must be 1 to 64 letters, digits, dashes and underscores"),
            Field(json_schema_extra={"pattern": f"^{WANDB_ENTITY}$"}),
        ]
        | None
    ) = None
    """The user or team; null means the default of the API key."""
    project: (
        Annotated[
            str,
            matching(WANDB_PROJECT, "must be 1 to 64 letters, digits, dots, dashes and underscores"),
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
    lora: LoraConfig | None = None
    training: TrainingConfig
    artifacts: ArtifactsConfig = ArtifactsConfig()
    generation: GenerationConfig = GenerationConfig()
    logging: LoggingConfig = LoggingConfig()
    evaluation: Annotated[EvaluationConfig, does_not_change_weights] = EvaluationConfig()
    acceptance: Annotated[AcceptanceConfig, does_not_change_weights] = AcceptanceConfig()
    monitoring: Annotated[MonitoringConfig, does_not_change_weights] = MonitoringConfig()
    wandb: Annotated[WandbConfig, does_not_change_weights] = WandbConfig()

    @model_validator(mode="before")
    @classmethod
    def _tokenizer_of_the_model(cls, content: Any) -> Any:
        """A pretrained model is read with its own tokenizer, unless another is named."""
        model = content.get("model") if isinstance(content, dict) else None
        pretrained = model.get("pretrained") if isinstance(model, dict) else None
        if not isinstance(pretrained, str) or content.get("tokenizer") is not None:
            return content
        return {**content, "tokenizer": {"tokenizer_type": "pretrained", "name_or_path": pretrained}}

    @rule("model.pretrained", "tokenizer.tokenizer_type")
    def _tokenizer_fits(self) -> str | None:
        if self.model.pretrained is None or self.tokenizer.tokenizer_type == "pretrained":
            return None
        return (
            f"tokenizer.tokenizer_type {self.tokenizer.tokenizer_type} would number the tokens anew, which the "
            "pretrained model does not know; remove the section tokenizer to use the model's own"
        )

    @rule("data.prepared", "model.pretrained", "tokenizer.tokenizer_type", "tokenizer.vocab_size")
    def _prepared_brings_a_tokenizer(self) -> str | None:
        is_of_model = self.model.pretrained is not None and self.tokenizer.name_or_path == self.model.pretrained
        names = [name for name in _TOKENIZER_KEYS if getattr(self.tokenizer, name) != _default_of(self.tokenizer, name)]
        if self.data.prepared is None or is_of_model or not names:
            return None
        return (
            f"tokenizer.{names[0]} ({getattr(self.tokenizer, names[0])}) is decided by the tokenizer in data.prepared; "
            "remove the section tokenizer"
        )

    @rule("data.format", "tokenizer.tokenizer_type")
    def _chat_has_a_template(self) -> str | None:
        if self.data.format != "chat" or self.tokenizer.tokenizer_type == "pretrained":
            return None
        return (
            f"data.format chat needs the chat template of a pretrained tokenizer, and tokenizer_type is "
            f"{self.tokenizer.tokenizer_type}; name one in tokenizer.name_or_path, or use prompt_completion"
        )

    @rule("lora", "model.pretrained")
    def _adapter_has_a_base(self) -> str | None:
        if self.lora is None or self.model.pretrained is not None:
            return None
        return "lora adapts pretrained weights; name them in model.pretrained, or set lora to null"

    @rule("lora", "model.quantization")
    def _something_is_trained(self) -> str | None:
        if self.lora is not None or self.model.pretrained is None or self.model.quantization == "none":
            return None
        return (
            f"model.quantization {self.model.quantization} leaves nothing that can be trained; add a section lora, "
            "such as `lora: {r: 8}`, or set it to none"
        )

    @rule("lora", "training.use_amp")
    def _precision_is_not_decided_twice(self) -> str | None:
        if self.lora is None or not self.training.use_amp:
            return None
        return (
            "training.use_amp is for weights that are trained whole; with lora, model.compute_dtype decides: remove it"
        )

    @rule("training.early_stopping_patience", "data.validation_fraction", "data.test_corpus")
    def _early_stopping_has_validation(self) -> str | None:
        if self.training.early_stopping_patience is None or self.has_validation:
            return None
        return (
            "training.early_stopping_patience needs validation losses: set data.validation_fraction above 0 "
            "or name data.test_corpus"
        )

    @rule("acceptance.max_perplexity", "data.validation_fraction", "data.test_corpus")
    def _perplexity_has_validation(self) -> str | None:
        if self.acceptance.max_perplexity is None or self.has_validation:
            return None
        return (
            "acceptance.max_perplexity needs documents that are kept for validation: set data.validation_fraction "
            "above 0 or name data.test_corpus"
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
        if self.data.prepared is None:
            del settings["data"]["prepared"]  # a run that was begun before there was this key keeps its fingerprint
        for place in ("git", "source_corpus", "training_corpus", "test_corpus", "prepared"):
            if settings["data"].get(place) is not None:
                settings["data"][place] = _without_places(settings["data"][place])
        settings["source"] = source_identity
        canonical = json.dumps(settings, sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def _default_of(section: Section, key: str) -> Any:
    return type(section).model_fields[key].default


_TOKENIZER_KEYS = ("tokenizer_type", "vocab_size", "name_or_path")
"""What decides tokens."""


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
