"""Steps about a team that puts its own experiment under acceptance: options, demands, refusals."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.contract import CONTRACT_TAG, scaled_down, shortfall
from foundry.acceptance.record import RECORD_NAME, read_record
from foundry.config import ExperimentConfig
from foundry.config_acceptance import AcceptanceConfig
from foundry.config_file import load_experiment, plain
from foundry.testing.experiments import small_experiment
from foundry.testing.faults import flip_byte
from foundry.testing.runs import contents_of
from foundry.testing.team_folder import TeamFolder, write_team_folder

TEAMS_OWN = (Path("project"), Path("runs"), Path("artifacts"))


@dataclass
class OwnExperiment:
    """What the steps of one scenario share."""

    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    asked: ExperimentConfig | None = None
    short: ExperimentConfig | None = None
    answers: list[tuple[str, str]] = field(default_factory=list)


def own(context: Context) -> OwnExperiment:
    state: OwnExperiment = context.world.of(OwnExperiment)
    return state


def team_folder(context: Context) -> TeamFolder:
    state: TeamFolder = context.world.of(TeamFolder)
    return state


def run_name() -> str:
    [record] = Path("runs").glob("*/run.json")
    return record.parent.name


@given("a team's folder whose experiment demands")
def a_team_folder(context: Context) -> None:
    demands: dict[str, Any] = {row["demand"]: yaml.safe_load(row["value"]) for row in context.table}
    demands |= {"prompts": [demands["prompts"]]} if "prompts" in demands else {}
    write_team_folder(context.origin, demands)


@given("a byte of the team's published weights has flipped")
def published_weights_damaged(_context: Context) -> None:
    flip_byte(Path("artifacts", run_name(), "model.safetensors"), -1)


@when('the team runs "{command}"')
def team_runs(context: Context, command: str) -> None:
    own(context).before = contents_of(*TEAMS_OWN)
    program, *arguments = shlex.split(command.replace("RUN", run_name()))
    folder = team_folder(context)
    folder.run(program, arguments)
    context.world.attach("Printed", folder.finished.stdout + folder.finished.stderr)


@then("it exits with {code:d}, and these of all scenarios are not kept")
def not_kept(context: Context, code: int) -> None:
    folder = team_folder(context)
    found = {name: (status, message) for name, status, message in folder.results if status != "passed"}
    expected = {row["scenario"]: (row["status"], row["message"]) for row in context.table}
    alike = found.keys() == expected.keys() and all(
        found[name][0] == status and message in found[name][1] for name, (status, message) in expected.items()
    )
    assert alike, f"not kept: {found}\nexpected: {expected}"
    assert folder.finished.exit_code == code, folder.finished


@then("{count:d} are kept")
def are_kept(context: Context, count: int) -> None:
    kept = [name for name, status, _ in team_folder(context).results if status == "passed"]
    assert len(kept) == count, f"{len(kept)} are kept, expected {count}: {kept}"


@then("it exits with 0, and all that was tried is of the contract")
def contract_alone(context: Context) -> None:
    record = read_record(Path("release", RECORD_NAME))
    others = [scenario.name for scenario in record.scenarios if CONTRACT_TAG not in scenario.tags]
    assert record.scenarios and not others, f"tried: {[scenario.name for scenario in record.scenarios]}"
    assert record.selection.endswith("--config='my.yaml' --shard 16/16"), record.selection
    assert team_folder(context).finished.exit_code == 0, team_folder(context).finished


@then("nothing of the team's project and runs has changed")
def team_untouched(context: Context) -> None:
    before, after = own(context).before, contents_of(*TEAMS_OWN)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert before and not changed, f"changed: {changed}"


@then('it exits with {code:d} and prints one line with "{text}"')
def prints_one_line(context: Context, code: int, text: str) -> None:
    finished = team_folder(context).finished
    lines = finished.stderr.strip().splitlines()
    assert finished.exit_code == code and len(lines) == 1 and text in lines[0], finished


@then("nothing was tried")
def nothing_tried(context: Context) -> None:
    assert team_folder(context).results == [], team_folder(context).results


@when("figures are held against limits")
def held_against_limits(context: Context) -> None:
    for row in context.table:
        name, value = row["limit"].split(": ")
        acceptance = AcceptanceConfig(**{name: value, "prompts": ["python"]})
        answer = shortfall(acceptance, name, float(row["figure"])) or "kept"
        own(context).answers.append((answer, row["answer"]))


@then("each answer is as its row says")
def answers_as_said(context: Context) -> None:
    different = [pair for pair in own(context).answers if pair[0] != pair[1]]
    assert own(context).answers and not different, f"answered and expected: {different}"


@given("a team whose experiment has {setting} at {value}")
def experiment_with(context: Context, setting: str, value: str) -> None:
    own(context).asked = small_experiment({"training.train_steps": 1000, setting: yaml.safe_load(value)})


@given("a team whose experiment is configs/{name}")
def shipped_experiment(context: Context, name: str) -> None:
    own(context).asked = load_experiment(context.origin / "configs" / name)


@when("it is scaled down")
def is_scaled_down(context: Context) -> None:
    asked = own(context).asked
    assert asked is not None
    own(context).short = scaled_down(asked, Path("short"), Path("cache"))


@then("the short training has {setting} at {value}")
def setting_is(context: Context, setting: str, value: str) -> None:
    found: Any = plain(own(context).short)
    for key in setting.split("."):
        found = found[key]
    assert found == yaml.safe_load(value), f"{setting} is {found!r}, expected {value}"


@then("its sections model and lora are the team's")
def sections_stay(context: Context) -> None:
    asked, short = own(context).asked, own(context).short
    assert asked is not None and short is not None
    assert asked.lora is not None and asked.model.quantization == "nf4", "the experiment is no such fine-tuning"
    assert (short.model, short.lora) == (asked.model, asked.lora), f"{short.model} {short.lora}"
