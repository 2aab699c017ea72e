"""What a pipeline has done, in one file: `manifest.json`, written in one rename after every phase and on every failure.

Times and rates apart, its content is a function of the configuration and the repository alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from foundry import files
from foundry.errors import FoundryError, UserError
from foundry.manifests import SEAL, FileDigest, seal_of
from foundry.pipeline.order import PHASE_NAMES
from foundry.untrusted import is_plain_name, read_json, shown

MANIFEST_FILE = "manifest.json"
REPORT_FILE = "report.html"
SCHEMA_VERSION: Literal[1] = 1
MAX_MANIFEST_BYTES = 64_000_000
NOT_ASKED_FOR = "not asked for"
SET_ASIDE_NAME = "damaged-manifest.json"

PhaseStatus = Literal["running", "complete", "partial", "skipped", "failed", "interrupted"]
ManifestStatus = Literal["running", "complete", "partial", "failed", "interrupted"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
DONE: tuple[PhaseStatus, ...] = ("complete", "partial")
"""The states in which the outputs of a phase can be used."""


class Part(BaseModel):
    """A part of the manifest: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class RepositoryFacts(Part):
    """What was learned from, as it stood when the pipeline was launched last."""

    source: str
    """The folder, or the URL without a password."""
    head: str
    """The commit that HEAD names."""
    branch: str | None
    """The branch that HEAD names; null where it is detached."""
    refs_digest: Sha256
    """SHA-256 over HEAD, all branches and tags, and where the history is cut off."""
    is_bare: bool
    is_shallow: bool
    """Part of its history was not cloned."""
    has_grafts: bool
    """It holds grafts or replacement objects, which are not followed."""


class PhaseRecord(Part):
    """What became of one phase."""

    status: PhaseStatus
    reason: str | None = None
    """Why it was skipped, failed or is partial."""
    started: str | None = None
    """UTC, ISO 8601."""
    finished: str | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    code_version: int
    """Of the code that made it, see `foundry.pipeline.order.VERSIONS`."""
    fingerprint: Sha256 | None = None
    """SHA-256 over name, code version, settings and inputs."""
    settings: dict[str, Any] = {}
    """The part of the configuration that its result depends on."""
    inputs: dict[str, str] = {}
    """What else it depends on: names, and digests of what stood there."""
    outputs: dict[str, FileDigest] = {}
    """The files it has left, by their path in the pipeline's folder."""
    results: dict[str, Any] = {}
    """Figures; equal for equal settings and inputs."""
    timings: dict[str, float] = {}
    """Seconds and rates."""

    @field_validator("outputs")
    @classmethod
    def _names_stay_inside(cls, value: dict[str, FileDigest]) -> dict[str, FileDigest]:
        for name in value:
            if not all(is_plain_name(part) for part in name.split("/")):
                raise ValueError(f"the output {shown(name)} does not lie inside the folder")
        return value

    @property
    def is_done(self) -> bool:
        """Whether its outputs can be used."""
        return self.status in DONE


class TrainingParameters(Part):
    """How long training lasts, see `foundry.pipeline.parameters`."""

    estimated: dict[str, Any] | None = None
    """By the size of the repository."""
    real: dict[str, Any] | None = None
    """By the tokens that were made of it."""


class PipelineManifest(Part):
    """The content of `manifest.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    status: ManifestStatus
    problem: str | None = None
    """Why nothing could be begun, where that is so."""
    created: str
    """When the pipeline was launched first; UTC, ISO 8601."""
    updated: str
    seconds: Annotated[float, Field(ge=0)] = 0.0
    """What its phases have taken, when they were done last."""
    pipeline_name: str
    configuration: dict[str, Any] = {}
    """Of the last launch, every default written out."""
    repository: RepositoryFacts | None = None
    """Null where it could not be opened."""
    statistics: dict[str, Any] = {}
    """What `analyze` has counted in the repository."""
    training_parameters: TrainingParameters = TrainingParameters()
    phases: dict[str, PhaseRecord] = {}
    environment: dict[str, Any] = {}
    """Of the last launch that did something."""

    @field_validator("phases")
    @classmethod
    def _phases_are_known(cls, value: dict[str, PhaseRecord]) -> dict[str, PhaseRecord]:
        if list(value) != [name for name in PHASE_NAMES if name in value]:
            raise ValueError(f"its phases are not {', '.join(PHASE_NAMES)}, or in another order")
        return value


def manifest_json_schema() -> dict[str, Any]:
    """The JSON Schema of `manifest.json`, with the digest that seals it."""
    schema = PipelineManifest.model_json_schema(mode="serialization")
    schema["properties"][SEAL] = {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 over the other keys.",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def utc_now() -> str:
    """The time as it stands in the manifest."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def utc_day(seconds: int | None) -> str:
    """A time of a commit as a day, such as `2026-11-27`; `unknown` where there is none."""
    if seconds is None:
        return "unknown"
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.date().isoformat()


def write_manifest(folder: Path, manifest: PipelineManifest) -> None:
    """Put the manifest into the pipeline's folder, in one rename."""
    content = manifest.model_dump(mode="json")
    files.write_json(folder / MANIFEST_FILE, {**content, SEAL: seal_of(content)})


def read_manifest(folder: Path) -> PipelineManifest:
    """The manifest in the pipeline's folder, after its form and its seal were checked.

    Raises:
        FileNotFoundError: there is none.
        UserError: another version of foundry wrote it.
        FoundryError: it is damaged.
    """
    path = folder / MANIFEST_FILE
    try:
        content = read_json(path, MAX_MANIFEST_BYTES)
        version = content.get("schema_version") if isinstance(content, dict) else None
        if isinstance(version, int) and version != SCHEMA_VERSION:
            written = shown(str(version))
            raise UserError(
                f"{path}: written in version {written}, this foundry reads version {SCHEMA_VERSION}; "
                "use the foundry that wrote it, or another output_dir"
            )
        if isinstance(content, dict) and content.pop(SEAL, None) != seal_of(content):
            raise ValueError("does not have the SHA-256 that it names itself")
        return PipelineManifest.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(shown(str(part)) for part in first["loc"])
        raise FoundryError(
            f"{path}: is not a pipeline's manifest: {place}: {first['msg'].removeprefix('Value error, ')}"
        ) from None
    except ValueError as error:
        raise FoundryError(f"{path}: {error}") from None


def usable_manifest(folder: Path, tell_damage: Callable[[FoundryError], None]) -> PipelineManifest | None:
    """The manifest in the pipeline's folder; None where there is none, or a damaged one, which is told.

    Raises:
        UserError: another version of foundry wrote it.
    """
    try:
        return read_manifest(folder)
    except FileNotFoundError:
        return None
    except UserError:
        raise
    except FoundryError as error:
        tell_damage(error)
        return None
