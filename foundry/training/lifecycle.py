"""A run is a small state machine on disk.

`created -> training -> stopped -> published -> cleaned`, with `interrupted` and `failed` beside `training`. Each
move is written to `run.json` in one rename before the next act begins, so whoever reads it after a kill knows which
act to begin again. This module imports nothing heavy: a finished run is recognised without torch.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from foundry import files
from foundry.errors import UserError
from foundry.untrusted import is_plain_name, read_json, shown

FORMAT_VERSION = 1
RECORD_NAME = "run.json"
CONFIG_NAME = "config.yaml"
METRICS_NAME = "metrics.jsonl"
BEHAVIOUR_NAME = "behaviour.jsonl"
CHECKPOINTS_NAME = "checkpoints"
DATA_NAME = "data.json"
MAX_RECORD_BYTES = 16_000_000
"""Some fifty thousand launches; a larger one is not read."""

State = Literal["created", "training", "interrupted", "failed", "stopped", "published", "cleaned"]

MOVES: dict[State, tuple[State, ...]] = {
    "created": ("training", "interrupted", "failed"),
    "training": ("training", "interrupted", "failed", "stopped"),
    "interrupted": ("training", "interrupted", "failed"),
    "failed": ("training", "interrupted", "failed"),
    "stopped": ("published",),
    "published": ("cleaned",),
    "cleaned": (),
}
"""The moves that are allowed. Only a run that stopped by itself is published, only a published one is cleaned."""


class Moment(BaseModel):
    """One move of the state machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    reason: str
    time: str
    """UTC, ISO 8601, to the second."""
    step: int
    """Steps done at that time."""


class PublishedArtifact(BaseModel):
    """Where the store keeps the published model, and what it confirmed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    location: str
    step: int
    digests: dict[str, str]
    """SHA-256 of each published file, as the store read it back."""

    @field_validator("location")
    @classmethod
    def _can_be_shown(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError(f"{shown(value)} holds control characters")
        return value


class Origin(BaseModel):
    """The finished run that an extended one goes on from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: ClassVar[str] = "extended from"
    """In words."""
    run_id: str
    fingerprint: str
    step: Annotated[int, Field(ge=1)]
    """Where in that run this one began."""

    @field_validator("run_id", "fingerprint")
    @classmethod
    def _can_be_shown(cls, value: str) -> str:
        if not is_plain_name(value):
            raise ValueError(f"{shown(value)} is not the name of a folder")
        return value

    @property
    def decisive(self) -> str:
        """What the fingerprint covers of it."""
        return f"{self.how} {self.fingerprint} at step {self.step}"

    def __str__(self) -> str:
        return f"{self.run_id} at step {self.step}"


