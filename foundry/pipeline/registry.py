"""The phases as objects, in order; what a phase imports that is heavy, it imports when it is run."""

from __future__ import annotations

from foundry.pipeline.phase import Phase
from foundry.pipeline.phases.analyze import AnalyzePhase
from foundry.pipeline.phases.embed import EmbedPhase
from foundry.pipeline.phases.evaluate import Evaluate
from foundry.pipeline.phases.scrape import ScrapePhase
from foundry.pipeline.phases.tokenize import Tokenize
from foundry.pipeline.phases.train import Train


def all_phases() -> tuple[Phase, ...]:
    """All phases, in order."""
    return (AnalyzePhase(), ScrapePhase(), Tokenize(), EmbedPhase(), Train(), Evaluate())
