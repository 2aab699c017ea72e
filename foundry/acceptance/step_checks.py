"""Looks for acceptance tests that cannot fail: `python -m foundry.acceptance.step_checks [PROJECT]`.

Reads the source of steps, hooks and test kit, and matches every sentence of the features with its step definition.
Exit code 1 where it finds an error; warnings are only shown.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.model import Scenario, Step
from behave.runner import Runner
from behave.step_registry import AmbiguousStep, registry

from foundry.acceptance.formatter import place_of, rule_of, tags_of
from foundry.acceptance.selection import behave_configuration, parsed_features
from foundry.acceptance.tags import REQUIREMENT, SEVERITIES, unknown_tags

CHECKING_PREFIXES = ("assert_", "expect_", "verify_")
MOCKING_LIBRARIES = ("mock", "unittest.mock", "pytest_mock", "pytest.MonkeyPatch", "mockito", "flexmock", "doublex")
STEP_KINDS = ("given", "when", "then", "step")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Finding:
    """Something that weakens the suite, and where it stands."""

    path: str
    line: int
    text: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'warning: ' * self.is_warning}{self.text}"


def check_sources(paths: Iterable[Path]) -> Iterator[Finding]:
    """What the source files of steps, hooks and test kit give away by themselves."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in paths}
    idle_helpers = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, Function) and node.name.startswith(CHECKING_PREFIXES) and not _can_fail(node, set())
    }
    for path, tree in trees.items():
        replaced = _imported_names(tree)
        nodes: list[Any] = list(ast.walk(tree))
        for node in nodes:
            for text in (
                *_mocking(node),
                *_replacing(node, replaced),
                *_swallowing(node),
                *_idle_step(node, idle_helpers),
            ):
                yield Finding(str(path), node.lineno, text)


def _mocking(node: Any) -> Iterator[str]:
    names: set[str] = set()
    if isinstance(node, ast.Import):
        names = {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        names = {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    for name in sorted(names & set(MOCKING_LIBRARIES)):
        yield f"imports {name}: the suite drives the real product, faults come from outside"


def _imported_names(tree: ast.Module) -> set[str]:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}


def _replacing(node: Any, imported: set[str]) -> Iterator[str]:
    """An assignment to an attribute of something imported puts another thing in the product's place."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call) and _name(node) in ("setattr", "delattr") and node.args:
        targets = [ast.Attribute(node.args[0], "...")]
    for target in targets:
        root = target
        while isinstance(root, ast.Attribute):
            root = root.value
        if root is not target and isinstance(root, ast.Name) and root.id in imported:
            yield f"replaces a part of {root.id}: the suite drives the real product"


def _swallowing(node: Any) -> Iterator[str]:
    if isinstance(node, ast.ExceptHandler):
        broad = node.type is None or _name(node.type) in ("Exception", "BaseException")
        if broad and not any(isinstance(inner, ast.Raise) or _uses(inner, node.name) for inner in ast.walk(node)):
            yield "catches every exception and looks at none"
    if isinstance(node, ast.Call) and _name(node) == "suppress":
        for kind in ("Exception", "BaseException", "AssertionError"):
            if any(_name(argument) == kind for argument in node.args):
                yield f"suppresses {kind}"


def _uses(node: ast.AST, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _idle_step(node: Any, idle_helpers: set[str]) -> Iterator[str]:
    if not isinstance(node, Function):
        return
    kinds = {_name(decorator).lower() for decorator in node.decorator_list} & set(STEP_KINDS)
    if kinds and all(isinstance(part, ast.Pass) or _is_constant(part) for part in node.body):
        yield f"the step {node.name} does nothing"
    elif kinds & {"then"} and not _can_fail(node, idle_helpers):
        yield f"the step {node.name} checks nothing: it has no assert, no raise and no helper expect_... that has one"


def _can_fail(function: Function, idle_helpers: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call):
            name = _name(node)
            if name.startswith(CHECKING_PREFIXES) and name not in idle_helpers and name != function.name:
                return True
    return False


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _name(node: ast.expr) -> str:
    """The last part of a name, of the name of what is called, or of a decorator."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def check_features(paths: list[str]) -> Iterator[Finding]:
    """What comes out when every sentence of the features is matched with the step definitions."""
    runner = Runner(behave_configuration(paths, []))
    try:
        with runner.path_manager:
            runner.setup_paths()
            runner.load_step_definitions()
    except AmbiguousStep as error:
        yield Finding("steps", 1, " ".join(str(error).split()))
        return
    used: set[int] = set()
    scenarios = [scenario for feature in parsed_features(paths) for scenario in feature.walk_scenarios()]
    for scenario in scenarios:
        yield from _check_scenario(scenario)
        for step in scenario.all_steps:
            matchers = [matcher for matcher in _definitions(step) if matcher.match(step.name)]
            used |= {id(matcher) for matcher in matchers}
            if len(matchers) != 1:
                text = "no step definition has" if not matchers else f"{len(matchers)} step definitions have"
                yield Finding(str(step.filename), step.line, f'{text} the sentence "{step.keyword} {step.name}"')
    for matcher in (matcher for matchers in registry.steps.values() for matcher in matchers):
        if id(matcher) not in used:
            place = matcher.location
            yield Finding(str(place.filename), place.line, f'no feature uses the step "{matcher.pattern}"')
    yield from _repeated_names(scenarios)


def _definitions(step: Step) -> list[Any]:
    return [*registry.steps[step.step_type], *registry.steps["step"]]


def _check_scenario(scenario: Scenario) -> Iterator[Finding]:
    tags, kinds = tags_of(scenario), Counter(step.step_type for step in scenario.all_steps)
    problems = {
        "has no Then": not kinds["then"],
        "has no severity tag": not set(tags) & set(SEVERITIES),
        "has no requirement tag @REQ-AREA-01": not any(REQUIREMENT.fullmatch(tag) for tag in tags),
        f"has unknown tags: {' '.join(unknown_tags(tags))}": bool(unknown_tags(tags)),
        "is @wip and does not say why in its description": "wip" in tags and not scenario.description,
    }
    for text, is_there in problems.items():
        if is_there:
            yield Finding(str(scenario.filename), scenario.line, f'"{scenario.name}" {text}')
    if kinds["when"] > 1:
        text = f'"{scenario.name}" has {kinds["when"]} steps that act; one When makes one claim'
        yield Finding(str(scenario.filename), scenario.line, text, is_warning=True)


def _repeated_names(scenarios: Iterable[Scenario]) -> Iterator[Finding]:
    """Two scenarios of one name in one rule are one line in the history of a report."""
    seen: dict[tuple[str, ...], str] = {}
    for scenario in scenarios:
        rule = rule_of(scenario)
        row = tuple(scenario._row.cells) if scenario._row else ()
        key = (scenario.feature.name, rule.name if rule else "", scenario.name, *row)
        if key in seen:
            yield Finding(str(scenario.filename), scenario.line, f'"{scenario.name}" stands at {seen[key]}, too')
        seen[key] = place_of(scenario)


def main(project: Path) -> int:
    """Print what is found in `project`; 1 where it holds an error."""
    sources = [*project.glob("steps/**/*.py"), *project.glob("foundry/testing/**/*.py"), project / "environment.py"]
    found = sorted(
        {*check_sources(path for path in sources if path.is_file()), *check_features([str(project / "features")])}
    )
    for finding in found:
        print(finding)
    num_errors = sum(not finding.is_warning for finding in found)
    if not num_errors:
        print(f"{sum(map(len, registry.steps.values()))} step definitions: each is used, and can fail where it must")
    return int(num_errors > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
