"""The model that is evaluated, and the one that it is compared with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from foundry.artifacts.download import Fetching
from foundry.artifacts.references import is_reference
from foundry.data.tokenizers import load_tokenizer
from foundry.errors import FoundryError
from foundry.generation.generator import Generator, fresh_model, is_pretrained
from foundry.hardware import choose_device
from foundry.model_files import ModelFiles, opened_model
from foundry.models.factory import create_model
from foundry.models.io import load_weights
from foundry.reproducibility import initial_weights_seed
from foundry.training.incremental import ORIGIN_FOLDER
from foundry.training.lifecycle import RECORD_NAME, Run

NO_BASE = "none"


@dataclass(frozen=True)
class Subject:
    """A model to evaluate.

    Attributes:
        name: of the run or of the folder, without the place where it lies.
        load: gives the model, ready to write.
        files: None for a pretrained model as it is published.
        run: None for a model without its run.
        device: what computes.
    """

    name: str
    load: Callable[[], Generator]
    files: ModelFiles | None
    run: Run | None
    device: torch.device

    def trained_form(self) -> nn.Module:
        """The model in the form that it was trained in, so that its losses are those of training."""
        assert self.files is not None
        if self.files.base is not None:
            from foundry.models.restoring import restored_model

            return restored_model(self.files, self.device, is_to_write=False)
        tokenizer = load_tokenizer(self.files.tokenizer)
        context = self.files.config.data.max_sequence_length
        return fresh_model(self.files, tokenizer.vocab_size, context).to(self.device)


@dataclass(frozen=True)
class Base:
    """A model to compare with; `load` may find that it is gone."""

    name: str
    load: Callable[[], Generator]


def open_subject(reference: str, device: str, how: Fetching, held: contextlib.ExitStack) -> Subject:
    """The model behind a reference, as `foundry generate` takes it; what is fetched stays until `held` ends.

    Raises:
        UserError, FoundryError: see `foundry.model_files.opened_model` and `Generator.load`.
    """
    place = choose_device(device)
    if is_pretrained(reference):
        return Subject(_short(reference), lambda: Generator.load(reference, device), None, None, place)
    found = held.enter_context(opened_model(reference, how))
    folder = Path(reference)
    is_run = not is_reference(reference) and (folder / RECORD_NAME).is_file()
    run = Run.open(folder) if is_run else None
    name = run.record.run_id if run is not None else _short(reference)
    return Subject(name, lambda: Generator.of_files(found, device), found, run, place)


def base_of(subject: Subject, named: str | None, device: str, how: Fetching) -> Base | None:
    """What to compare a model with: the one that is named, else what its training began with.

    Args:
        named: a reference, or `none`.
    """
    if named == NO_BASE or (named is None and subject.files is None):
        return None
    if named is not None:
        return Base(_short(named), lambda: Generator.load(named, device, how))
    files = subject.files
    assert files is not None
    if files.base is None:
        origin = None if subject.run is None else subject.run.record.grown_from
        name = "its initial weights" if origin is None else str(origin)
        return Base(name, lambda: _untrained(subject, files))
    if files.config.lora is not None:
        return Base(_short(files.base.reference), lambda: Generator.of_files(files, device, with_adapter=False))
    return Base(_short(files.base.reference), lambda: _pretrained(subject, files))


def _untrained(subject: Subject, files: ModelFiles) -> Generator:
    """The model before its first step, with the weights that its run began with."""
    tokenizer, config = load_tokenizer(files.tokenizer), files.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(initial_weights_seed(config.random_seed))
        model = create_model(config.model, tokenizer.vocab_size, config.data.max_sequence_length)
    if subject.run is not None and subject.run.record.grown_from is not None:
        path = subject.run.folder / ORIGIN_FOLDER / files.weights.name
        if not path.is_file():
            raise FoundryError(f"the weights of {subject.run.record.grown_from}, which it began with, are gone")
        load_weights(model, path)
    return Generator(model.to(subject.device), tokenizer, config.data.max_sequence_length)


def _pretrained(subject: Subject, files: ModelFiles) -> Generator:
    """The pretrained model that was trained whole, as it is published."""
    from foundry.models.loading import load_unchanged

    assert files.base is not None
    model = load_unchanged(files.base.locate())
    context = files.config.data.max_sequence_length
    return Generator(model.to(subject.device), load_tokenizer(files.tokenizer), context)


def _short(reference: str) -> str:
    """A reference without the folders that it lies in; a name in a registry or on the hub stays whole."""
    if is_reference(reference) or not Path(reference).exists():
        return reference
    return Path(reference).resolve().name
