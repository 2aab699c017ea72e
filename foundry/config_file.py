"""Reading and writing experiments as YAML, with messages that a person can act on.

All mistakes of a file are reported together, one a line: file, key, what is wrong with the value, what to do.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from foundry.config import ExperimentConfig
from foundry.config_fields import FIELDS_ONLY, NUMBER_PATTERN, Section
from foundry.errors import UserError
from foundry.strict_yaml import parse_yaml

MAX_FILE_BYTES = 1_000_000
MAX_SHOWN_CHARACTERS = 60
MAX_LISTED_KEYS = 12
MAX_LISTED_PROBLEMS = 100
BEGINNING = "an experiment begins like `experiment_name: my-model`"
OVERRIDE_ORIGIN = "--set"
SMALLEST_EXPERIMENT = {"experiment_name": "unnamed", "data": {}, "training": {}}
"""The keys without a default; what stands there satisfies their types alone."""

PIPELINE_KEYS = ("pipeline_name", "analyze", "scrape", "redact", "tokenize", "embed", "experiment", "evaluate")
"""A file with one of them describes a pipeline, unless it has the name of a sweep or of an experiment."""

Model = TypeVar("Model", bound=Section)


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands below the top of the file, and what is wrong there."""

    place: tuple[str | int, ...]
    text: str


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """The experiment that `path` describes.

    Args:
        path: a YAML file.
        overrides: `training.learning_rate=1e-4`, each replaces one key; the value is read as YAML.

    Raises:
        UserError: all that is wrong with the file and the overrides, one mistake a line.
    """
    content = load_mapping(path, BEGINNING)
    if names_sweep(content):
        raise UserError(f"{path}: describes a sweep, not an experiment; `foundry sweep {path}` carries it out")
    if names_pipeline(content):
        raise UserError(
            f"{path}: describes a pipeline, not an experiment; `foundry pipeline --config {path}` carries it out"
        )
    overridden = apply_overrides(content, overrides)
    return validated(ExperimentConfig, SMALLEST_EXPERIMENT, content, str(path), overridden)


def kind_of(path: Path) -> Literal["experiment", "sweep", "pipeline"]:
    """What a YAML file describes; one that can be read only once is taken for an experiment, and left unread.

    Raises:
        UserError: it is no experiment, nor anything else, because it cannot be read or is no YAML.
    """
    if not path.is_file():
        return "experiment"
    content = load_mapping(path, BEGINNING)
    return "sweep" if names_sweep(content) else "pipeline" if names_pipeline(content) else "experiment"


def names_sweep(content: Mapping[str, Any]) -> bool:
    """Whether a file with these keys describes a sweep, see `foundry.sweeps`."""
    return "sweep_name" in content and "experiment_name" not in content


def names_pipeline(content: Mapping[str, Any]) -> bool:
    """Whether a file with these keys describes a pipeline, see `foundry.pipeline`."""
    others = ("experiment_name", "sweep_name")
    return any(key in content for key in PIPELINE_KEYS) and not any(key in content for key in others)


def load_mapping(path: Path, beginning: str) -> dict[str, Any]:
    """The keys and values in a YAML file, not yet checked.

    Args:
        beginning: says how such a file begins, for whom it is empty.

    Raises:
        UserError: it cannot be read, is no YAML, or holds something else.
    """
    content = parse_yaml(_read_text(path), str(path))
    if content is None:
        raise UserError(f"{path}: is empty; {beginning}")
    if not isinstance(content, dict):
        raise UserError(f"{path}: must be a mapping of keys to values, got {shown_value(content)}")
    return content


def experiment_from_mapping(
    mapping: Mapping[str, Any], origin: str = "configuration", overrides: Sequence[str] = ()
) -> ExperimentConfig:
    """The experiment that a mapping describes, such as one read from JSON.

    Args:
        origin: stands before each mistake in the message.
        overrides: see `load_experiment`.

    Raises:
        UserError: all that is wrong, one mistake a line.
    """
    content = _copy_of_sections(mapping)
    overridden = apply_overrides(content, overrides)
    return validated(ExperimentConfig, SMALLEST_EXPERIMENT, content, origin, overridden)


def to_yaml(config: ExperimentConfig) -> str:
    """The experiment as YAML, every default written out; it loads back to an equal one."""
    return yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True, width=120)


def experiment_json_schema() -> dict[str, Any]:
    """The JSON Schema of an experiment's file, see `file_json_schema`."""
    return file_json_schema(ExperimentConfig)


