"""Prompts of a behavioural evaluation, by language, from YAML files; some are shipped with the package.

Imports nothing heavy, see `foundry.config`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from foundry.config_fields import PositiveInt, Section, Text
from foundry.config_file import load_mapping, validated
from foundry.errors import UserError

SHIPPED_FOLDER = Path(__file__).parent / "shipped_prompts"
"""A link to `configs/prompts` in a checkout, and the files themselves in an installed package."""
MAX_PROMPT_CHARACTERS = 20_000
MAX_PATTERN_CHARACTERS = 500
MAX_PROMPTS = 1_000
SMALLEST_FILE = {"language": "python", "prompts": [{"name": "unnamed", "text": "#"}]}
"""The keys without a default; what stands there satisfies their types alone."""

EvaluatedLanguage = Literal["c", "go", "java", "javascript", "python", "rust"]


def _compiles(pattern: str) -> str:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"must have at most {MAX_PATTERN_CHARACTERS} characters")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is no regular expression ({error})") from None
    return pattern


Pattern = Annotated[Text, AfterValidator(_compiles)]


class Prompt(Section):
    """One beginning of a file that the model continues."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """What it asks for, in a few words; once in a file."""
    text: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
    """What the model reads; together with what it writes it is to be a file of the language."""
    expect: tuple[Pattern, ...] = ()
    """Regular expressions that are looked for in what the model writes; `^` and `$` are the ends of a line."""
    max_new_tokens: PositiveInt | None = None
    """The most tokens of a text for this prompt; null means what the evaluation says."""


class PromptFile(Section):
    """The content of one file of prompts."""

    language: EvaluatedLanguage
    """What the model is to write; decides how that is parsed."""
    prompts: tuple[Prompt, ...]

    @field_validator("prompts")
    @classmethod
    def _names_differ(cls, prompts: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
        if not 1 <= len(prompts) <= MAX_PROMPTS:
            raise ValueError(f"must be 1 to {MAX_PROMPTS:,} prompts")
        names = [prompt.name for prompt in prompts]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"must have names that differ; {doubled[0]!r} stands there twice")
        return prompts


def load_prompts(paths: Sequence[Path]) -> list[PromptFile]:
    """The prompts of several files.

    Args:
        paths: YAML files, or the names of shipped ones, such as `rust`.

    Raises:
        UserError: all that is wrong with all of them, one mistake a line.
    """
    found: list[PromptFile] = []
    problems: list[str] = []
    for path in paths:
        try:
            found.append(_load(path))
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    return found


def _load(path: Path) -> PromptFile:
    shipped = shipped_prompts()
    if not path.exists() and str(path) in shipped:
        path = shipped[str(path)]
    content = load_mapping(path, "a file of prompts begins like `language: python`")
    return validated(PromptFile, SMALLEST_FILE, content, str(path))


def shipped_prompts() -> dict[str, Path]:
    """The files that come with the package, by language."""
    return {path.stem: path for path in sorted(SHIPPED_FOLDER.glob("*.yaml"))}


def prompts_of_languages(languages: Sequence[str]) -> list[Path]:
    """The shipped files for those of `languages` that have one, in the order of `languages`."""
    shipped = shipped_prompts()
    return [shipped[language.lower()] for language in dict.fromkeys(languages) if language.lower() in shipped]
