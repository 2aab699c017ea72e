"""Steps about runs that are interrupted at a named instant, and compared with one that was left alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.config_file import to_yaml
from foundry.testing.campaign.cases import CASES
from foundry.testing.campaign.references import Reference, run_folder, shared_references
from foundry.testing.campaign.report import conclusion, table
from foundry.testing.campaign.trials import Campaign, Trial
from foundry.testing.comparison import assert_identical_runs, first_name_difference, half_written
from foundry.testing.kill_points import KillPoint, Launch, run_and_kill, run_and_signal, run_to_end
from foundry.testing.processes import Command
from foundry.testing.runs import checkpointed
from foundry.training.lifecycle import RunRecord

KILLED = Path("killed")
Find = Callable[[Sequence[KillPoint]], KillPoint]
"""Finds the kill point that is meant among those that an uninterrupted run has passed."""


@dataclass
class Interruption:
    """A run that was left alone, and the launches of the same experiment that were not."""

    reference: Reference | None = None
    launch: Launch | None = None
    trials: list[Trial] = field(default_factory=list)

    @property
    def alone(self) -> Reference:
        """The run that was left alone."""
        assert self.reference is not None, "the scenario has no run that was left alone"
        return self.reference

    @property
    def last_launch(self) -> Launch:
        """The launch that was interrupted last."""
        assert self.launch is not None, "nothing was launched"
        return self.launch

    def point(self, instant: str) -> KillPoint:
        """The kill point that an instant in words stands for."""
        return INSTANTS[instant](self.alone.points)


def interruption_of(context: Context) -> Interruption:
    return context.world.of(Interruption)


def nth(operation: str, part: str, number: int = 0) -> Find:
    """The kill point of an operation on a path that holds `part`: the first, or another one, counted from 0."""

    def find(points: Sequence[KillPoint]) -> KillPoint:
        found = [point for point in points if point.operation == operation and part in point.path]
        assert found, f"no {operation} of {part} among {len(points)} kill points"
        return found[number]

    return find


def later(find: Find, seconds: float) -> Find:
    return lambda points: find(points).later(seconds)


INSTANTS: dict[str, Find] = {
    "inside a step": later(nth("forward", "micro-batch 2", 6), 0.001),
    "between two micro-batches": nth("forward", "micro-batch 2", 6),
    "before the weights are updated": nth("update", "weights", 6),
    "right after the weights were updated": nth("updated", "weights", 6),
    "while it evaluates": nth("forward", "validation", -1),
    "before there is a run folder": nth("mkdir", "runs/.locks"),
    "while its first run.json is written": nth("write", "run.json"),
    "while a later run.json is written": nth("write", "run.json", 5),
    "while a line of metrics.jsonl is written": nth("flush", "/metrics.jsonl", 7),
    "while the weights of a checkpoint are written": nth("open", "model.safetensors", 1),
    "while the manifest of a checkpoint is written": nth("write", "manifest.json", 1),
    "while the weights of its last checkpoint are written": nth("open", "checkpoints/.writing-step-00000012-*/"),
    "before a checkpoint gets its name": nth("rename", "checkpoints/.writing-step-00000010-*"),
    "while an older checkpoint is removed": nth("remove", "/optimizer.safetensors"),
    "while the model is copied into the store": nth("open", "artifacts/", 1),
    "before the model in the store gets its name": nth("rename", "artifacts/", -1),
    "before the record says that it is published": nth("rename", "run.json", -2),
    "while its checkpoints are removed": nth("remove", "/optimizer.safetensors", -1),
    "before the record says that it is cleaned": nth("rename", "run.json", -1),
    "before it gives its lock back": nth("remove", ".holder.json", -1),
    "before the record says that it has stopped": nth("rename", "run.json", -3),
}
"""Where a run is interrupted, by the words of the scenarios."""


@when("a campaign of {kills:d} kills is run")
def campaign_run(context: Context, kills: int) -> None:
    references = shared_references()
    campaign = Campaign(references.folder / "trials", seed=0, references=references)
    interruption_of(context).trials = [campaign.trial(number) for number in range(1, kills + 1)]
    context.world.attach("Campaign", table(interruption_of(context).trials))


@then("{identical:d} of {total:d} runs are identical")
def identical_runs(context: Context, identical: int, total: int) -> None:
    trials = interruption_of(context).trials
    count = sum(trial.difference is None for trial in trials)
    said = conclusion(trials, "python -m foundry.testing.campaign --seed 0")
    assert (count, len(trials)) == (identical, total), said


@then("every case was killed, at instants of at least {count:d} kinds")
def every_case_was_killed(context: Context, count: int) -> None:
    trials = interruption_of(context).trials
    assert {trial.case for trial in trials} == set(CASES), table(trials)
    assert len({phase for trial in trials for phase in trial.phases}) >= count, table(trials)


@given("a run that was left alone, with dropout, accumulation and clean-up")
def left_alone(context: Context) -> None:
    interruption_of(context).reference = shared_references().of("accumulation")


@given("a run that was left alone, with all its checkpoints kept")
def left_alone_and_kept(context: Context) -> None:
    interruption_of(context).reference = shared_references().of("checkpoints kept")


@given("a run that was left alone, and stopped early")
def left_alone_and_stopped_early(context: Context) -> None:
    reference = interruption_of(context).reference = shared_references().of("early stopping")
    stops = [moment.reason for moment in RunRecord.read(reference.run_folder).history if moment.state == "stopped"]
    assert stops == ["early_stopping"], stops


@given("the same experiment, killed {instant}")
@given("killed again {instant}")
def killed(context: Context, instant: str) -> None:
    interruption = interruption_of(context)
    interruption.launch = run_and_kill(interruption.alone.config, interruption.point(instant), KILLED)
    assert interruption.launch.was_killed, interruption.launch


@when("the same experiment is killed {instant}, and launched again")
@when("it is killed {instant}, and launched again")
def killed_and_launched(context: Context, instant: str) -> None:
    killed(context, instant)
    run_to_end(interruption_of(context).alone.config, KILLED)


@then("it was killed while it was busy with {phase}")
def busy_with(context: Context, phase: str) -> None:
    launch = interruption_of(context).last_launch
    assert launch.phase == phase, launch


@then("the two runs are identical, and nothing else is left")
def two_are_identical(context: Context) -> None:
    expect_identical(interruption_of(context).alone)


def expect_identical(reference: Reference) -> None:
    """The run that was interrupted is the one that was left alone, and its workspace is clean."""
    assert_identical_runs(reference.run_folder, run_folder(KILLED))
    assert not half_written(KILLED), half_written(KILLED)
    for folder in ("runs", "artifacts"):
        different = first_name_difference(reference.workspace / folder, KILLED / folder)
        assert different is None, different


def train_command(context: Context) -> Command:
    """The experiment of the scenario as a command, in a process that is forked warm."""
    Path("experiment.yaml").write_text(to_yaml(interruption_of(context).alone.config), encoding="utf-8")
    return Command(("train", str(Path("experiment.yaml").resolve())))


def send(context: Context, signals: list[tuple[str, str]]) -> None:
    """Run the command, and send it the named signals at the named instants."""
    interruption = interruption_of(context)
    numbers = [(interruption.point(instant), signal.Signals[name]) for name, instant in signals]
    interruption.launch = run_and_signal(train_command(context), numbers, KILLED)


@when("the same experiment gets Ctrl-C {first}, and again {second}")
def two_interrupts(context: Context, first: str, second: str) -> None:
    send(context, [("SIGINT", first), ("SIGINT", second)])


@when("the same experiment gets {name:w} {instant}")
def gets_signal(context: Context, name: str, instant: str) -> None:
    send(context, [(name, instant)])


@then("it exits with {code:d}, within {seconds:d} seconds")
def it_exits_with(context: Context, code: int, seconds: float) -> None:
    launch = interruption_of(context).last_launch
    exit_code = 128 - launch.exit_code if launch.exit_code < 0 else launch.exit_code
    said = (KILLED / "stderr.txt").read_text()
    assert exit_code == code, f"{launch}: {said}"
    assert launch.seconds_after_signal is not None and launch.seconds_after_signal < seconds, launch


@then('it says "{text}"')
def it_says(context: Context, text: str) -> None:
    said = (KILLED / "stderr.txt").read_text()
    assert text in said and said.count("\n") == 1, said


@then("no step was checkpointed that was under way")
def not_checkpointed(context: Context) -> None:
    assert max(checkpointed(run_folder(KILLED))) == 6, checkpointed(run_folder(KILLED))


@then("every checkpoint is there, and nothing is recorded as published")
def everything_is_there(context: Context) -> None:
    record = RunRecord.read(run_folder(KILLED))
    assert record.state == "stopped" and record.published is None, record
    assert record.steps_done in checkpointed(run_folder(KILLED)), checkpointed(run_folder(KILLED))


@then("launched again, the run is identical to the one that was left alone")
def launched_again_identical(context: Context) -> None:
    run_to_end(train_command(context), KILLED)
    expect_identical(interruption_of(context).alone)
