"""The thresholds of the section `monitoring`, held against each sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foundry.config_monitoring import LowerBytes, MonitoringConfig, UpperShare, UpperTemperature
from foundry.monitoring.meters import Figures

RELEASE = 0.05
"""A figure must have gone back by this share of the threshold before reaching it is told again."""


@dataclass(frozen=True)
class Watched:
    """One figure and its thresholds.

    Attributes:
        key: the section of the configuration.
        subject: in words, as the beginning of a sentence.
        figure: its name in a sample.
        total: what the thresholds are a share of; None where they are in the figure's own unit.
        unit: of the figure, where it is no share.
        is_floor: whether less is worse.
    """

    key: str
    subject: str
    figure: str
    total: str | None = None
    unit: str = ""
    is_floor: bool = False

    def value(self, figures: Figures, totals: Mapping[str, int]) -> float | None:
        """What is compared with the thresholds; None where it was not measured."""
        value = figures.get(self.figure)
        if value is None or self.total is None:
            return value
        return value / totals[self.total] if totals.get(self.total) else None

    def is_reached(self, value: float, threshold: float) -> bool:
        """Whether the value is at the threshold or beyond it."""
        return value <= threshold if self.is_floor else value >= threshold

    def sentence(self, value: float, threshold: float, act: str) -> str:
        """What is said of a value at a threshold."""
        bound = "at most" if self.is_floor else "at least"
        return (
            f"{self.subject} {self._shown(value)}, {bound} the {self._shown(threshold)} of monitoring.{self.key}.{act}"
        )

    def _shown(self, value: float) -> str:
        if self.total is not None:
            return f"{100 * value:.4g} %"
        return f"{value:,.0f} {self.unit}"


WATCHED = (
    Watched("memory", "of the machine's memory is in use:", "memory_used_bytes", total="memory_total_bytes"),
    Watched("gpu_memory", "the tensors on the GPU take of its memory:", "gpu_allocated_bytes", total="gpu_total_bytes"),
    Watched("gpu_temperature", "the GPU has", "gpu_temperature_celsius", unit="°C"),
    Watched("disk_free", "the disk of the run folder has free", "disk_free_bytes", unit="bytes", is_floor=True),
)


class Watch:
    """Says once when a figure reaches `warn`, and remembers the first that has reached `stop`.

    Attributes:
        limit: why the run is to end, in words; None while nothing has reached `stop`.
    """

    def __init__(self, settings: MonitoringConfig) -> None:
        self._settings = settings
        self._told: set[str] = set()
        self.limit: str | None = None

    @property
    def may_stop(self) -> bool:
        """Whether there is a threshold that ends the run."""
        return any(self._thresholds(watched).stop is not None for watched in WATCHED)

    def look(self, figures: Figures, totals: Mapping[str, int]) -> list[str]:
        """What there is to warn of in a sample."""
        warnings = []
        for watched in WATCHED:
            value = watched.value(figures, totals)
            if value is None:
                continue
            thresholds = self._thresholds(watched)
            if thresholds.warn is not None and self._is_news(watched, value, thresholds.warn):
                warnings.append(watched.sentence(value, thresholds.warn, "warn"))
            if self.limit is None and thresholds.stop is not None and watched.is_reached(value, thresholds.stop):
                self.limit = watched.sentence(value, thresholds.stop, "stop")
        return warnings

    def _is_news(self, watched: Watched, value: float, threshold: float) -> bool:
        """Whether the threshold is reached, and was not the last time."""
        if watched.is_reached(value, threshold):
            is_new = watched.key not in self._told
            self._told.add(watched.key)
            return is_new
        released = threshold * (1 + RELEASE if watched.is_floor else 1 - RELEASE)
        if not watched.is_reached(value, released):
            self._told.discard(watched.key)
        return False

    def _thresholds(self, watched: Watched) -> UpperShare | UpperTemperature | LowerBytes:
        thresholds: UpperShare | UpperTemperature | LowerBytes = getattr(self._settings, watched.key)
        return thresholds
