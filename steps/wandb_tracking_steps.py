"""Steps about runs that are shown in Weights & Biases: what is shown, what a kill or a faltering service changes."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from behave import given, then, when
from behave.runner import Context

from foundry.errors import FoundryError
from foundry.syncing import Synced, sync_run
from foundry.testing.comparison import first_json_difference
from foundry.testing.launches import Plan, launch_processes
from foundry.testing.paused_launch import paused_launch
from foundry.testing.processes import Finished, run_foundry
from foundry.testing.registry import API_KEY, Logged, Registry
from foundry.testing.runs import Runs
from foundry.testing.shown_runs import (
    launch_with,
    modules_of_a_launch,
    rows_of,
    shown_by,
    wait_until,
    wait_until_shown,
    without_times,
)
from foundry.testing.wandb_service import Fault, WandbService
from foundry.trainer import Trainer
from foundry.training.events import Message
from foundry.wandb_client.tracker_lock import BACKGROUND_NAME, TrackerLock

READING = {"Viewer", "GetViewer", "GetDefaultEntity", "ServerFeaturesQuery", "Run", "RunHistoryKeys"}
"""Operations that change nothing in the service."""
LINE_CHARACTERS = 15
"""A shorter line may stand anywhere."""
ROWS_PILE_UP_SECONDS = 3.0
"""Long enough to read all rows of a large file, were they read at once."""


@dataclass
class Showing:
    """What the steps of one scenario share.

    Attributes:
        made: when each step of the launch was made, and `end` of the launch, in seconds.
        background: the process that goes on sending for a run that was killed.
        secret: what nobody may receive.
    """

    made: dict[int, float] = field(default_factory=dict)
    ended: float = 0.0
    asked_before: int = 0
    synced: Synced | None = None
    error: FoundryError | None = None
    command: Finished | None = None
    imported: set[str] = field(default_factory=set)
    background: psutil.Process | None = None
    secret: str = ""


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


def showing_of(context: Context) -> Showing:
    return context.world.of(Showing)


def registry_of(context: Context) -> Registry:
    return context.world.of(Registry)


def service_of(context: Context) -> WandbService:
    return registry_of(context).service


def shown(context: Context) -> Logged:
    """The run of the scenario as Weights & Biases shows it; through the client where that may be the real one."""
    registry, run_id = registry_of(context), runs_of(context).record.run_id
    if "wandb_cloud" in context.tags:
        return registry.logged(run_id)
    return shown_by(registry.service, registry.project, run_id)


def wait_for_step(context: Context, step: int) -> None:
    registry = registry_of(context)
    wait_until_shown(registry.service, registry.project, Trainer(runs_of(context).config()).run_id, step)


def wait_for_request(context: Context, operation: str) -> None:
    service = service_of(context)
    wait_until(lambda: any(asked.operation == operation for asked in service.requests), f"{operation} is asked")


@given("it is to be shown in Weights & Biases")
def to_be_shown(context: Context) -> None:
    registry = registry_of(context)
    runs_of(context).settings.update(
        {"logging.use_wandb": True, "wandb.entity": registry.entity, "wandb.project": registry.project}
    )


# --- what is shown ---


@then("each row of its metrics is shown once, under the id of the run, at its step")
def each_row_shown(context: Context) -> None:
    expect_rows(shown(context).history, rows_of(runs_of(context).folder / "metrics.jsonl"))


@then("each step of its metrics is shown once, under the id of the run")
def each_step_shown(context: Context) -> None:
    steps = [row["_step"] for row in shown(context).history]
    expected = [row["step"] for row in runs_of(context).metrics]
    assert steps == expected, f"shown: {steps}\nmetrics: {expected}"


@then("each step of its metrics is shown once, under the id of the run, with the uninterrupted run's values")
def each_step_with_values(context: Context) -> None:
    expected = rows_of(runs_of(context).uninterrupted.run_folder / "metrics.jsonl")
    expect_rows(without_times(shown(context).history), without_times(expected))


def expect_rows(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert expected, "there are no metrics"
    steps = [row["_step"] for row in found], [row["_step"] for row in expected]
    assert steps[0] == steps[1], f"shown: {steps[0]}\nmetrics: {steps[1]}"
    for row, other in zip(found, expected, strict=True):
        assert row == other, f"step {row['_step']}: shown {row}\nmetrics {other}"


@then("its configuration, fingerprint, environment and commit are shown")
def configuration_shown(context: Context) -> None:
    runs, config = runs_of(context), shown(context).config
    experiment = json.loads(runs.config().model_dump_json())
    for section in ("model", "data", "training", "random_seed"):
        found = {"architecture_options": {}, **config[section]} if section == "model" else config[section]
        difference = first_json_difference(*_as_numbers(experiment[section], found))
        assert difference is None, f"{section}: {difference}"
    assert config["fingerprint"] == runs.record.fingerprint, config["fingerprint"]
    environment = json.loads((runs.folder / "environment.json").read_text(encoding="utf-8"))
    for name in ("host", "python", "packages", "processor", "kernels"):
        assert config["environment"][name] == environment[name], (name, config["environment"])
    assert config["git_commit"] == environment.get("git_commit"), config["git_commit"]


def _as_numbers(*values: Any) -> Iterator[Any]:
    """The values as another program may write them: 1 for 1.0."""
    for value in values:
        yield json.loads(json.dumps(value), parse_float=lambda text: _whole(float(text)))


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


@then("it is shown as finished, with its best step and loss")
def shown_as_finished(context: Context) -> None:
    found, record = shown(context), runs_of(context).record
    assert found.state == "finished", found.state
    expected = {
        "outcome": "all_steps_completed",
        "steps_done": record.steps_done,
        "best_step": record.best_step,
        "best_validation_loss": record.best_validation_loss,
    }
    assert {**found.summary, **expected} == found.summary, (found.summary, expected)


@then("it is shown as failed, interrupted after step {number:d}")
def shown_as_interrupted(context: Context, number: int) -> None:
    found = shown(context)
    assert found.state == "failed", found.state
    expected = {"outcome": "interrupted", "steps_done": number, "_step": number}
    assert {**found.summary, **expected} == found.summary, (found.summary, expected)


@then("nothing was warned of")
def nothing_warned(context: Context) -> None:
    assert not warnings_of(context), warnings_of(context)


def warnings_of(context: Context) -> list[str]:
    return [event.text for event in runs_of(context).events if isinstance(event, Message) and event.warning]


@when("it is launched, and waits before its first spike until its rows are shown")
def waits_before_spike(context: Context) -> None:
    stretches = runs_of(context).uninterrupted.record.left_out_steps
    spike = next(last for first, last in stretches if last > first)
    launch_with(runs_of(context), {spike - 1: lambda: wait_for_step(context, spike - 1)})


@when("{count:d} processes train it, and it is shown")
def several_processes(context: Context, count: int) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config()).run_folder
    launched = launch_processes(Plan(runs.config()), count)
    assert set(launched.exit_codes) == {0}, launched


@then("one process alone has spoken to Weights & Biases")
def one_has_spoken(context: Context) -> None:
    asked = [request.operation for request in service_of(context).requests]
    counts = asked.count("RunResumeStatus"), asked.count("CreateRunFiles")
    assert counts == (1, 1), asked


# --- kills ---


def killed_before(context: Context) -> None:
    """Killed while the client that will show the run is still beginning."""
    with paused_launch(runs_of(context).config(), 2):
        pass
    asked = [request.operation for request in service_of(context).requests]
    assert "file_stream" not in asked, asked


def killed_when_shown(step: int) -> Callable[[Context], None]:
    def kill(context: Context) -> None:
        with paused_launch(runs_of(context).config(), step):
            wait_for_step(context, step)

    return kill


def killed_on_the_way(moment: int | str) -> Callable[[Context], None]:
    """Killed while the service has a request with rows, and has not answered it."""

    def kill(context: Context) -> None:
        service_of(context).inject(Fault.hang("file_stream"))
        with paused_launch(runs_of(context).config(), moment):
            wait_for_request(context, "file_stream")
        service_of(context).heal()

    return kill


INSTANTS: dict[str, Callable[[Context], None]] = {
    "before a row was sent": killed_before,
    "when its rows up to step 4 were shown": killed_when_shown(4),
    "when its rows up to step 8 were shown": killed_when_shown(8),
    "when its rows up to step 11 were shown": killed_when_shown(11),
    "while its first rows were on their way": killed_on_the_way(8),
    "when it was trained, and its rows were on their way": killed_on_the_way("stopped"),
}


@given("the run that is shown was killed {instant}")
def shown_and_killed(context: Context, instant: str) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config()).run_folder
    INSTANTS[instant](context)


@given("it was killed while it was shown, and what sends for it stands still")
def killed_and_standing_still(context: Context) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config()).run_folder
    with paused_launch(runs.config(), 8) as process:
        wait_for_step(context, 8)
        [background] = [
            child for child in psutil.Process(process.pid).children(recursive=True) if child.name() == BACKGROUND_NAME
        ]
        showing_of(context).background = background
        context.world.ending.callback(end, background)
        background.suspend()
    assert is_there(background), "what sends has ended by itself"


def is_there(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def end(process: psutil.Process) -> None:
    if is_there(process):
        process.kill()


@then("what stood still is gone")
def standing_still_is_gone(context: Context) -> None:
    background = showing_of(context).background
    assert background is not None, "nothing stood still"
    assert runs_of(context).report is not None, runs_of(context).error
    assert not is_there(background), background


# --- a service that falters ---


def gone_from_the_beginning(context: Context) -> dict[int, Callable[[], None]]:
    service_of(context).stop()
    return {}


def faulty_from_step_6(fault: Fault) -> Callable[[Context], dict[int, Callable[[], None]]]:
    def acts(context: Context) -> dict[int, Callable[[], None]]:
        return {5: lambda: wait_for_step(context, 4), 6: lambda: service_of(context).inject(fault)}

    return acts


def cuts_from_4_to_9(context: Context) -> dict[int, Callable[[], None]]:
    """Longer than the client goes on with one and the same rows."""
    service = service_of(context)

    def begin() -> None:
        wait_for_step(context, 2)
        service.inject(Fault.refuse())

    def end() -> None:
        wait_for_refusals(context, "file_stream")
        service.heal()

    return {3: begin, 9: end}


def comes_at_step_6(context: Context) -> dict[int, Callable[[], None]]:
    """Later than the first client has given up."""
    service = service_of(context)
    service.inject(Fault.refuse())

    def come() -> None:
        wait_for_refusals(context, "RunResumeStatus")
        service.heal()

    return {6: come, 9: lambda: wait_for_step(context, 6)}


def wait_for_refusals(context: Context, operation: str) -> None:
    """Wait until the client has been refused so often that it gives up: it tries once more, see `WandbService`."""

    def has_been_refused() -> bool:
        return sum(asked.operation == operation and not asked.status for asked in service_of(context).requests) >= 2

    wait_until(has_been_refused, f"{operation} is refused twice")


def without_key_from_6(context: Context) -> dict[int, Callable[[], None]]:
    return {5: lambda: wait_for_step(context, 4), 6: service_of(context).expire_key}


TROUBLES: dict[str, Callable[[Context], dict[int, Callable[[], None]]]] = {
    "is gone from the beginning": gone_from_the_beginning,
    "answers nothing from step 6 on": faulty_from_step_6(Fault.hang()),
    "answers everything with 500 from step 6 on": faulty_from_step_6(Fault.answer(500)),
    "cuts every connection from step 4 to step 9": cuts_from_4_to_9,
    "has forgotten the run for a moment at step 6": faulty_from_step_6(Fault.answer(404, "file_stream", times=1)),
    "cuts every connection up to step 6": comes_at_step_6,
    "lets the key in no longer from step 6 on": without_key_from_6,
}


@when("it is launched, and the service {trouble}")
def launched_with_trouble(context: Context, trouble: str) -> None:
    showing = showing_of(context)
    showing.made = launch_with(runs_of(context), TROUBLES[trouble](context))
    showing.ended = time.monotonic()


@then("none of its last steps was held up, and the launch ended within {seconds:d} seconds of them")
def not_held_up(context: Context, seconds: int) -> None:
    showing = showing_of(context)
    assert sorted(showing.made) == list(range(1, 13)), showing.made
    lasted = showing.made[12] - showing.made[6]
    assert lasted < 2, f"steps 7 to 12 took {lasted:.1f} s"
    waited = showing.ended - showing.made[12]
    assert waited < seconds, f"the launch ended {waited:.1f} s after its last step"


@then('one warning says that it "{text}", and one names `foundry sync`')
def two_warnings(context: Context, text: str) -> None:
    warnings = warnings_of(context)
    assert len(warnings) == 2, warnings
    assert text in warnings[0] and "\n" not in warnings[0], warnings
    assert f"`foundry sync {runs_of(context).folder}`" in warnings[1] and "\n" not in warnings[1], warnings


@then('the only warning says that it "{text}", and names `foundry sync`')
def one_warning(context: Context, text: str) -> None:
    warnings = warnings_of(context)
    assert len(warnings) == 1, warnings
    assert text in warnings[0] and f"`foundry sync {runs_of(context).folder}`" in warnings[0], warnings


# --- syncing ---


@then("a message names `foundry sync`")
def message_names_sync(context: Context) -> None:
    told = [event.text for event in runs_of(context).events if isinstance(event, Message)]
    expected = f"`foundry sync {runs_of(context).folder}`"
    assert any(expected in text for text in told), told


@given("a run with {count:d} rows of metrics")
def many_rows(context: Context, count: int) -> None:
    to_be_shown(context)
    trained_without(context, "without being shown")
    row = {"loss": 0.5, "learning_rate": 0.001, "gradient_norm": 1.5, "time": {"seconds": 1.0}}
    with (runs_of(context).folder / "metrics.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"step": step, **row}) + "\n" for step in range(1, count + 1))


@given("it was trained {how}")
def trained_without(context: Context, how: str) -> None:
    runs, registry = runs_of(context), registry_of(context)
    before = len(registry.service.requests) if registry.is_here else 0
    if how == "offline by its experiment":
        runs.settings["wandb.mode"] = "offline"
    elif how == "offline by WANDB_MODE":
        os.environ["WANDB_MODE"] = "offline"
    elif how == "without being shown":
        runs.settings["logging.use_wandb"] = False
    else:
        raise ValueError(how)
    runs.launch()
    os.environ.pop("WANDB_MODE", None)
    assert runs.finished.record.state == "cleaned", runs.record
    asked = [request.operation for request in registry.service.requests[before:]] if registry.is_here else []
    assert not asked, asked


@given("there is no run any more")
def no_run(context: Context) -> None:
    (runs_of(context).folder / "run.json").unlink()


@when("it is synced")
def is_synced(context: Context) -> None:
    showing = showing_of(context)
    try:
        showing.synced = sync_run(runs_of(context).folder, lambda _done, _total: None)
    except FoundryError as error:
        showing.error = error


@when("it is synced by the command")
def synced_by_command(context: Context) -> None:
    showing_of(context).asked_before = len(service_of(context).requests)
    showing_of(context).command = run_foundry(["sync", str(runs_of(context).folder)])


@when("it is synced while it is trained and shown")
def synced_beside(context: Context) -> None:
    runs = runs_of(context)
    runs.folder = Trainer(runs.config()).run_folder
    with paused_launch(runs.config(), 3):
        wait_until(TrackerLock(runs.folder).is_held, "the run is followed")
        is_synced(context)


@when("it is synced to a service that takes no rows for a while")
def synced_slowly(context: Context) -> None:
    service = service_of(context)
    service.inject(Fault.hang("file_stream"))

    def go_on() -> None:
        wait_for_request(context, "file_stream")
        time.sleep(ROWS_PILE_UP_SECONDS)
        service.heal()

    helper = threading.Thread(target=go_on, daemon=True)
    helper.start()
    is_synced(context)
    helper.join()


@then("no request held more than {count:d} rows")
def no_larger_request(context: Context, count: int) -> None:
    sizes = [
        len(json.loads(line)["files"]["wandb-history.jsonl"]["content"])
        for piece in service_of(context).received_text()
        for line in piece.splitlines()
        if line.startswith(b'{"files"') and b"wandb-history.jsonl" in line
    ]
    assert sizes and max(sizes) <= count, sizes


@then("{count:d} rows were sent")
def rows_were_sent(context: Context, count: int) -> None:
    showing = showing_of(context)
    assert showing.synced is not None, showing.error
    assert showing.synced.rows == count, showing.synced


@then('syncing is refused with "{text}"')
def syncing_refused(context: Context, text: str) -> None:
    error = showing_of(context).error
    assert error is not None, showing_of(context).synced
    assert text in str(error) and "\n" not in str(error), error


@then("the service has no run")
def service_has_no_run(context: Context) -> None:
    names = [run.name for run in service_of(context).runs(registry_of(context).project)]
    assert not names, names


@then("it says that nothing was missing, and where the run is shown")
def nothing_missing(context: Context) -> None:
    command, run, registry = showing_of(context).command, runs_of(context), registry_of(context)
    assert command is not None, "it was not synced by the command"
    url = f"{registry.service.url}/{registry.entity}/{registry.project}/runs/{run.record.run_id}"
    expected = Finished(0, f"{run.folder}: nothing was missing; {url}\n", "")
    assert command == expected, f"expected: {expected}\nfound: {command}"


@then("the service was only read since")
def only_read(context: Context) -> None:
    before = showing_of(context).asked_before
    late = [request.operation for request in service_of(context).requests[before:]]
    assert late and set(late) <= READING, late


# --- what nobody may receive ---


@given('the user\'s shell holds the secret "{secret}"')
def shell_holds(context: Context, secret: str) -> None:
    showing_of(context).secret = os.environ["DATABASE_PASSWORD"] = secret


@then('the service has received neither "{password}", nor that secret, nor the key, nor a line of the corpus')
def received_no_secret(context: Context, password: str) -> None:
    lines = {
        line.strip()
        for path in Path("project").rglob("*")
        if path.is_file() and ".git" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line.strip()) >= LINE_CHARACTERS
    }
    assert len(lines) >= 5, lines
    kept_back = [password, showing_of(context).secret, API_KEY, *lines]
    for piece in service_of(context).received_text():
        found = [text for text in kept_back if text.encode() in piece]
        assert not found, found


@then("beside the run lie no files but its configuration and its summary")
def no_other_files(context: Context) -> None:
    run = service_of(context).run(registry_of(context).project, runs_of(context).record.run_id)
    assert run is not None, "the service has no such run"
    assert sorted(run.files) == ["config.yaml", "wandb-summary.json"], sorted(run.files)


@when("it is launched in a process that tells what it has imported")
def launched_telling_imports(context: Context) -> None:
    showing_of(context).imported = modules_of_a_launch(runs_of(context).config())


@then("wandb and what speaks to it were not imported")
def wandb_not_imported(context: Context) -> None:
    imported = showing_of(context).imported
    assert "foundry.training.session" in imported, "what was imported is not known"
    speaking = sorted(name for name in imported if re.match(r"(wandb|foundry\.wandb_client|foundry\.tracking)\b", name))
    assert not speaking, speaking
