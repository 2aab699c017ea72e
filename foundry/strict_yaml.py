"""YAML for configurations: plain values only, no key twice, every error in one line with its place.

Tags that make anything but text, numbers, booleans, null, lists and mappings are refused, and aliases may not blow a
small file up.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from foundry.errors import UserError

MAX_VALUES = 10_000
"""Aliases included: nested aliases can turn ten lines into a billion values."""
MAX_NUMBER_CHARACTERS = 100
"""Longer ones take longer than linear time to read, and Python refuses to show them."""
MAX_PROBLEM_CHARACTERS = 200


class _TooMuchError(Exception):
    """Aliases make a document too large."""


class _StrictLoader(yaml.SafeLoader):
    """A safe loader without timestamps, binary, sets and ordered maps, that refuses a key given twice."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._num_nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse a long document early: what comes after this is slow."""
        self._num_nodes += 1
        if self._num_nodes > MAX_VALUES:
            raise _TooMuchError(f"holds more than {MAX_VALUES:,} values")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.Node) -> Any:
        is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if is_number and len(str(node.value)) > MAX_NUMBER_CHARACTERS:
            raise yaml.MarkedYAMLError(
                problem=f"a number of more than {MAX_NUMBER_CHARACTERS} characters", problem_mark=node.start_mark
            )
        return super().construct_scalar(node)  # type: ignore[arg-type]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if key_node.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(
                    problem="a key must be text; put it in quotes", problem_mark=key_node.start_mark
                )
            if key_node.value in seen:
                problem = (
                    f"the key {key_node.value} was given before, in line {seen[key_node.value]}; remove one of them"
                )
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            seen[key_node.value] = line
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, origin: str) -> Any:
    """The value that one YAML document holds; None for an empty one.

    Args:
        origin: stands before the error.

    Raises:
        UserError: one line with the place in the text and what is wrong there.
    """
    try:
        loader = _StrictLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _refuse_explosion(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise UserError(f"{origin}: {_place(error.problem_mark)}{_sentence(error)}") from None
    except yaml.reader.ReaderError as error:
        raise UserError(f"{origin}: not valid YAML: the character U+{error.character:04X} may not occur") from None
    except RecursionError:
        raise UserError(f"{origin}: is nested too deeply") from None
    except _TooMuchError as error:
        raise UserError(f"{origin}: {error}") from None
    except ValueError:
        raise UserError(f"{origin}: not valid YAML: a number that cannot be read") from None


def _place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""


def _sentence(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem).split())
    if "could not determine a constructor" in problem:
        tag = problem.rpartition(" ")[2].strip("'").replace("tag:yaml.org,2002:", "!!")
        return f"the tag {_shortened(tag)} is not read here; remove it"
    if problem.startswith("but "):
        problem = f"{error.context}, {problem}"
    remedy = "; indent with spaces" if "'\\t'" in problem else ""
    return f"{_shortened(problem)}{remedy}"


def _shortened(problem: str) -> str:
    """Without the middle of what somebody put into a name or a tag."""
    half = MAX_PROBLEM_CHARACTERS // 2
    return problem if len(problem) <= MAX_PROBLEM_CHARACTERS else f"{problem[:half]} … {problem[-half:]}"


def _refuse_explosion(root: yaml.Node) -> None:
    """Count the values below `root` with every alias followed, without following any twice.

    Raises:
        _TooMuchError: there are more than `MAX_VALUES`, or an alias contains itself.
    """
    counts: dict[yaml.Node, int] = {}
    under_way: set[yaml.Node] = set()

    def count(node: yaml.Node) -> int:
        if node in under_way:
            raise _TooMuchError("an alias contains itself")
        if node not in counts:
            under_way.add(node)
            children = node.value if isinstance(node, yaml.CollectionNode) else []
            flat = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
            counts[node] = 1 + sum(count(child) for child in flat)
            under_way.remove(node)
        return counts[node]

    if count(root) > MAX_VALUES:
        raise _TooMuchError(f"holds more than {MAX_VALUES:,} values, aliases followed")
