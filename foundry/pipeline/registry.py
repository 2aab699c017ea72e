"""The phases as objects, in order; what a phase imports that is heavy, it imports when it is run."""

from __future__ import annotations

from foundry.pipeline.phase import Phase
from foundry.pipeline.phases.analyze import AnalyzePhase


def all_phases() -> tuple[Phase, ...]:
    """All phases, in order."""
    return (AnalyzePhase(),)