def file_json_schema(model: type[Section]) -> dict[str, Any]:
    """The JSON Schema of a YAML file: accepts what the loader accepts, and refuses unknown keys.

    Rules over several keys are the loader's alone.
    """
    schema = _numbers_may_be_text(model.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _read_text(path: Path) -> str:
    try:
        if not (path.is_file() or path.is_dir()) and path.exists() and not _is_stream_of_shell(path):
            raise UserError(f"{path}: is not a regular file; name the YAML file of an experiment")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{_nearest_file(path)}") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; name the YAML file of an experiment") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise UserError(f"{path}: is larger than {MAX_FILE_BYTES:,} bytes, so it is not an experiment's YAML file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise UserError(f"{path}: is not UTF-8 text (byte 0x{byte:02x} at {error.start}); save it as UTF-8") from None


def _is_stream_of_shell(path: Path) -> bool:
    """Whether a shell stands at the other end, as in `foundry train <(make-experiment)`: one need not wait in vain."""
    return path.is_relative_to("/dev") or path.is_relative_to("/proc")


def _nearest_file(path: Path) -> str:
    """A hint at the YAML file in the same folder whose name is nearest to that of `path`."""
    if not path.parent.is_dir():
        return ""
    known = {sibling.stem: sibling for sibling in path.parent.iterdir() if sibling.suffix in (".yaml", ".yml")}
    nearest = difflib.get_close_matches(path.stem, sorted(known), n=1)
    return f"; did you mean {known[nearest[0]]}?" if nearest else ""


def apply_overrides(content: dict[str, Any], overrides: Sequence[str]) -> list[tuple[str, ...]]:
    """Put each `key=value` into `content`; the places of what is there only because of them.

    Raises:
        UserError: one has another form, or names a place inside something that is no section.
    """
    return [_apply_override(content, override) for override in overrides]


def _apply_override(content: dict[str, Any], override: str) -> tuple[str, ...]:
    """Put one `key=value` into `content`; the place of what is there only because of it."""
    dotted, equals, text = override.partition("=")
    place = tuple(dotted.strip().split("."))
    if not equals or not all(place):
        raise UserError(f"{OVERRIDE_ORIGIN} {override}: must have the form key=value, like training.learning_rate=1e-4")
    section, made = content, place
    for depth, key in enumerate(place[:-1], start=1):
        if section.get(key) is None:
            section[key] = {}
            made = place[:depth] if made == place else made
        if not isinstance(section[key], dict):
            raise UserError(f"{OVERRIDE_ORIGIN} {override}: {_dotted(place[:depth])} is not a section with keys")
        section[key] = section = dict(section[key])  # an alias elsewhere in the file keeps its own value
    section[place[-1]] = parse_yaml(text, f"{OVERRIDE_ORIGIN} {dotted}")
    return made


def validated(
    model: type[Model],
    smallest: Mapping[str, Any],
    content: Mapping[str, Any],
    origin: str,
    overridden: Sequence[tuple[str, ...]] = (),
) -> Model:
    """What `content` says, checked against the schema `model` and all its rules.

    Args:
        smallest: values of the right type for the keys that have no default.
        origin: stands before each mistake in the message.
        overridden: the places of what did not come from there, but from an override.

    Raises:
        UserError: all that is wrong, one mistake a line.
    """
    try:
        config = model.model_validate(content, context=FIELDS_ONLY)
        problems: list[Problem] = []
        unlisted = 0
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [_explain(detail, model) for detail in details[:MAX_LISTED_PROBLEMS]]
        config = _with_defaults_at([detail["loc"] for detail in details], content, model, smallest)
        unlisted = len(details) - len(problems)
    problems += _broken_rules(config, [problem.place for problem in problems])
    if problems:
        lines = [_line(problem, origin, overridden) for problem in problems]
        raise UserError("\n".join(lines + [f"{origin}: and {unlisted:,} more"] * bool(unlisted)))
    return config


def _with_defaults_at(
    places: Sequence[tuple[str | int, ...]],
    content: Mapping[str, Any],
    model: type[Model],
    smallest: Mapping[str, Any],
) -> Model:
    """The content with its wrong keys left out, so that the rules over its valid keys can be judged."""
    rest: dict[str, Any] = {**smallest, **_copy_of_sections(content)}
    for place in places:
        section: Any = rest
        for key in place[:-1]:
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section.pop(place[-1], None)
        else:  # the wrong value stands inside a list: leave out the whole list
            _remove_list_at(rest, place)
    return model.model_validate({**smallest, **rest}, context=FIELDS_ONLY)


def _copy_of_sections(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _copy_of_sections(value) if isinstance(value, dict) and key != "architecture_options" else value
        for key, value in content.items()
    }


def _remove_list_at(rest: dict[str, Any], place: tuple[str | int, ...]) -> None:
    section: Any = rest
    for key in place:
        if not isinstance(section.get(key), dict):
            section.pop(key, None)
            return
        section = section[key]


def _broken_rules(config: Section, wrong: Sequence[tuple[str | int, ...]]) -> Iterator[Problem]:
    """The rules that do not hold, apart from those that read a wrong key."""
    for prefix, section in _sections(config):
        for keys, sentence in section.broken_rules():
            reads = [prefix + tuple(key.split(".")) for key in keys]
            if not any(_overlap(read, place) for read in reads for place in wrong):
                yield Problem(prefix, sentence)


def _sections(section: Section, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Section]]:
    yield prefix, section
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _sections(value, (*prefix, name))
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from _sections(item, (*prefix, name, key)) if isinstance(item, Section) else ()


