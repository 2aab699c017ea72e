"""Which scenarios an acceptance run is about: those below some paths that the tag expressions leave."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from behave.configuration import Configuration
from behave.exception import FileNotFoundError as MissingFeatureError
from behave.exception import InvalidFilenameError
from behave.model import Feature, Scenario
from behave.model_type import FileLocation
from behave.parser import ParserError
from behave.runner_util import collect_feature_locations, parse_features
from cucumber_tag_expressions import TagExpressionError

from foundry.acceptance.formatter import CLEAN_OPTION, WORKER_OPTION, tags_of
from foundry.acceptance.tags import KNOWN_TAGS, unknown_tags
from foundry.errors import UserError

WORKSPACES_OPTION = "workspaces"
"""Userdata; the folder in which the scenarios get their workspaces."""

WORD_OF_EXPRESSION = re.compile(r"[^\s()]+")
OPERATORS = {"and", "or", "not"}
SIGNS_OF_PATTERN = set("*?[]\\{}")
"""A word of a tag expression that has one of these means more than one tag, or a configured one."""


@dataclass(frozen=True)
class SelectedFeature:
    """A feature file, and the scenarios of it that are to run."""

    feature: Feature
    scenarios: tuple[Scenario, ...]


def behave_configuration(
    paths: Sequence[str], tags: Sequence[str], workspaces: str = "", worker: str = "", defined: Sequence[str] = ()
) -> Configuration:
    """Behave's configuration for the features below `paths` that the tag expressions select.

    Args:
        defined: of the userdata, `NAME=VALUE` each.
    """
    options = ["--no-summary", "--no-snippets", f"--define={CLEAN_OPTION}=false"]
    if workspaces:
        options.append(f"--define={WORKSPACES_OPTION}={workspaces}")
    if worker:
        options.append(f"--define={WORKER_OPTION}={worker}")
    options += [f"--define={item}" for item in defined]
    return Configuration([*options, *(f"--tags={tag}" for tag in tags), *paths])


def select(paths: Sequence[str], tags: Sequence[str]) -> list[SelectedFeature]:
    """The features below `paths` that have scenarios to run, in the order of their files.

    Raises:
        UserError: a path or a feature cannot be read, no scenario is selected, or a tag is not on the list.
    """
    try:
        config = behave_configuration(paths, tags)
        features = list(parsed_features(config.paths))
    except TagExpressionError as error:
        raise UserError(f"--tags: {' '.join(str(error).split())}") from None
    except (MissingFeatureError, InvalidFilenameError) as error:
        raise UserError(f"{error}: no such features; name a folder or a .feature file") from None
    except ParserError as error:
        raise UserError(f"a feature cannot be read: {' '.join(str(error).split())}") from None
    scenarios = [scenario for feature in features for scenario in feature.walk_scenarios()]
    _refuse_unknown_tags(scenarios)
    _refuse_misspelt_selection(tags)
    selected = [
        SelectedFeature(feature, chosen)
        for feature in features
        if (chosen := tuple(scenario for scenario in feature.walk_scenarios() if scenario.should_run(config)))
    ]
    if not selected:
        raise UserError(_nothing_selected(paths, tags, scenarios))
    return selected


def narrowed(selected: Sequence[SelectedFeature], is_wanted: Callable[[Scenario], bool]) -> list[SelectedFeature]:
    """Those of the selected scenarios that are wanted; features that have none are left out."""
    kept = [(item, tuple(filter(is_wanted, item.scenarios))) for item in selected]
    return [SelectedFeature(item.feature, scenarios) for item, scenarios in kept if scenarios]


def parsed_features(paths: Sequence[str]) -> Iterator[Feature]:
    """Each feature file once; what was not named of it is marked as skipped."""
    places = [FileLocation(os.path.relpath(it.filename), it.line) for it in collect_feature_locations(paths)]
    places.sort(key=lambda place: str(place.filename))
    for _, group in itertools.groupby(places, key=lambda place: str(place.filename)):
        yield from parse_features(list(group))


def _refuse_unknown_tags(scenarios: Iterable[Scenario]) -> None:
    for scenario in scenarios:
        unknown = unknown_tags(tags_of(scenario))
        if unknown:
            raise UserError(f"{scenario.location}: unknown tag @{' @'.join(unknown)}; known are: {KNOWN_TAGS}")


def _refuse_misspelt_selection(tags: Sequence[str]) -> None:
    """A tag that no scenario may carry selects nothing by itself, and with `not` or `or` not what was meant."""
    named = {word.removeprefix("@") for text in tags for word in WORD_OF_EXPRESSION.findall(text)} - OPERATORS
    unknown = unknown_tags(name for name in named if not SIGNS_OF_PATTERN & set(name))
    if unknown:
        raise UserError(f"--tags: unknown tag @{' @'.join(unknown)}; known are: {KNOWN_TAGS}")


def _nothing_selected(paths: Sequence[str], tags: Sequence[str], scenarios: Sequence[Scenario]) -> str:
    if not scenarios:
        return f"{' '.join(paths)}: no scenario there"
    asked = " ".join(f"--tags={tag!r}" for tag in tags)
    carried = sorted({f"@{tag}" for scenario in scenarios for tag in tags_of(scenario) if ":" not in tag})
    return (
        f"no scenario is selected: {asked or 'the configured tags'} leaves none of {len(scenarios)} in "
        f"{' '.join(paths)}; their tags are {' '.join(carried) or 'none'}"
    )
