"""What the sections of an experiment are made of: field types that read what users write, and rules over several keys.

Imports nothing heavy, see `foundry.config`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

NUMBER_PATTERN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""A number that YAML 1.1 may have read as text."""
MAX_NUMBER_CHARACTERS = 100


class _DoesNotChangeWeights:
    """Marks a field whose value two launches of one run may disagree on."""


does_not_change_weights = _DoesNotChangeWeights()


def as_number(value: object) -> object:
    """YAML 1.1 reads `3e-4` as text, because it has no dot; a user means the number."""
    if isinstance(value, str) and len(value) <= MAX_NUMBER_CHARACTERS and re.fullmatch(NUMBER_PATTERN, value):
        value = float(value) if re.search(r"[.eE]", value) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError("must be a number")  # Python counts `true` as 1; who writes `layers: true` does not mean 1
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def as_whole_number(value: object) -> object:
    """Like `as_number`, and 3.0 is a whole number, too."""
    number = as_number(value)
    if isinstance(number, float) and not number.is_integer():
        raise ValueError("must be a whole number")
    return number


def _path_from_text(value: object) -> object:
    """A home folder is written `~`, as in a shell."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise ValueError("must name a file or a folder")
    return Path(value).expanduser() if value.startswith("~") else value


def matching(pattern: str, meaning: str) -> AfterValidator:
    """A text whose form is checked by `pattern`, and explained by `meaning`."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(meaning)
        return value

    return AfterValidator(check)


# The bounds stand before the conversion, which then runs first.
MAX_LAYERS = 10_000
MAX_SIZE = 1 << 24
"""Of one dimension: beyond it a model fits no machine, and its sizes overflow."""
PositiveInt = Annotated[int, Field(ge=1), BeforeValidator(as_whole_number)]
Dimension = Annotated[int, Field(ge=1, le=MAX_SIZE), BeforeValidator(as_whole_number)]
NonNegativeInt = Annotated[int, Field(ge=0), BeforeValidator(as_whole_number)]
Probability = Annotated[float, Field(ge=0, lt=1), BeforeValidator(as_number)]
PositiveFloat = Annotated[float, Field(gt=0), BeforeValidator(as_number)]
NonNegativeFloat = Annotated[float, Field(ge=0), BeforeValidator(as_number)]
Number = Annotated[int | float, BeforeValidator(as_number)]
FilePath = Annotated[Path, BeforeValidator(_path_from_text), WithJsonSchema({"type": "string", "minLength": 1})]
Text = Annotated[str, Field(min_length=1)]
FolderName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        "must be 1 to 100 letters, digits, dots, dashes and underscores, and begin with a letter or a digit",
    ),
    Field(json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}),
]
GitArgument = Annotated[
    str,
    matching(r"[^-](?s:.*)", "must not be empty or begin with a dash"),
    Field(json_schema_extra={"pattern": "^[^-]"}),
]
"""Goes to the command line of git, where a leading dash would make it an option."""

RuleMethod = TypeVar("RuleMethod", bound=Callable[[Any], str | None])


def rule(*keys: str) -> Callable[[RuleMethod], RuleMethod]:
    """Declare a method of a section as a rule over several keys; it gives the sentence to show when it is broken.

    Args:
        keys: what the rule reads, as dotted names below the section. A rule is judged only where these are valid.
    """

    def declare(method: RuleMethod) -> RuleMethod:
        setattr(method, "reads", keys)  # noqa: B010
        return method

    return declare


FIELDS_ONLY = "fields only"
"""The validation context in which rules are left to the caller, who wants to report them beside wrong fields."""


class Section(BaseModel):
    """A part of an experiment: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)

    @model_validator(mode="after")
    def _keeps_its_rules(self, info: ValidationInfo) -> Section:
        broken = [] if info.context == FIELDS_ONLY else [sentence for _, sentence in self.broken_rules()]
        if broken:
            raise ValueError("; ".join(broken))
        return self

    def broken_rules(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The rules of this section alone that do not hold: the keys each reads, and what to tell the user."""
        for member in vars(type(self)).values():
            if hasattr(member, "reads") and (sentence := member(self)) is not None:
                yield member.reads, sentence
