"""All features as one document to read, each scenario with what became of it: one page of HTML, complete in itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from behave.model import Background, Examples, Feature, Rule, Scenario, ScenarioOutline, Step, Table

from foundry.acceptance.failure_groups import UNEXPLAINED
from foundry.acceptance.features_style import SCRIPT, STYLE
from foundry.acceptance.formatter import epic_of, history_id
from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord
from foundry.acceptance.tags import LABEL
from foundry.evaluation.page import page

NOT_RUN = "not-run"
WORDS = {
    "failed": ("✗", "not kept"),
    "broken": ("!", "error"),
    NOT_RUN: ("○", "not run"),
    "skipped": ("–", "skipped"),
    "passed": ("✓", "kept"),
}
"""Each status, the one that a reader has to see first, first: its sign and its word."""
FILTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("All", ()),
    ("Kept", ("passed",)),
    ("Not kept", ("failed", "broken")),
    ("Skipped", ("skipped",)),
    ("Not run", (NOT_RUN,)),
)
"""The buttons, and the statuses that each leaves to be seen."""

Outcomes = Mapping[str, ScenarioRecord]


def features_page(features: Iterable[Feature], record: AcceptanceRecord) -> str:
    """The page. What `record` does not tell of was not selected, and is shown as not run."""
    outcomes = {scenario.key: scenario for scenario in record.scenarios}
    epics: dict[str, list[Feature]] = {}
    for feature in features:
        epics.setdefault(epic_of(feature), []).append(feature)
    ordered = {epic: sorted(epics[epic], key=lambda it: str(it.filename)) for epic in sorted(epics)}
    counts = Counter(_status(it, outcomes) for group in ordered.values() for part in group for it in _each(part))
    parts = [_controls(counts), _contents(ordered, outcomes)]
    parts += [_epic(epic, group, outcomes) for epic, group in ordered.items()]
    state = f"{counts['passed']:,} of {counts.total():,} kept"
    return page("What Foundry promises", state, [*parts, f"<script>{SCRIPT}</script>"], STYLE)


def _each(part: Feature | Rule | ScenarioOutline) -> list[Scenario]:
    return list(part.scenarios) if isinstance(part, ScenarioOutline) else list(part.walk_scenarios())


def _status(scenario: Scenario, outcomes: Outcomes) -> str:
    outcome = outcomes.get(history_id(scenario))
    return outcome.status if outcome else NOT_RUN


def _controls(counts: Counter[str]) -> str:
    buttons = []
    for name, statuses in FILTERS:
        number = sum(counts[status] for status in statuses) if statuses else counts.total()
        wanted = f'data-show="{" ".join(statuses)}" aria-pressed="{"false" if statuses else "true"}"'
        buttons.append(f'<button type="button" {wanted}>{name} {number:,}</button>')
    return (
        '<section class="controls"><input type="search" placeholder="Search in features, rules and scenarios" '
        f'aria-label="Search">{"".join(buttons)}<button type="button" data-fold aria-pressed="false">Titles only'
        '</button><output aria-live="polite"></output></section>'
    )


def _contents(epics: Mapping[str, Sequence[Feature]], outcomes: Outcomes) -> str:
    parts = []
    for epic, features in epics.items():
        scenarios = [scenario for feature in features for scenario in _each(feature)]
        kept = sum(_status(scenario, outcomes) == "passed" for scenario in scenarios)
        entries = "".join(
            f'<li data-status="{(status := _worst(_each(it), outcomes))}">{_mark(status)} '
            f'<a href="#{_anchor(it)}">{escape(it.name)}</a></li>'
            for it in features
        )
        heading = f"<h3>{escape(epic)} <small>{kept} of {len(scenarios)} kept</small></h3>"
        parts.append(f"<div>{heading}<ul>{entries}</ul></div>")
    return f'<section><nav aria-label="Contents"><h2>Contents</h2>{"".join(parts)}</nav></section>'


def _epic(epic: str, features: Sequence[Feature], outcomes: Outcomes) -> str:
    body = "\n".join(_feature(feature, outcomes) for feature in features)
    return f'<div class="epic-part"><h2 class="epic">{escape(epic)}</h2>\n{body}</div>'


def _feature(feature: Feature, outcomes: Outcomes) -> str:
    parts = [_background(feature.background)]
    parts += [_scenario(scenario, outcomes) for scenario in feature.scenarios]
    parts += [_rule(rule, outcomes) for rule in feature.rules]
    return (
        f'<section class="feature" id="{_anchor(feature)}">\n<h3>{escape(feature.name)}{_tags(feature.tags)}</h3>\n'
        f'{_told(feature.description)}<div class="file">{escape(str(feature.filename))}</div>\n'
        + "\n".join(parts)
        + "\n</section>"
    )


def _rule(rule: Rule, outcomes: Outcomes) -> str:
    scenarios = "\n".join(_scenario(scenario, outcomes) for scenario in rule.scenarios)
    return (
        f'<div class="rule"><h4><span>Rule:</span> {escape(rule.name)}{_tags(rule.tags)}</h4>\n'
        f"{_told(rule.description)}{_background(_own_background(rule))}\n{scenarios}</div>"
    )


def _own_background(rule: Rule) -> Background | None:
    """Behave gives a rule without a background that of its feature, which stands above already."""
    return rule.background if rule.background and rule.background.line > rule.line else None


def _background(background: Background | None) -> str:
    if background is None:
        return ""
    return f'<div class="background"><b>Background</b>{_steps(background.steps)}</div>'


def _scenario(scenario: Scenario | ScenarioOutline, outcomes: Outcomes) -> str:
    is_outline = isinstance(scenario, ScenarioOutline)
    expanded = _each(scenario) if is_outline else [scenario]
    statuses = sorted({_status(it, outcomes) for it in expanded}, key=list(WORDS).index)
    worst = _worst(expanded, outcomes)
    name = _with_places(escape(scenario.name)) if is_outline else escape(scenario.name)
    told = "".join(_why(it, outcomes) for it in expanded)
    return (
        f'<details class="scenario" open data-status="{worst}" data-has="{" ".join(statuses)}" '
        f'id="{_scenario_anchor(expanded)}"><summary>{_mark(worst)} {name} <span class="word">{WORDS[worst][1]}</span>'
        f"{_tags(scenario.tags)}</summary>\n{_told(scenario.description)}{_steps(scenario.steps, is_outline)}"
        f"{_examples(scenario, outcomes) if is_outline else ''}{told}</details>"
    )


def _examples(outline: ScenarioOutline, outcomes: Outcomes) -> str:
    by_row = {scenario.line: scenario for scenario in outline.scenarios}
    return "".join(_table_of(examples, by_row, outcomes) for examples in outline.examples if examples.table)


def _table_of(examples: Examples, by_row: Mapping[int, Scenario], outcomes: Outcomes) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in examples.table.headings)
    rows = []
    for row in examples.table.rows:
        status = _status(by_row[row.line], outcomes)
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row.cells)
        rows.append(f'<tr data-status="{status}" data-has="{status}"><td>{_mark(status)}</td>{cells}</tr>')
    title = f"Examples: {examples.name}" if examples.name else "Examples"
    return (
        f'<div class="examples"><b>{escape(title)}</b><div class="wide"><table><tr><th></th>{head}</tr>'
        f"{''.join(rows)}</table></div></div>"
    )


def _why(scenario: Scenario, outcomes: Outcomes) -> str:
    """What a reader wants to know of a scenario that did not pass."""
    outcome = outcomes.get(history_id(scenario))
    if outcome is None or outcome.status == "passed":
        return ""
    failure = outcome.failure or UNEXPLAINED
    text = outcome.reason if outcome.status == "skipped" else "\n".join([failure.step, failure.message]).strip()
    row = f"{', '.join(outcome.row.values())}: " if outcome.row else ""
    return f'<p class="why" data-status="{outcome.status}">{escape(row + text)}</p>'


def _steps(steps: Sequence[Step], is_outline: bool = False) -> str:
    return f'<ol class="steps">{"".join(_step(step, is_outline) for step in steps)}</ol>'


def _step(step: Step, is_outline: bool) -> str:
    name = escape(step.name)
    text = f"<pre>{escape(step.text)}</pre>" if step.text is not None else ""
    table = _table(step.table) if step.table is not None else ""
    sentence = f"<b>{escape(step.keyword)}</b> {name}{text}{table}"
    return f"<li>{_with_places(sentence) if is_outline else sentence}</li>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.headings)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row.cells)}</tr>" for row in table.rows)
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _with_places(text: str) -> str:
    """Escaped text in which the places that a row of examples fills are set apart."""
    return re.sub(r"&lt;([^&\n]+)&gt;", r"<var>\1</var>", text)


def _tags(tags: Iterable[str]) -> str:
    return "".join(f'<span class="tag">{escape(tag)}</span>' for tag in tags if not LABEL.fullmatch(tag))


def _told(lines: Sequence[str]) -> str:
    return f'<p class="told">{escape(chr(10).join(lines))}</p>\n' if lines else ""


def _worst(scenarios: Iterable[Scenario], outcomes: Outcomes) -> str:
    found = {_status(scenario, outcomes) for scenario in scenarios}
    return next((status for status in WORDS if status in found), NOT_RUN)


def _mark(status: str) -> str:
    sign, word = WORDS[status]
    return f'<span class="mark" title="{word}" data-status="{status}">{sign}</span>'


def _anchor(feature: Feature) -> str:
    return re.sub(r"\W+", "-", str(Path(feature.filename).with_suffix(""))).strip("-")


def _scenario_anchor(scenarios: Sequence[Scenario]) -> str:
    """The key of the scenario, or of the first row of an outline."""
    return history_id(scenarios[0]) if scenarios else ""
