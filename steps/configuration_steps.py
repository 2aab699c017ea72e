"""Steps about experiment files: what is accepted, what is refused, and with which words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.config import ExperimentConfig
from foundry.config_file import experiment_json_schema, load_experiment, to_yaml
from foundry.errors import UserError
from foundry.strict_yaml import parse_yaml

FILE = Path("tiny.yaml")
BASE = {"experiment_name": "tiny", "data": {"git": {"repository": "."}}, "training": {"train_steps": "100"}}
ABSENT = "(absent)"


@dataclass
class ConfigurationState:
    """What the configuration steps of one scenario share.

    Attributes:
        outcomes: for each file that was loaded, what it was expected to give and what it gave.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    config: ExperimentConfig | None = None
    message: str = ""
    fingerprints: list[Fingerprinted] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """One file: the change made to a valid one, the expected text, what came of it, and its content as data."""

    change: str
    expected: str
    config: ExperimentConfig | None
    message: str
    content: Any


@dataclass(frozen=True)
class Fingerprinted:
    """One changed experiment, whether its fingerprint is expected to be `another` or `the same`, and what it is."""

    change: str
    expected: str
    config: ExperimentConfig
    fingerprint: str

    @property
    def key(self) -> str:
        """The last key of the change; those before it make room for it."""
        return self.change.split("; ")[-1].partition(":")[0]


def state(context: Context) -> ConfigurationState:
    found: ConfigurationState = context.world.of(ConfigurationState)
    return found


def changed_file(changes: str) -> str:
    """The text of the valid experiment after `a.b: value; c: value`, the values as they are written."""
    tree: dict[str, Any] = yaml.safe_load(yaml.safe_dump(BASE))
    for change in filter(None, changes.split("; ")):
        key, _, value = change.partition(":")
        *sections, last = key.strip().split(".")
        section = tree
        for name in sections:
            if not isinstance(section.get(name), dict):
                section[name] = {}
            section = section[name]
        section[last] = value.strip()
        if value.strip() == ABSENT:
            del section[last]
    return as_text(tree)


def as_text(tree: dict[str, Any], indent: str = "") -> str:
    lines = []
    for key, value in tree.items():
        nested = f"\n{as_text(value, indent + '  ')}" if isinstance(value, dict) else f" {value}\n"
        lines.append(f"{indent}{key}:{nested}")
    return "".join(lines)


def load(path: Path, overrides: list[str] | None = None) -> tuple[ExperimentConfig | None, str]:
    try:
        return load_experiment(path, overrides or []), ""
    except UserError as error:
        return None, str(error)


def expect_equal(found: object, expected: object) -> None:
    """Fail with the differing items where both are lists of the same length, with both sides otherwise."""
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = [(mine, theirs) for mine, theirs in zip(found, expected, strict=True) if mine != theirs]
        assert not pairs, "\n".join(f"expected: {theirs}\nfound:    {mine}" for mine, theirs in pairs)
    assert found == expected, f"expected:\n{expected}\nfound:\n{found}"


def value_at(config: ExperimentConfig, dotted: str) -> Any:
    value: Any = config
    for name in dotted.split("."):
        value = None if value is None else getattr(value, name)
    return value


@given("the experiment file {name}")
@given("an experiment file {name}")
def experiment_file(context: Context, name: str) -> None:
    Path(name).write_text(context.text + "\n", encoding="utf-8")


@given("a file {name} with the bytes {escaped}")
def file_of_bytes(_context: Context, name: str, escaped: str) -> None:
    Path(name).write_bytes(bytes.fromhex(escaped))


@given("a file {name} in which nine lines of aliases stand for {count} values")
def bomb_file(_context: Context, name: str, count: str) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    assert 10 ** len(lines) == int(count.replace(",", "")), f"the lines stand for {10 ** len(lines):,} values"
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@given("a file {name} with {depth:d} lists inside one another")
def deep_file(_context: Context, name: str, depth: int) -> None:
    Path(name).write_text("[" * depth, encoding="utf-8")


@given("a file {name} of {size:d} bytes")
def big_file(_context: Context, name: str, size: int) -> None:
    Path(name).write_bytes(b"#" * size)


@when("these changes are made to a valid experiment, one row at a time")
def changes_in_turn(context: Context) -> None:
    for row in context.table:
        FILE.write_text(changed_file(row["change"]), encoding="utf-8")
        config, message = load(FILE)
        content = parse_yaml(FILE.read_text(encoding="utf-8"), str(FILE))
        expected = row.get("message", "") or row.get("means", "")
        state(context).outcomes.append(Outcome(row["change"], expected, config, message, content))


@when("files with these texts are loaded, one row at a time")
def texts_in_turn(context: Context) -> None:
    for row in context.table:
        FILE.write_text(row["text"].replace("\\n", "\n").replace("\\t", "\t") + "\n", encoding="utf-8")
        config, message = load(FILE)
        state(context).outcomes.append(Outcome(row["text"], row["message"], config, message, None))


@then("each is refused with exactly its message")
def each_refused(context: Context) -> None:
    expect_equal(
        [item.message for item in state(context).outcomes], [item.expected for item in state(context).outcomes]
    )


@then("each is accepted and means what its row says")
def each_accepted(context: Context) -> None:
    for item in state(context).outcomes:
        assert item.config is not None, f"{item.change}: refused: {item.message}"
        for meaning in item.expected.split("; "):
            key, _, value = meaning.partition(" = ")
            found = value_at(item.config, key)
            assert repr(found) == value, f"{item.change}: {key} is {found!r}, not {value}"


