"""Steps about the phase of a pipeline that evaluates its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import then, when
from behave.runner import Context

from foundry.data.git import GitRepository
from foundry.errors import FoundryError
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.phase import Pipeline
from foundry.pipeline.phases.evaluate import Evaluate, main_languages
from foundry.testing.repositories import python_project

TRAINED = {"run": "demo-0123456789ab", "weights": "0" * 64, "data": "1" * 64}
PIPELINES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without a trained model": ({}, {}),
    "of a repository in kotlin": ({}, {"train": TRAINED, "analyze": {"languages": {"kotlin": 900}}}),
    "whose file of prompts is gone": ({"prompts": ["gone.yaml"]}, {"train": TRAINED}),
}
"""For each state the settings of the phase, and what the earlier phases have found."""


@dataclass
class PhaseState:
    """What was chosen and expected for each row, and what the phase said."""

    choices: list[tuple[str, str, str]] = field(default_factory=list)
    told: str = ""


@when("the prompts are chosen for these repositories")
def prompts_chosen(context: Context) -> None:
    for row in context.table:
        sizes = (item.split(": ") for item in row["languages"].split(", "))
        found = ", ".join(main_languages({language: int(size) for language, size in sizes}))
        context.world.of(PhaseState).choices.append((row["languages"], found, row["prompts"]))


@then("each repository gets the prompts of its row")
def prompts_of_row(context: Context) -> None:
    choices = context.world.of(PhaseState).choices
    assert choices, "nothing was chosen"
    wrong = [choice for choice in choices if choice[1] != choice[2]]
    assert not wrong, f"languages, found, expected: {wrong}"


@when("a pipeline {state} is to be evaluated")
def pipeline_evaluated(context: Context, state: str) -> None:
    settings, results = PIPELINES[state]
    config = PipelineConfig.model_validate({"evaluate": settings})
    repository = GitRepository.open(python_project(Path("project")).folder, "project")
    pipeline = Pipeline(config, Path("pipelines/demo"), repository, None, Path(), results)
    phase = Evaluate()
    try:
        phase.inputs(pipeline)
        phase.run(pipeline)
    except FoundryError as error:
        context.world.of(PhaseState).told = str(error)


@then('it is told "{message}"')
def it_is_told(context: Context, message: str) -> None:
    told = context.world.of(PhaseState).told
    assert told.endswith(message), f"found:    {told!r}\nexpected: {message!r}"
