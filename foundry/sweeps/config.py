"""The schema of a sweep: which experiment, which of its settings are tried, how many times and how they are chosen."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from foundry.config_fields import (
    FilePath,
    FolderName,
    NonNegativeInt,
    Number,
    PositiveFloat,
    PositiveInt,
    Section,
    Text,
    rule,
)

MAX_EXACT_INTEGER = 1 << 53
"""Larger whole numbers are rounded in a database, which keeps them as floating point."""
MAX_NAME = 64
"""Characters of a group in Weights & Biases."""


def _one_value(value: object) -> object:
    if not isinstance(value, str | int | float | bool | None):
        raise ValueError("must be one text, number, true, false or null")
    return value


class Parameter(Section):
    """A setting that is tried: a range of numbers, or a list of values."""

    low: Number | None = None
    """The least number that is tried."""
    high: Number | None = None
    """The largest number that is tried."""
    log: StrictBool = False
    """Choose evenly among the logarithms of the range, as suits learning rates."""
    step: Annotated[Number, Field(gt=0)] | None = None
    """Try only `low`, `low + step`, and so on, up to `high`."""
    values: tuple[Annotated[Any, BeforeValidator(_one_value)], ...] | None = None
    """The values that are tried, instead of a range."""

    @rule("low", "high", "values")
    def _range_or_values(self) -> str | None:
        has_range = self.low is not None and self.high is not None
        has_part = self.low is not None or self.high is not None
        if (has_range and self.values is None) or (not has_part and self.values is not None):
            return None
        return "needs low and high, or values instead of them"

    @rule("values")
    def _has_values(self) -> str | None:
        return "values is empty; name at least one" if self.values == () else None

    @rule("values", "log", "step")
    def _only_ranges_have_a_scale(self) -> str | None:
        if self.values is None or (not self.log and self.step is None):
            return None
        return "log and step go with low and high, not with values"

    @rule("low", "high")
    def _ascends(self) -> str | None:
        if self.low is None or self.high is None or self.low < self.high:
            return None
        return f"low ({self.low}) must be below high ({self.high})"

    @rule("low", "high")
    def _is_exact(self) -> str | None:
        numbers = [number for number in (self.low, self.high) if number is not None]
        if all(isinstance(number, float) or abs(number) <= MAX_EXACT_INTEGER for number in numbers):
            return None
        return f"whole numbers must lie between -{MAX_EXACT_INTEGER:,} and {MAX_EXACT_INTEGER:,}"

    @rule("low", "log")
    def _logarithms_need_positive_numbers(self) -> str | None:
        if not self.log or self.low is None or self.low > 0:
            return None
        return f"log needs low above 0, got {self.low}"

    @rule("log", "step")
    def _step_is_linear(self) -> str | None:
        return "step does not go with log; remove one of them" if self.log and self.step is not None else None

    @rule("low", "high", "step")
    def _steps_fill_the_range(self) -> str | None:
        if self.step is None or self.low is None or self.high is None or self.low >= self.high:
            return None
        width = Decimal(str(self.high)) - Decimal(str(self.low))
        if width % Decimal(str(self.step)) == 0:
            return None
        return f"high - low ({width}) must be a multiple of step ({self.step})"


class Pruning(Section):
    """Ends a trial whose best validation loss so far is above the median of the others at the same step."""

    startup_trials: NonNegativeInt = 4
    """So many trials come to their end before any is pruned."""
    warmup_evaluations: NonNegativeInt = 1
    """The first evaluations of a trial, which never end it."""


class SweepConfig(Section):
    """One sweep."""

    sweep_name: FolderName
    """Names the study, its folder, and the group in Weights & Biases."""
    experiment: FilePath
    """The experiment's YAML file that the trials vary, relative to the folder of the sweep's file."""
    trials: PositiveInt
    """How many trials there are in all, however many processes and hosts work on them."""
    parameters: dict[str, Parameter]
    """The settings that are tried, by their dotted keys, such as `training.learning_rate`."""
    sampler: Literal["tpe", "random"] = "tpe"
    """How values are chosen: from the losses of earlier trials (Bergstra et al. 2011, section 4), or by chance."""
    seed: NonNegativeInt = 42
    """Decides the choices: the same seed and the same losses give the same trials."""
    pruning: Pruning | None = Pruning()
    """When a hopeless trial is ended; null lets every trial come to its end."""
    output_dir: FilePath | None = None
    """Where the runs, the study and its page are put; null means `sweeps/<sweep_name>`."""
    storage: Text | None = None
    """The database URL of the study, which several hosts may share; null means a SQLite file in `output_dir`."""
    takeover_after: PositiveFloat = 60.0
    """Seconds without a sign of life after which a trial of another host is gone on with here."""

    @rule("sweep_name")
    def _name_fits(self) -> str | None:
        if len(self.sweep_name) <= MAX_NAME:
            return None
        return f"sweep_name has {len(self.sweep_name)} characters, and may have {MAX_NAME}"

    @rule("parameters")
    def _something_is_tried(self) -> str | None:
        return None if self.parameters else "parameters is empty; name at least one setting to try"

    @property
    def folder(self) -> Path:
        """Where the runs, the study and its page are."""
        return self.output_dir or Path("sweeps") / self.sweep_name