def _overlap(left: tuple[str | int, ...], right: tuple[str | int, ...]) -> bool:
    """Whether one place is the other, or stands inside it."""
    shorter = min(len(left), len(right))
    return left[:shorter] == right[:shorter]


def _line(problem: Problem, origin: str, overridden: Sequence[tuple[str, ...]]) -> str:
    from_override = any(problem.place[: len(place)] == place for place in overridden)
    parts = [OVERRIDE_ORIGIN if from_override else origin, _dotted(problem.place), problem.text]
    return ": ".join(part for part in parts if part)


def _dotted(place: Sequence[str | int]) -> str:
    """`training.checkpoint_schedule[2]`."""
    text = ""
    for part in place:
        name = part if isinstance(part, int) else shown_value(part)
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else str(name)
    return text


def _explain(error: ErrorDetails, model: type[Section]) -> Problem:
    """What is wrong at one place, for a person who has the file before them."""
    kind, place, value = error["type"], error["loc"], error["input"]
    if kind == "extra_forbidden":
        return Problem(place, f"unknown key{_remedy_for_unknown(place, model)}")
    if kind == "missing":
        return Problem(place, "is missing, and has no default")
    if value is None and kind != "value_error":
        return Problem(place, "is empty; give it a value, or remove the key to use its default")
    rule = _rule(error)
    hint = _hint(kind, value, error.get("ctx", {}))
    return Problem(place, f"{rule}, got {shown_value(value)}{hint}")


RULES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a section with keys",
    "model_type": "must be a section with keys",
    "path_type": "must be a path",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "tuple_type": "must be a list, such as [a, b]",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:,.10g}",
}


def _rule(error: ErrorDetails) -> str:
    """The rule that a value broke."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = _choices(context)
        return f"must be one of {', '.join(choices)}" if len(choices) > 1 else f"must be {choices[0]}"
    return RULES[kind].format_map(context) if kind in RULES else error["msg"]


def _choices(context: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", context["expected"])


def _hint(kind: str, value: object, context: Mapping[str, Any]) -> str:
    if kind == "literal_error" and isinstance(value, str):
        lower = {choice.lower(): choice for choice in _choices(context)}
        nearest = difflib.get_close_matches(value.lower(), list(lower), n=1)
        return f"; did you mean {lower[nearest[0]]}?" if nearest else ""
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "; put it in quotes"
    return ""


def _remedy_for_unknown(place: tuple[str | int, ...], model: type[Section]) -> str:
    """The nearest key of the same section, else the section that has such a key, else the keys there are."""
    key = str(place[-1])
    known = list(_model_at(place[:-1], model).model_fields)
    if nearest := difflib.get_close_matches(key, known, n=1):
        return f"; did you mean {nearest[0]}?"
    elsewhere = [_dotted(prefix) for prefix, section in all_models(model) if key in section.model_fields]
    if elsewhere:
        return f"; it belongs under {' or '.join(name or 'the top of the file' for name in elsewhere)}"
    if len(known) > MAX_LISTED_KEYS:
        return "; `foundry schema` lists the known keys"
    return f"; the known keys are {', '.join(known)}"


def _model_at(place: Sequence[str | int], model: type[Section]) -> type[Section]:
    known = dict(all_models(model))
    for depth in range(len(place), -1, -1):
        names = tuple(str(part) for part in place[:depth])
        if names in known:
            return known[names]
    return model


def all_models(section: type[Section], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    """The schema of each section below `section`, and of itself, with the place where it stands."""
    yield prefix, section
    for name, field in section.model_fields.items():
        for candidate in _types_in(field.annotation):
            if isinstance(candidate, type) and issubclass(candidate, Section):
                yield from all_models(candidate, (*prefix, name))


def _types_in(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or what the values of a mapping or the items of a list are."""
    is_compound = isinstance(annotation, types.UnionType) or get_origin(annotation) in (dict, tuple)
    return get_args(annotation) if is_compound else (annotation,)


def shown_value(value: object) -> str:
    """A value as a user wrote it, in a few characters of one line."""
    if isinstance(value, dict):
        return "a section with keys"
    if isinstance(value, list | tuple):
        flat = all(isinstance(item, str | int | float | bool) for item in value[:MAX_LISTED_KEYS])
        text = f"[{', '.join(shown_value(item) for item in value[:MAX_LISTED_KEYS])}]"
        return text if flat and len(value) <= MAX_LISTED_KEYS and len(text) <= MAX_SHOWN_CHARACTERS else "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    shown = text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
    return shown if shown.isprintable() and shown.strip() == shown != "" else repr(shown)


def plain(value: Any) -> Any:
    """A value of a configuration in the types that YAML knows."""
    if isinstance(value, Section):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Path):
        return str(value)
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def _numbers_may_be_text(schema: Any) -> Any:
    """The schema with each number also allowed as text, because YAML 1.1 reads `3e-4` as text."""
    if isinstance(schema, list):
        return [_numbers_may_be_text(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    widened = {key: _numbers_may_be_text(value) for key, value in schema.items()}
    if schema.get("type") in ("integer", "number"):
        widened |= {"type": [schema["type"], "string"], "pattern": NUMBER_PATTERN}
    return widened