class WeightsOrigin(Origin):
    """The finished run that a grown one begins with the weights of."""

    how: ClassVar[str] = "grown from"
    weights_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the file of its weights."""

    @property
    def decisive(self) -> str:
        """See `Origin.decisive`."""
        return f"{super().decisive} with weights {self.weights_sha256}"


class RunRecord(BaseModel):
    """The content of `run.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    run_id: str
    fingerprint: str
    foundry_version: str
    source_identity: str | None = None
    """What the corpus held, see `foundry.data.sources.source_identity`; the fingerprint covers it."""
    extended_from: Origin | None = None
    """Set where the run began with another's last checkpoint; the fingerprint covers it."""
    grown_from: WeightsOrigin | None = None
    """Set where the run began with another's weights, and is trained on what is new; the fingerprint covers it."""
    state: State
    reason: str = ""
    steps_done: int = 0
    total_steps: int | None = None
    """None until the corpus has been counted."""
    best_step: int | None = None
    best_validation_loss: float | None = None
    data_digest: str | None = None
    """SHA-256 over the token files the run was begun with."""
    vocabulary_size: int | None = None
    left_out_steps: tuple[tuple[int, int], ...] = ()
    """First and last step of each stretch that a loss spike has taken out of the run; such steps change no weight."""
    published: PublishedArtifact | None = None
    history: tuple[Moment, ...] = ()

    @field_validator("run_id")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        """The run id names the log and the published model."""
        if not is_plain_name(value):
            raise ValueError(f"{shown(value)} is not the name of a folder")
        return value

    @property
    def origin(self) -> Origin | None:
        """Where the run began, if that was not with fresh weights."""
        return self.extended_from or self.grown_from

    @classmethod
    def read(cls, folder: Path) -> RunRecord:
        """The record of the run in `folder`.

        Raises:
            UserError: there is no run, or it was written by another version, or the file is damaged.
        """
        path = folder / RECORD_NAME
        try:
            content = read_json(path, MAX_RECORD_BYTES)
        except FileNotFoundError:
            raise UserError(
                f"{folder}: no run here ({RECORD_NAME} is missing); `foundry list` shows the runs"
            ) from None
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise UserError(f"{path}: not a run record: it {error}") from None
        try:
            version = _RecordVersion.model_validate(content).format_version
            if version != FORMAT_VERSION:
                raise UserError(
                    f"{path}: written in format {shown(str(version))}, this foundry reads format {FORMAT_VERSION}; "
                    "use the foundry that wrote it"
                )
            return cls.model_validate(content)
        except ValidationError as error:
            raise UserError(f"{path}: not a run record: {_first_problem(error)}") from None


class _RecordVersion(BaseModel):
    format_version: int


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = shown(".".join(str(part) for part in problem["loc"])) if problem["loc"] else ""
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])


class Run:
    """A run folder and its record; every change of the record is on disk before the call returns."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record

    @classmethod
    def open(cls, folder: Path) -> Run:
        """The run in `folder`; see `RunRecord.read` for the errors."""
        return cls(folder, RunRecord.read(folder))

    @classmethod
    def create(
        cls,
        folder: Path,
        run_id: str,
        fingerprint: str,
        foundry_version: str,
        config_yaml: str,
        *,
        add_files: Callable[[Path], None] | None = None,
        **fields: Any,
    ) -> Run:
        """Make the folder of a new run, whole in one rename: its resolved configuration and its record.

        Args:
            add_files: puts further files into the folder before it appears.
            fields: further fields of the record.
        """
        record = RunRecord(
            run_id=run_id,
            fingerprint=fingerprint,
            foundry_version=foundry_version,
            state="created",
            **{"reason": "launched", **fields},
        )
        record = record.model_copy(update={"history": (_moment(record),)})
        with files.new_folder(folder) as new:
            files.write_text(new / CONFIG_NAME, config_yaml)
            if add_files is not None:
                add_files(new)
            files.write_json(new / RECORD_NAME, record.model_dump())
        return cls(folder, record)

    @property
    def checkpoints(self) -> Path:
        """The folder of the run's checkpoints."""
        return self.folder / CHECKPOINTS_NAME

    @property
    def metrics(self) -> Path:
        """The run's metrics, one JSON object a line."""
        return self.folder / METRICS_NAME

    @property
    def tokenizer(self) -> Path:
        """The folder of the tokenizer that the run was trained with."""
        return self.folder / "tokenizer"

    def move(self, state: State, reason: str, **changes: Any) -> None:
        """Go to `state`, and change other fields of the record in the same write.

        Raises:
            ValueError: the state machine has no such move; a bug in the caller.
        """
        if state not in MOVES[self.record.state]:
            raise ValueError(f"{self.folder}: a run cannot go from {self.record.state} to {state}")
        record = self.record.model_copy(update={**changes, "state": state, "reason": reason})
        self._write(record.model_copy(update={"history": (*record.history, _moment(record))}))

    def note(self, **changes: Any) -> None:
        """Change fields of the record without a move."""
        self._write(self.record.model_copy(update=changes))

    def _write(self, record: RunRecord) -> None:
        checked = RunRecord.model_validate(record.model_dump())
        files.write_json(self.folder / RECORD_NAME, checked.model_dump())
        self.record = checked


class FollowedRun(Run):
    """A run as the processes see it that follow the first one of their launch: they keep its record in memory alone."""

    def _write(self, record: RunRecord) -> None:
        self.record = record


def _moment(record: RunRecord) -> Moment:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Moment(state=record.state, reason=record.reason, time=now, step=record.steps_done)
