"""How well a run's model predicts the validation blocks of the run: with the trainer's own loss, block by block too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from foundry.config import ExperimentConfig
from foundry.data.batches import IGNORED_LABEL, Batch, batch_of, sequential_batches
from foundry.data.blocks import BlockDataset
from foundry.data.processor import DataProcessor, PreparedData, data_fingerprint, load_prepared
from foundry.data.progress import Progress, Report
from foundry.errors import FoundryError
from foundry.evaluation.behaviour.figures import distribution
from foundry.training.incremental import ORIGIN_FOLDER, read_increment
from foundry.training.lifecycle import Run
from foundry.training.loop import amp_dtype_of, batch_loss, count_targets

if TYPE_CHECKING:
    from foundry.data.increment import Increment
    from foundry.data.tokenizers import Tokenizer

MAX_SINGLE_BLOCKS = 200
"""Of so many blocks, evenly spread, the perplexity is computed for each by itself."""
LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class HeldOut:
    """How well validation blocks are predicted.

    Attributes:
        loss: mean over the target tokens, in nats; what training calls the validation loss.
        bits_per_byte: the same in bits, over the UTF-8 bytes of the text of these tokens: comparable between
            tokenizers.
        block_perplexities: of single blocks, in the order of the corpus.
    """

    loss: float
    targets: int
    blocks: int
    bits_per_byte: float
    block_perplexities: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, with the perplexity."""
        return {
            "loss": self.loss,
            "perplexity": perplexity(self.loss),
            "bits_per_byte": round(self.bits_per_byte, 4),
            "targets": self.targets,
            "blocks": self.blocks,
            "single_blocks": list(self.block_perplexities),
            "distribution": distribution(self.block_perplexities),
        }


def perplexity(loss: float) -> float:
    """The exponential of a loss in nats a token."""
    return math.exp(min(loss, LARGEST_EXPONENT))


def data_of_run(run: Run, config: ExperimentConfig, report: Report | None) -> PreparedData:
    """The blocks that a run was trained on: from the cache beside it, else made again from its corpus.

    Raises:
        FoundryError: the corpus is gone, or is another one now.
    """
    increment = _increment(run, config)
    cache = config.data.cache_dir or run.folder.parent / ".data"
    folder = cache / data_fingerprint(config, run.record.source_identity or "", increment)
    if folder.is_dir():
        data = load_prepared(folder)
    else:
        data_config = config.data.model_copy(update={"cache_dir": cache})
        data = DataProcessor(config.model_copy(update={"data": data_config}), report, increment).prepare()
    if data.digest != run.record.data_digest:
        raise FoundryError("the corpus is no longer what the run was trained on")
    return data


def _increment(run: Run, config: ExperimentConfig) -> Increment | None:
    origin = run.record.grown_from
    return None if origin is None else read_increment(run.folder / ORIGIN_FOLDER, origin.fingerprint, config)


@torch.no_grad()
def predicted(
    model: nn.Module,
    validation: BlockDataset,
    tokenizer: Tokenizer,
    config: ExperimentConfig,
    report: Report | None,
) -> HeldOut:
    """Predict the validation blocks as training does, and some of them one by one.

    Args:
        model: on the device that computes.
    """
    model.eval()
    at_most = config.data.max_validation_blocks
    total, targets, blocks, num_bytes = 0.0, 0, 0, 0
    progress = Progress(report)
    for batch in sequential_batches(validation, config.data.batch_size, at_most):
        total += _loss(model, batch, config)
        targets += count_targets(batch.labels)
        num_bytes += _text_bytes(batch, tokenizer)
        blocks += len(batch.input_ids)
        progress.update(f"validation: {blocks:,} of {at_most or len(validation):,} blocks")
    if not targets:
        raise FoundryError("no token of the validation blocks counts in a loss")
    single = _single_blocks(model, validation, config, blocks)
    return HeldOut(total / targets, targets, blocks, total / math.log(2) / max(1, num_bytes), single)


def _single_blocks(
    model: nn.Module, validation: BlockDataset, config: ExperimentConfig, count: int
) -> tuple[float, ...]:
    """The perplexities of blocks one by one, spread evenly over those that validation reads."""
    read = np.arange(count) * len(validation) // count
    chosen = read[np.arange(min(count, MAX_SINGLE_BLOCKS)) * count // min(count, MAX_SINGLE_BLOCKS)]
    batches = (batch_of(validation, chosen[number : number + 1]) for number in range(len(chosen)))
    counted = [(batch, count_targets(batch.labels)) for batch in batches]
    return tuple(round(perplexity(_loss(model, batch, config) / targets), 4) for batch, targets in counted if targets)


def _loss(model: nn.Module, batch: Batch, config: ExperimentConfig) -> float:
    return float(batch_loss(model, batch, next(model.parameters()).device, amp_dtype_of(config))[0])


def _text_bytes(batch: Batch, tokenizer: Tokenizer) -> int:
    """UTF-8 bytes of the target tokens of a batch."""
    targets_ML = (batch.labels != IGNORED_LABEL).clone()
    targets_ML[:, 0] = False
    rows = [ids[counts].tolist() for ids, counts in zip(batch.input_ids, targets_ML, strict=True)]
    return sum(len(tokenizer.decode(row).encode("utf-8", "replace")) for row in rows)
