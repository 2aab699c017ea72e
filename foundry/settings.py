"""An experiment as a flat list of settings, each with its place, its value, and whether it changes the weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.config import ExperimentConfig
from foundry.config_fields import Section, does_not_change_weights


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        key: dotted, such as `training.learning_rate`.
        value: in the types that JSON knows.
    """

    key: str
    value: Any
    changes_weights: bool


def settings_of(section: Section, prefix: str = "", changes_weights: bool = True) -> Iterator[Setting]:
    """Every setting below `section`, in the order of the schema.

    Args:
        prefix: stands before each key.
        changes_weights: whether the section does, as it is declared where it stands.
    """
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        matters = changes_weights and does_not_change_weights not in field.metadata
        if isinstance(value, Section):
            yield from settings_of(value, f"{prefix}{name}.", matters)
        else:
            yield Setting(f"{prefix}{name}", _plain(value), matters)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def weightless_settings(config: ExperimentConfig) -> dict[str, Any]:
    """What two launches of one run may disagree on, by dotted key."""
    return {setting.key: setting.value for setting in settings_of(config) if not setting.changes_weights}
