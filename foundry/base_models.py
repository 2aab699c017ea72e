"""What a run keeps of the pretrained model that it began with, so that the same one is found again, and no other.

Imports nothing heavy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundry import files
from foundry.errors import FoundryError, UserError
from foundry.models.pretrained import PretrainedFiles, located
from foundry.untrusted import read_json, shown

BASE_NAME = "base.json"
ADAPTER_CONFIG_NAME = "adapter_config.json"
ADAPTER_WEIGHTS_NAME = "adapter_model.safetensors"
"""What `peft` calls the two files of an adapter."""
MAX_BASE_BYTES = 10_000_000


class BaseRecord(BaseModel):
    """The content of `base.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: str
    """How the experiment names the pretrained model."""
    revision: str | None
    """The commit on the hub, for a model from there."""
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of its weights, see `PretrainedFiles.digest`."""
    config: dict[str, Any]
    """Its `transformers` configuration."""

    @classmethod
    def read(cls, folder: Path) -> BaseRecord:
        """The record in the folder of a run or an artifact.

        Raises:
            FoundryError: it is missing or damaged.
        """
        try:
            return cls.model_validate(read_json(folder / BASE_NAME, MAX_BASE_BYTES))
        except (OSError, ValueError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            raise FoundryError(f"{folder / BASE_NAME}: cannot be read: {shown(str(reason))}") from None

    def write(self, folder: Path) -> None:
        """Put it into the folder of a run."""
        files.write_json(folder / BASE_NAME, self.model_dump())

    def locate(self, place: str | None = None) -> PretrainedFiles:
        """The pretrained model on this machine, fetched from the hub where it is from there.

        Args:
            place: where it is now, if not where the experiment said.

        Raises:
            UserError: there is none, or another one than the adapter was trained for.
        """
        found = located(place or self.reference, None if place else self.revision)
        if (digest := found.digest()) != self.digest:
            raise UserError(
                f"{found.reference} is not the base that was trained on: its SHA-256 is {digest[:12]}…, and "
                f"{self.digest[:12]}… is needed; name that one by --base"
            )
        return found
