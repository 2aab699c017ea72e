"""One launch of a run: from what is on disk to the stop of training.

This is where the parts meet; each of them knows nothing of the others.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import psutil
import torch
from torch import nn

from foundry import files
from foundry.base_models import ADAPTER_CONFIG_NAME, BaseRecord
from foundry.config import ExperimentConfig
from foundry.data.batches import BatchOrder, BatchSource
from foundry.data.increment import DOCUMENTS_FOLDER, Increment
from foundry.data.processor import DataProcessor, PreparedData
from foundry.data.sources import model_digest
from foundry.environments import record_environment
from foundry.errors import FoundryError
from foundry.evaluation.prompts import PromptFile, load_prompts
from foundry.evaluation.training_info import write_model_info
from foundry.hardware import check_precision, prepare_backend
from foundry.models import create_model, enable_gradient_checkpointing
from foundry.models.boundaries import require_document_boundaries
from foundry.models.io import load_weights
from foundry.models.pretrained import PretrainedFiles, locate, require_libraries
from foundry.monitoring.monitor import Monitor
from foundry.reproducibility import initial_weights_seed
from foundry.training.checkpointing import Checkpoint, CheckpointManager, checkpoint_tensors
from foundry.training.counters import Counters, accepted_state
from foundry.training.early_stopping import EarlyStopping
from foundry.training.events import Listener, Message
from foundry.training.incremental import first_weights
from foundry.training.lifecycle import DATA_NAME, Run
from foundry.training.loop import TrainingLoop
from foundry.training.optimizer import create_optimizer
from foundry.training.parallel import check_parallel, device_of, parallel_model
from foundry.training.processes import Processes
from foundry.training.room import require_room
from foundry.training.schedules import checkpoint_steps, warmup_steps
from foundry.training.shared_checkpoints import SharedCheckpoints
from foundry.training.steps import Outcome, Steps

if TYPE_CHECKING:
    from foundry.models.memory import ModelNumbers


@dataclass(frozen=True)
class Preparation:
    """What is known before a run folder is made.

    Attributes:
        total_steps: the length of the run.
        processes: those that train it.
        numbers: what a pretrained model and its training take, in theory.
        prompts: what the model is asked while it is trained.
    """

    device: torch.device
    data: PreparedData
    order: BatchOrder
    total_steps: int
    processes: Processes
    numbers: ModelNumbers | None = None
    prompts: tuple[PromptFile, ...] = ()


def prepare(
    config: ExperimentConfig, processes: Processes, listen: Listener, increment: Increment | None
) -> Preparation:
    """Check what can be checked and tokenize the corpus, or what is new in it; no run folder is touched.

    Raises:
        UserError: the corpus, the device, the length of the run, the number of processes or the prompts cannot be used.
    """
    check_parallel(config, processes)
    prompts = _prompts(config)
    device = device_of(config.training, processes)
    check_precision(config, device)
    numbers = None
    if config.model.pretrained is not None:
        require_libraries(config.model, config.lora is not None)
        from foundry.training.memory_room import require_memory

        numbers = require_memory(config, device)
    data = DataProcessor(config, lambda text: listen(Message(text)), increment).prepare()
    order = BatchOrder(len(data.training), config.global_batch_size, config.random_seed)
    total_steps = config.training.train_steps or order.total_steps(config.training.epochs or 1)
    warmup_steps(config.training, total_steps)
    return Preparation(device, data, order, total_steps, processes, numbers, prompts)


def _prompts(config: ExperimentConfig) -> tuple[PromptFile, ...]:
    """What the model is to be asked while it is trained."""
    if config.evaluation.every_epochs is None:
        return ()
    from foundry.evaluation.behaviour.grammars import require_grammars

    found = load_prompts(config.evaluation.prompts)
    require_grammars({file.language for file in found})
    return tuple(found)


class Session:
    """Trains one run from its newest whole checkpoint until it stops by itself."""

    def __init__(self, run: Run, config: ExperimentConfig, preparation: Preparation, listen: Listener) -> None:
        self.run = run
        self.config = config
        self.preparation = preparation
        self.listen = listen
        self.processes = preparation.processes
        self.checkpoints = self._checkpoints()
        steps_per_epoch = preparation.order.num_blocks / config.global_batch_size
        self.scheduled = frozenset(checkpoint_steps(config.training, preparation.total_steps, steps_per_epoch))

    def _checkpoints(self) -> CheckpointManager:
        run, training = self.run, self.config.training
        settings = (run.checkpoints, run.record.fingerprint, training.keep_checkpoints, self.warn)
        base_digest = model_digest(run.record.source_identity)
        if self.processes.count == 1:
            return CheckpointManager(*settings, training.checkpoint_milestones, base_digest)
        return SharedCheckpoints(
            *settings,
            training.checkpoint_milestones,
            self.processes,
            in_parts=training.parallel == "fsdp",
            base_digest=base_digest,
        )

    def warn(self, text: str) -> None:
        """Tell the listener something that the user should look at."""
        self.listen(Message(text, warning=True))

    def train(self) -> Outcome:
        """Train to the end; the run is `stopped` afterwards.

        Raises:
            Interrupted: a signal asked to stop; the step was finished and checkpointed.
            LimitReached: the hardware is at a threshold that ends the run; the step was finished and checkpointed.
            FoundryError: what failed; the checkpoints are as they were.
        """
        data = self.preparation.data
        self._record_data(data)
        prepare_backend(self.config.training, self.preparation.device)
        with self._monitor() as monitor, self._batches() as batches:
            loop = self._build(batches)
            tensors = checkpoint_tensors(loop.model, loop.optimizer)
            self.processes.first(lambda: require_room(self.run, self.config, tensors, self.scheduled, self.warn))
            counters = self.restore(loop)
            next_step = min(counters.step + 1, self.preparation.total_steps)
            reason = f"step {next_step} of {self.preparation.total_steps} is next"
            self.run.move("training", reason, steps_done=counters.step)
            if self.processes.is_first:
                record_environment(self.run.folder, self.config, next_step=counters.step + 1)
            return Steps(self, loop, counters, monitor).run()

    def _monitor(self) -> Monitor:
        settings, device = self.config.monitoring, self.preparation.device
        return Monitor(settings, self.run.folder, device, self.processes.is_first, self.listen)

    def _record_data(self, data: PreparedData) -> None:
        """Keep what the run is trained on, or refuse to go on with another corpus."""
        begun_with = self.run.record.data_digest
        if begun_with is not None and begun_with != data.digest:
            raise FoundryError(
                f"{self.run.folder}: this run was begun on other tokens (digest {begun_with[:12]}, now "
                f"{data.digest[:12]}); restore that corpus, or start anew by another experiment_name"
            )
        self.processes.first(lambda: self._write_data(data))
        self.run.note(
            data_digest=data.digest,
            total_steps=self.preparation.total_steps,
            vocabulary_size=data.tokenizer.vocab_size,
        )

    def _write_data(self, data: PreparedData) -> None:
        if not self.run.tokenizer.exists():
            with files.new_folder(self.run.tokenizer) as folder:
                data.tokenizer.save(folder)
        if not (self.run.folder / DOCUMENTS_FOLDER).exists():
            with files.new_folder(self.run.folder / DOCUMENTS_FOLDER) as folder:
                shutil.copytree(data.folder / DOCUMENTS_FOLDER, folder, dirs_exist_ok=True)
        files.write_json(self.run.folder / DATA_NAME, data.statistics)

    @contextmanager
    def _batches(self) -> Iterator[BatchSource]:
        source = BatchSource(self.preparation.data.training, self.preparation.order, self.config.data.num_workers)
        try:
            yield source
        finally:
            source.close()

    def _build(self, batches: BatchSource) -> TrainingLoop:
        """The model with its initial weights, its optimizer, and the loop over both."""
        torch.manual_seed(initial_weights_seed(self.config.random_seed))
        model = self._model()
        if (path := first_weights(self.run)) is not None:
            load_weights(model, path)
        if not self.config.data.attend_across_documents:
            require_document_boundaries(model)
        if self.config.training.use_gradient_checkpointing:
            enable_gradient_checkpointing(model)
        parallel = parallel_model(model, self.config.training, self.preparation.device, self.processes)
        optimizer = create_optimizer(model, self.config.training)
        return TrainingLoop(
            model,
            optimizer,
            batches,
            self.config,
            self.preparation.total_steps,
            self.preparation.device,
            self.processes,
            parallel,
        )

    def _model(self) -> nn.Module:
        """The model with its initial weights, drawn from torch's global generator or pretrained, on the device."""
        config, device = self.config, self.preparation.device
        vocab_size = self.preparation.data.tokenizer.vocab_size
        if config.model.pretrained is None:
            return create_model(config.model, vocab_size, config.data.max_sequence_length).to(device)
        from foundry.models.loading import load_pretrained, require_fit

        found = locate(config.model)
        program_bytes = psutil.Process().memory_info().rss
        model = load_pretrained(found, config.model, config.lora, device, lambda text: self.listen(Message(text)))
        require_fit(model, vocab_size, config.data.max_sequence_length)
        self.processes.first(lambda: self._record_base(found, model, program_bytes))
        return model

    def _record_base(self, found: PretrainedFiles, model: nn.Module, program_bytes: int) -> None:
        digest = model_digest(self.run.record.source_identity)
        assert digest is not None, "the run's identity covers its pretrained weights"
        described = cast(Any, model).config.to_dict()
        record = BaseRecord(reference=found.reference, revision=found.revision, digest=digest, config=described)
        record.write(self.run.folder)
        assert self.preparation.numbers is not None
        write_model_info(self.run.folder, self.config, model, self.preparation.numbers.as_dict(), program_bytes)
        if self.config.lora is not None:
            from foundry.models.adapter import adapter_description

            files.write_json(self.run.folder / ADAPTER_CONFIG_NAME, adapter_description(model, found.reference))

    def restore(self, loop: TrainingLoop) -> Counters:
        """Put the newest whole checkpoint into `loop`; its counters, or those of a run that begins.

        Raises:
            FoundryError: there were checkpoints, and none is left that is whole.
        """
        training = self.config.training
        fresh = EarlyStopping(training.early_stopping_patience, training.early_stopping_min_delta)
        found = self.checkpoints.restore(
            checkpoint_tensors(loop.model, loop.optimizer), lambda content: accepted_state(content, loop.scaler)
        )
        if found is None:
            if self.run.record.steps_done:
                raise FoundryError(
                    f"{self.checkpoints.folder}: the run had come to step {self.run.record.steps_done}, and its "
                    "checkpoints are gone. Put one back from a copy, or remove the run folder to start anew"
                )
            return Counters(step=0, early_stopping=fresh, micro_batch_size=self.config.data.batch_size)
        checkpoint, counters = found
        loop.micro_batch_size = min(counters.micro_batch_size, self.config.data.batch_size)
        self._tell_restored(checkpoint)
        return counters.with_patience(fresh.patience, fresh.min_delta)

    def _tell_restored(self, checkpoint: Checkpoint) -> None:
        self.listen(Message(f"going on at step {checkpoint.step + 1}, from checkpoint {checkpoint.folder.name}"))
