"""Runs whose numbers go bad at chosen steps, brought about from outside: by what a checkpoint says of some tokens."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors.torch import load_file

from foundry import manifests
from foundry.config import ExperimentConfig
from foundry.data.batches import BatchOrder, BatchSource
from foundry.data.processor import DataProcessor
from foundry.manifests import WEIGHTS_NAME
from foundry.tensor_files import write_tensors

GPT2_EMBEDDING = "transformer.wte.weight"


def tokens_of_steps(config: ExperimentConfig, steps: Collection[int], others: Collection[int]) -> list[int]:
    """For each of `steps` a token that the model reads in it and in none of `others`.

    Raises:
        AssertionError: the corpus has no such tokens.
    """
    data = DataProcessor(config).prepare()
    source = BatchSource(data.training, BatchOrder(len(data.training), config.global_batch_size, config.random_seed))
    # The model does not read the last token of a block.
    read: dict[int, set[int]] = {
        step: set(source.batch(step).input_ids[:, :-1].flatten().tolist()) for step in {*steps, *others}
    }
    found = {step: read[step].difference(*(read[other] for other in others)) for step in steps}
    lacking = [step for step, tokens in found.items() if not tokens]
    assert not lacking, f"the batches of steps {lacking} hold no token that steps {sorted(others)} do without"
    return sorted({min(tokens) for tokens in found.values()})


def make_tokens_overflow(checkpoint: Path, tokens: Collection[int], embedding: str = GPT2_EMBEDDING) -> None:
    """Rewrite a checkpoint so that the tokens' embeddings are the largest float, of either sign in turn.

    The numbers are finite, and the mean that a layer norm takes of them is not. The manifest lists the new digest.
    """
    # Copies: what was loaded lies in the file that is about to be written anew.
    weights = {name: tensor.clone() for name, tensor in load_file(checkpoint / WEIGHTS_NAME).items()}
    rows = weights[embedding]
    for token in tokens:
        rows[token] = torch.finfo(torch.float32).max
        rows[token, 1::2] *= -1
    manifest = manifests.read_manifest(checkpoint)
    described = {**manifest.files, WEIGHTS_NAME: write_tensors(checkpoint / WEIGHTS_NAME, weights)}
    manifests.store_manifest(checkpoint, manifest.model_copy(update={"files": described}))
