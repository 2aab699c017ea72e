"""The schema of the section `monitoring`: how often the hardware is looked at, and which figures are too much.

Imports nothing heavy, see `foundry.config`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from foundry.config_fields import PositiveFloat, Section, as_number

Share = Annotated[float, Field(gt=0, le=1), BeforeValidator(as_number)]
Interval = Annotated[float, Field(ge=0.01, le=3600), BeforeValidator(as_number)]


class UpperShare(Section):
    """A share that should not be exceeded; at `warn` the user is told, at `stop` the run ends after its step."""

    warn: Share | None = 0.9
    """One warning each time this share is reached; null never warns."""
    stop: Share | None = None
    """The run is saved and ends when this share is reached; null never ends it."""


class UpperTemperature(Section):
    """Degrees Celsius that should not be exceeded."""

    warn: PositiveFloat | None = 90.0
    """One warning each time this temperature is reached; null never warns."""
    stop: PositiveFloat | None = None
    """The run is saved and ends when this temperature is reached; null never ends it."""


class LowerBytes(Section):
    """Bytes that should be left."""

    warn: PositiveFloat | None = 1e9
    """One warning each time no more than this is left; null never warns."""
    stop: PositiveFloat | None = None
    """The run is saved and ends when no more than this is left; null never ends it."""


class MonitoringConfig(Section):
    """What is looked at beside training: memory, GPU, processor and disk."""

    enabled: StrictBool = True
    """Look at the hardware while training runs, and keep its peaks in `hardware.json`."""
    interval: Interval = 1.0
    """Seconds between two looks, which a thread of its own takes."""
    memory: UpperShare = UpperShare()
    """The share of the machine's memory that is in use, by whatever process."""
    gpu_memory: UpperShare = UpperShare()
    """The share of the GPU's memory that the tensors of this process hold."""
    gpu_temperature: UpperTemperature = UpperTemperature()
    """The temperature of the GPU, where the package `nvidia-ml-py` reads it."""
    disk_free: LowerBytes = LowerBytes()
    """The bytes that are free on the disk of the run folder."""
