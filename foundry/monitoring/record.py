"""`hardware.json`: the peaks and means of what was looked at, over all launches of a run. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundry.monitoring.meters import FIGURES, Figures
from foundry.untrusted import read_json

HARDWARE_NAME = "hardware.json"
MAX_BYTES = 1_000_000


class Figure(BaseModel):
    """One figure, summed up.

    Attributes:
        peak, lowest: the highest and the lowest value.
        mean: over the samples.
        samples: how many have the figure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    peak: int | float
    lowest: int | float
    mean: float
    samples: int = Field(ge=1)

    @classmethod
    def of(cls, value: float, peak: float) -> Figure:
        """One sample, and the highest value up to it."""
        return cls(peak=max(peak, value), lowest=value, mean=value, samples=1)

    def with_value(self, value: float, peak: float) -> Figure:
        """The figure after one more sample."""
        samples = self.samples + 1
        return Figure(
            peak=max(self.peak, value, peak),
            lowest=min(self.lowest, value),
            mean=self.mean + (value - self.mean) / samples,
            samples=samples,
        )


class HardwareRecord(BaseModel):
    """What all launches of a run have taken of the hardware.

    Attributes:
        launches: how many have been looked at.
        samples: how many looks there were.
        interval_seconds: between two looks, in the newest launch.
        memory_total_bytes, gpu_total_bytes: what the machine of the newest launch has; None without a GPU.
        gpu: its name.
        sample_milliseconds: the processor time that a look took.
        figures: by the names in `foundry.monitoring.meters.FIGURES`; None for what could not be measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    launches: int = Field(ge=1)
    samples: int = Field(ge=0)
    interval_seconds: float
    memory_total_bytes: int | None = None
    gpu_total_bytes: int | None = None
    gpu: str | None = None
    sample_milliseconds: Figure | None = None
    figures: dict[str, Figure | None]

    @classmethod
    def read(cls, run_folder: Path) -> HardwareRecord | None:
        """The record of a run; None where there is none yet.

        Raises:
            ValueError: it is damaged, or cannot be read.
        """
        try:
            return cls.model_validate(read_json(run_folder / HARDWARE_NAME, MAX_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise ValueError(f"is no record of hardware: {problem['msg']}") from None

    @classmethod
    def of_launch(cls, earlier: HardwareRecord | None, interval: float, gpu: str | None) -> HardwareRecord:
        """What a new launch begins with: the sums of those before it."""
        if earlier is None:
            return cls(launches=1, samples=0, interval_seconds=interval, gpu=gpu, figures=dict.fromkeys(FIGURES))
        changes = {"launches": earlier.launches + 1, "interval_seconds": interval, "gpu": gpu}
        return earlier.model_copy(update=changes)

    def with_sample(
        self, figures: Figures, peaks: Figures, totals: Mapping[str, int], milliseconds: float
    ) -> HardwareRecord:
        """The record after one more look, see `foundry.monitoring.meters.Reading`."""
        summed = {name: _added(self.figures.get(name), figures.get(name), peaks.get(name)) for name in FIGURES}
        cost = _added(self.sample_milliseconds, milliseconds, None)
        changes = {"samples": self.samples + 1, "sample_milliseconds": cost, "figures": summed, **totals}
        return self.model_copy(update=changes)


def _added(figure: Figure | None, value: float | None, peak: float | None) -> Figure | None:
    if value is None:
        return figure
    highest = value if peak is None else peak
    return Figure.of(value, highest) if figure is None else figure.with_value(value, highest)
