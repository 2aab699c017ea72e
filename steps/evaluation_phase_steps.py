"""Steps about the phase of a pipeline that evaluates its model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave import then, when
from behave.runner import Context

from foundry.data.git import GitRepository
from foundry.errors import FoundryError
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.phase import Pipeline
from foundry.pipeline.phases.evaluate import Evaluate, figures_for_manifest, main_languages
from foundry.testing.pipelines import PIPELINE_FOLDER, Pipelines, copy_of_whole
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
    """What was chosen and expected for each row, what the phase said, and the places of figures by their names."""

    choices: list[tuple[str, str, str]] = field(default_factory=list)
    told: str = ""
    places: dict[str, list[str]] = field(default_factory=dict)


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


@when("a tiny pipeline has gone through all phases but the index")
def has_gone_through(_context: Context) -> None:
    copy_of_whole()


@then("the manifest's figures are these of evaluation/evaluation.json, and no other")
def figures_are(context: Context) -> None:
    places = {row["figure"]: row["place"].split(", ") for row in context.table}
    context.world.of(PhaseState).places = places
    assert_figures(context.world.of(Pipelines).manifest.phases["evaluate"].results, evaluation(), places)


@then("they follow evaluation/evaluation.json where each of its figures is another one")
def figures_follow(context: Context) -> None:
    content = renumbered(evaluation(), itertools.count(1))
    assert_figures(figures_for_manifest(content), content, context.world.of(PhaseState).places)


def evaluation() -> dict[str, Any]:
    return json.loads((PIPELINE_FOLDER / "evaluation/evaluation.json").read_text(encoding="utf-8"))


def assert_figures(figures: Any, content: dict[str, Any], places: dict[str, list[str]]) -> None:
    expected = {name: at(content, place) for name, place in places.items()}
    by_language = figures["success_by_language"]
    found = {name: value for name, value in figures.items() if name != "success_by_language"}
    found |= {f"success_by_language.{language}": value for language, value in by_language.items()}
    assert found == expected, f"found:    {found}\nexpected: {expected}"


def at(content: Any, place: list[str]) -> Any:
    for key in place:
        content = content[key]
    return content


def renumbered(value: Any, numbers: Iterator[int]) -> Any:
    """The same with another number in the place of each number."""
    if isinstance(value, dict):
        return {key: renumbered(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [renumbered(item, numbers) for item in value]
    return next(numbers) if isinstance(value, int | float) else value
