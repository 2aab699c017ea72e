"""Steps about the hardware that a run takes, and the thresholds that warn of it or end the run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from behave import given, then, when
from behave.runner import Context

from foundry.config_monitoring import MonitoringConfig
from foundry.evaluation.differences import differences
from foundry.evaluation.summary import RunSummary
from foundry.monitoring.record import HARDWARE_NAME, Figure, HardwareRecord
from foundry.monitoring.thresholds import WATCHED, Watch
from foundry.testing.commands import CommandState
from foundry.testing.monitored_runs import MEGABYTE, Taken, train_holding
from foundry.testing.runs import Runs, checkpointed
from foundry.trainer import Trainer
from foundry.training.events import Message
from foundry.training.metrics import read_metrics


@dataclass
class Monitored:
    """What is known of the launches from elsewhere, and what a watch has said of made-up figures.

    Attributes:
        before: the record that an earlier launch has left.
        told: the numbers of the samples, from 1, that brought a warning.
    """

    taken: Taken | None = None
    before: HardwareRecord | None = None
    watch: Watch | None = None
    told: list[int] = field(default_factory=list)

    @property
    def counted(self) -> Taken:
        assert self.taken is not None, "nothing was launched in a process of its own"
        return self.taken


def record_of(context: Context) -> HardwareRecord:
    record = HardwareRecord.read(context.world.of(Runs).folder)
    assert record is not None, "the run has no hardware.json"
    return record


def figure_of(context: Context, name: str) -> Figure:
    figure = record_of(context).figures[name]
    assert figure is not None, f"{name} was not measured"
    return figure


@when("it is launched in a process that holds {megabytes:d} MB from step 2 to step 5")
def launched_holding(context: Context, megabytes: int) -> None:
    runs = context.world.of(Runs)
    runs.folder = Trainer(runs.config()).run_folder
    context.world.of(Monitored).taken = train_holding(runs.config(), megabytes)


@given("its launch, in a process that held {megabytes:d} MB, was stopped after step {number:d}")
def stopped_holding(context: Context, megabytes: int, number: int) -> None:
    runs = context.world.of(Runs)
    runs.folder = Trainer(runs.config()).run_folder
    train_holding(runs.config(), megabytes, stop_at=number)
    context.world.of(Monitored).before = record_of(context)


@given('its hardware.json holds "{text}"')
def record_holds(context: Context, text: str) -> None:
    (context.world.of(Runs).folder / HARDWARE_NAME).write_text(text, encoding="utf-8")


@then("the recorded peak of its memory is within {percent:d} % of the one that the system counted")
def peak_as_counted(context: Context, percent: int) -> None:
    expect_near(figure_of(context, "resident_bytes").peak, context.world.of(Monitored).counted.peak_bytes, percent)


@then("the recorded peak of GPU memory is within {percent:d} % of the one that torch counted")
def gpu_peak_as_counted(context: Context, percent: int) -> None:
    counted = context.world.of(Monitored).counted.gpu_peak_bytes
    expect_near(figure_of(context, "gpu_allocated_bytes").peak, counted, percent)


def expect_near(recorded: float, counted: int, percent: int) -> None:
    """Two sizes in bytes are the same but for so many per cent."""
    assert counted > 0, "nothing was counted"
    assert abs(recorded - counted) <= counted * percent / 100, f"recorded {recorded:,.0f}, counted {counted:,}"


@then("the name and the memory of the GPU are recorded")
def gpu_recorded(context: Context) -> None:
    record = record_of(context)
    assert record.gpu and record.gpu_total_bytes, record


@then("the recorded peak is at least {megabytes:d} MB above the lowest size that was seen")
def peak_above_lowest(context: Context, megabytes: int) -> None:
    figure = figure_of(context, "resident_bytes")
    assert figure.peak - figure.lowest >= megabytes * MEGABYTE, figure


@then("no thread is left of it")
def no_thread_left(context: Context) -> None:
    threads = context.world.of(Monitored).counted.threads
    assert threads == ("MainThread",), threads


@then("the recorded peak of its memory is that of the launch before")
def peak_of_launch_before(context: Context) -> None:
    before = context.world.of(Monitored).before
    expected = before.figures["resident_bytes"] if before else None
    figure = figure_of(context, "resident_bytes")
    assert expected is not None and figure.peak == expected.peak, f"{figure}, before {expected}"
    counted = context.world.of(Monitored).counted.peak_bytes
    assert counted < figure.peak, f"the second launch took {counted:,}, so its own peak would be the same"


@then("{launches:d} launches and the samples of both are recorded")
def launches_recorded(context: Context, launches: int) -> None:
    record, before = record_of(context), context.world.of(Monitored).before
    earlier = before.samples if before else 0
    assert record.launches == launches, record.launches
    # Each launch looks at least when it begins and when it ends.
    assert record.samples >= earlier + 2, f"{record.samples} samples, {earlier} of them before"
    assert figure_of(context, "memory_used_bytes").samples == record.samples, record


@then("at least {count:d} samples are recorded")
def samples_recorded(context: Context, count: int) -> None:
    assert record_of(context).samples >= count, record_of(context).samples


@then('one warning of the launch names "{text}"')
def one_warning_names(context: Context, text: str) -> None:
    events = context.world.of(Runs).events
    warnings = [event.text for event in events if isinstance(event, Message) and event.warning]
    assert len(warnings) == 1 and text in warnings[0] and "\n" not in warnings[0], warnings


@then("the JSON that it prints holds the record of the hardware")
def json_holds_record(context: Context) -> None:
    printed = json.loads(context.world.of(CommandState).finished.stdout)["hardware"]
    written = json.loads((context.world.of(Runs).folder / HARDWARE_NAME).read_text())
    assert printed == written, f"{printed} is not {written}"


@then("the facts of the run name the peak of its memory and the least free disk")
def facts_name_peaks(context: Context) -> None:
    facts = dict(RunSummary.read(context.world.of(Runs).folder).facts())
    peak, least = figure_of(context, "resident_bytes").peak, figure_of(context, "disk_free_bytes").lowest
    assert facts["peak memory"].startswith(f"{peak / 1e6:,.0f} MB of this run"), facts
    assert facts["least free disk"] == f"{least / 1e6:,.0f} MB", facts


@then("looking at the hardware took less than {limit:d} milliseconds a time")
def looking_is_cheap(context: Context, limit: int) -> None:
    cost = record_of(context).sample_milliseconds
    assert cost is not None and 0 < cost.mean < limit, cost


@given("a warning for {key:w} at {threshold:g}")
def a_warning_for(context: Context, key: str, threshold: float) -> None:
    context.world.of(Monitored).watch = Watch(MonitoringConfig.model_validate({key: {"warn": threshold}}))


@when("the share or amount of {key:w} goes through {values}")
def goes_through(context: Context, key: str, values: str) -> None:
    monitored = context.world.of(Monitored)
    assert monitored.watch is not None
    watched = next(item for item in WATCHED if item.key == key)
    total = 1_000_000
    for number, value in enumerate(map(float, values.split(",")), start=1):
        figures = {watched.figure: value if watched.total is None else value * total}
        if monitored.watch.look(figures, {watched.total: total} if watched.total else {}):
            monitored.told.append(number)


@then("it is warned of at the samples {told}")
def warned_at(context: Context, told: str) -> None:
    assert context.world.of(Monitored).told == [int(number) for number in told.split(",")], context.world.of(Monitored)


@then("its exit code is {code:d}")
def exit_code_of_failure(context: Context, code: int) -> None:
    error = context.world.of(Runs).error
    assert error is not None and error.exit_code == code, error


@then("the step that it names is checkpointed, and is not the last of the run")
def named_step_checkpointed(context: Context) -> None:
    runs = context.world.of(Runs)
    named = re.search(r"stopped after step (\d+), which is saved", str(runs.error))
    assert named is not None, runs.error
    step = int(named[1])
    assert step == runs.record.steps_done < 12 and step in checkpointed(runs.folder), f"{step}, {runs.record}"
    assert runs.record.reason == str(runs.error), runs.record.reason


@then("only the other run has a hardware.json, and rows of metrics that speak of hardware")
def only_other_has_hardware(context: Context) -> None:
    runs = context.world.of(Runs)
    folders = runs.folder, runs.uninterrupted.run_folder
    assert [(folder / HARDWARE_NAME).exists() for folder in folders] == [False, True], folders
    rows = [any("hardware" in row for row in read_metrics(folder / "metrics.jsonl")) for folder in folders]
    assert rows == [False, True], rows


@then("no difference of the two runs matters")
def no_difference_matters(context: Context) -> None:
    runs = context.world.of(Runs)
    found = differences(runs.folder, runs.uninterrupted.run_folder)
    assert any(item.name == "monitoring.enabled" for item in found), found
    assert not [item for item in found if item.matters], found