@then("the JSON Schema {verdict} each of them")
def schema_verdict(context: Context, verdict: str) -> None:
    validator = jsonschema.Draft202012Validator(experiment_json_schema())
    found = [(item.change, validator.is_valid(item.content)) for item in state(context).outcomes]
    expect_equal(found, [(item.change, verdict == "accepts") for item in state(context).outcomes])


META_SCHEMA = jsonschema.Draft202012Validator.META_SCHEMA


@then("the JSON Schema is one itself")
def schema_is_valid(_context: Context) -> None:
    errors = list(jsonschema.Draft202012Validator(META_SCHEMA).iter_errors(experiment_json_schema()))
    assert not errors, errors


@when("the file {name} is loaded")
def load_file(context: Context, name: str) -> None:
    state(context).config, state(context).message = load(Path(name))


@when("the file {name} is loaded with the overrides")
def load_with_overrides(context: Context, name: str) -> None:
    state(context).config, state(context).message = load(Path(name), [row["override"] for row in context.table])


@when("the file {name} is loaded with one of these overrides at a time")
def load_with_each_override(context: Context, name: str) -> None:
    for row in context.table:
        config, message = load(Path(name), [row["override"]])
        state(context).outcomes.append(Outcome(row["override"], row["message"], config, message, None))


@then("it is refused with exactly")
def refused_with(context: Context) -> None:
    expect_equal(state(context).message, context.text)


@then("it is accepted with")
def accepted_with(context: Context) -> None:
    config = state(context).config
    assert config is not None, f"refused: {state(context).message}"
    expected = {row["key"]: row["value"] for row in context.table}
    expect_equal({key: repr(value_at(config, key)) for key in expected}, expected)


@when("each of these experiments is written as YAML and loaded again")
def round_trip(context: Context) -> None:
    for row in context.table:
        FILE.write_text(changed_file(row["change"]), encoding="utf-8")
        first, message = load(FILE)
        assert first is not None, message
        FILE.write_text(to_yaml(first), encoding="utf-8")
        second, message = load(FILE)
        state(context).outcomes.append(Outcome(row["change"], to_yaml(first), second, message, first))


@then("it is equal to the first, and writes the same text")
def equal_after_round_trip(context: Context) -> None:
    for item in state(context).outcomes:
        assert item.config is not None, f"{item.change}: refused: {item.message}"
        expect_equal(item.config, item.content)
        expect_equal(to_yaml(item.config), item.expected)


@when("the smallest valid experiment is written as YAML")
def write_smallest(_context: Context) -> None:
    FILE.write_text(changed_file(""), encoding="utf-8")
    FILE.write_text(to_yaml(load_experiment(FILE)), encoding="utf-8")


@then("every key of the JSON Schema stands in it with its default")
def defaults_written(_context: Context) -> None:
    schema, content = experiment_json_schema(), yaml.safe_load(FILE.read_text(encoding="utf-8"))
    absent = [key for key, value in content.items() if value is None]
    expected = {key for key in keys_of_schema(schema, schema) if key.partition(".")[0] not in absent}
    expect_equal(keys_of_file(content), {*expected, *absent})


def keys_of_file(content: dict[str, Any], prefix: str = "") -> set[str]:
    keys = set()
    for key, value in content.items():
        keys |= keys_of_file(value, f"{prefix}{key}.") if value and isinstance(value, dict) else {prefix + key}
    return keys


def keys_of_schema(section: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> set[str]:
    keys = set()
    for key, value in section["properties"].items():
        references = [option["$ref"] for option in [value, *value.get("anyOf", [])] if "$ref" in option]
        name = references[0].rpartition("/")[2] if references else None
        keys |= keys_of_schema(schema["$defs"][name], schema, f"{prefix}{key}.") if name else {prefix + key}
    return keys


@when("these changes are made to a valid experiment, and the fingerprint is taken of each")
def fingerprints(context: Context) -> None:
    for row in context.table:
        FILE.write_text(changed_file(row["change"]), encoding="utf-8")
        config, message = load(FILE)
        assert config is not None, f"{row['change']}: {message}"
        taken = Fingerprinted(row["change"], row["fingerprint"], config, config.fingerprint("the same corpus"))
        state(context).fingerprints.append(taken)


def unchanged() -> ExperimentConfig:
    FILE.write_text(changed_file(""), encoding="utf-8")
    return load_experiment(FILE)


@then("each fingerprint is as its row says, and no two of the others are equal")
def fingerprints_as_said(context: Context) -> None:
    seen = {unchanged().fingerprint("the same corpus"): "(unchanged)"}
    for row in state(context).fingerprints:
        assert row.expected in ("another", "the same"), f"unknown expectation: {row}"
        equal_to = seen.setdefault(row.fingerprint, row.change)
        if row.expected == "the same":
            assert equal_to == "(unchanged)", f"{row.change!r} changes the fingerprint"
        else:
            assert equal_to == row.change, f"{row.change!r} has the fingerprint of {equal_to!r}"


@then("every key of the JSON Schema is changed there, always with one effect")
def every_key_changed(context: Context) -> None:
    effects: dict[str, set[str]] = {}
    for row in state(context).fingerprints:
        effects.setdefault(row.key, set()).add(row.expected)
        is_changed = value_at(row.config, row.key) != value_at(unchanged(), row.key)
        assert is_changed, f"{row.change!r} changes nothing"
    both = sorted(key for key, found in effects.items() if len(found) > 1)
    assert not both, f"keys with both effects: {both}"
    schema = experiment_json_schema()
    expect_equal(set(effects), keys_of_schema(schema, schema))
