"""Which scenarios an acceptance run is about: those below some paths that the tag expressions leave."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from behave.configuration import Configuration
from behave.exception import FileNotFoundError as MissingFeatureError
from behave.exception import InvalidFilenameError
from behave.model import Feature, Scenario
from behave.parser import ParserError
from behave.runner_util import collect_feature_locations, parse_features
from cucumber_tag_expressions import TagExpressionError

from foundry.acceptance.formatter import CLEAN_OPTION, tags_of
from foundry.acceptance.tags import KNOWN_TAGS, unknown_tags
from foundry.errors import UserError

FIRST_OPTION = "accept.first"
"""Userdata; names of folders whose features take long, so that no process is left alone with one in the end."""


@dataclass(frozen=True)
class SelectedFeature:
    """A feature file, or places in it, and the scenarios of it that are to run."""

    feature: Feature
    locations: tuple[str, ...]
    scenarios: tuple[Scenario, ...]


def behave_configuration(paths: Sequence[str], tags: Sequence[str], workspaces: str = "") -> Configuration:
    """Behave's configuration for the features below `paths` that the tag expressions select."""
    options = ["--no-summary", "--no-snippets", f"--define={CLEAN_OPTION}=false"]
    if workspaces:
        options.append(f"--define=workspaces={workspaces}")
    return Configuration([*options, *(f"--tags={tag}" for tag in tags), *paths])


def select(paths: Sequence[str], tags: Sequence[str]) -> list[SelectedFeature]:
    """The features below `paths` that have scenarios to run, those that take longest first.

    These are the features in the folders that the userdata `accept.first` names, and those with many steps.

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
    scenarios = [scenario for feature, _ in features for scenario in feature.walk_scenarios()]
    _refuse_unknown_tags(scenarios)
    selected = [
        SelectedFeature(feature, locations, chosen)
        for feature, locations in features
        if (chosen := tuple(scenario for scenario in feature.walk_scenarios() if scenario.should_run(config)))
    ]
    if not selected:
        raise UserError(_nothing_selected(paths, tags, scenarios))
    first = config.userdata.get(FIRST_OPTION, "").split()
    return sorted(selected, key=lambda item: (_rank(item.feature, first), -_num_steps(item)))


def parsed_features(paths: Sequence[str]) -> Iterator[tuple[Feature, tuple[str, ...]]]:
    """Each feature file once, with the places in it that were named."""
    places = collect_feature_locations(paths)
    for _, group in itertools.groupby(places, key=lambda place: place.filename):
        chosen = list(group)
        for feature in parse_features(chosen):
            yield feature, tuple(f"{it.filename}:{it.line}" if it.line else it.filename for it in chosen)


def _refuse_unknown_tags(scenarios: Iterable[Scenario]) -> None:
    for scenario in scenarios:
        unknown = unknown_tags(tags_of(scenario))
        if unknown:
            raise UserError(f"{scenario.location}: unknown tag @{' @'.join(unknown)}; known are: {KNOWN_TAGS}")


def _nothing_selected(paths: Sequence[str], tags: Sequence[str], scenarios: Sequence[Scenario]) -> str:
    if not scenarios:
        return f"{' '.join(paths)}: no scenario there"
    asked = " ".join(f"--tags={tag!r}" for tag in tags)
    carried = sorted({f"@{tag}" for scenario in scenarios for tag in tags_of(scenario) if ":" not in tag})
    return (
        f"no scenario is selected: {asked or 'the configured tags'} leaves none of {len(scenarios)} in "
        f"{' '.join(paths)}; their tags are {' '.join(carried) or 'none'}"
    )


def _rank(feature: Feature, first: Sequence[str]) -> int:
    folder = Path(feature.filename).absolute().parent.name
    return first.index(folder) if folder in first else len(first)


def _num_steps(selected: SelectedFeature) -> int:
    return sum(len(list(scenario.all_steps)) for scenario in selected.scenarios)
