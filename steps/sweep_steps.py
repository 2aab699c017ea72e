"""Steps about sweeps: what they try, what is left when they are ended from outside, and what they refuse."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.testing.experiments import write_noise_corpus
from foundry.testing.registry import Registry
from foundry.testing.repositories import python_project
from foundry.testing.runs import RISING_LOSS, checkpointed, contents_of
from foundry.testing.sweeps import (
    FOLDER,
    PRUNED,
    PrunedRun,
    Sweeps,
    begun_at,
    by_number,
    copy_of_finished_sweep,
    expect_exit,
    losses_of,
    parameters_of_run,
    run_folder,
    run_here,
    runs_on_disk,
    trials_of_finished_sweep,
)
from foundry.trainer import Trainer
from foundry.training.lifecycle import RunRecord


def sweeps_of(context: Context) -> Sweeps:
    found: Sweeps = context.world.of(Sweeps)
    return found


def new_sweep(context: Context, **keys: Any) -> Sweeps:
    """The sweep of the scenario, with its files in the workspace."""
    sweeps = sweeps_of(context)
    sweeps.keys.update(keys)
    sweeps.write()
    return sweeps


# --- which sweep it is ---


@given("a sweep of {count:d} trials without pruning")
def sweep_without_pruning(context: Context, count: int) -> None:
    new_sweep(context, trials=count)


@given("a sweep of {count:d} trials that prunes after {startup:d} of them")
def sweep_that_prunes(context: Context, count: int, startup: int) -> None:
    new_sweep(context, trials=count, pruning={**PRUNED["pruning"], "startup_trials": startup})


@given('a sweep of {count:d} trials over "{parameters}"')
def sweep_over(context: Context, count: int, parameters: str) -> None:
    tried = {}
    for parameter in parameters.split("; "):
        key, _, choices = parameter.partition(": ")
        tried[key] = yaml.safe_load(choices)
    new_sweep(context, trials=count, parameters=tried)


@given("a sweep of {count:d} trials of {steps:d} steps each")
def sweep_of_long_trials(context: Context, count: int, steps: int) -> None:
    sweeps_of(context).experiment.update({"training.train_steps": steps, "training.evaluation_interval": steps})
    new_sweep(context, trials=count)


@given("a sweep of {count:d} trials whose validation losses rise in the end")
def sweep_of_rising_losses(context: Context, count: int) -> None:
    write_noise_corpus(Path("noise"))
    steps = {"training.train_steps": 40, "training.evaluation_interval": 2}
    sweeps_of(context).experiment.update({**RISING_LOSS, **steps})
    new_sweep(context, trials=count, parameters={"training.learning_rate": {"low": 1e-2, "high": 2e-2}})


@given("a sweep of 3 trials, of which the last gets worse from its first evaluation on")
def sweep_that_gets_worse(context: Context) -> None:
    write_noise_corpus(Path("noise"))
    sweeps_of(context).experiment.update({**RISING_LOSS, "training.checkpoint_schedule": [12]})
    parameters = {"training.learning_rate": {"values": [1e-4, 2e-4, 1e-1]}}
    new_sweep(context, trials=3, seed=36, parameters=parameters, **PRUNED)  # the seed draws them in this order


@given("it draws with the seed {seed:d}, and prunes after {startup:d} of its trials")
def draws_and_prunes(context: Context, seed: int, startup: int) -> None:
    pruning = {**PRUNED["pruning"], "startup_trials": startup}
    new_sweep(context, seed=seed, pruning=pruning)


@given("a sweep of {count:d} trials on a git repository")
def sweep_on_repository(context: Context, count: int) -> None:
    python_project(Path("code"))
    sweeps_of(context).experiment.update(
        {"data.source_corpus": None, "data.git": {"repository": "code", "commits": False}}
    )
    new_sweep(context, trials=count)


@given("a finished sweep of 4 trials, of which one was pruned")
def finished_sweep(context: Context) -> None:
    sweeps = sweeps_of(context)
    sweeps.keys.update(copy_of_finished_sweep().keys)
    sweeps.trials_before, sweeps.before = trials_of_finished_sweep(), contents_of(*runs_on_disk())


@given("its experiment is tracked there")
def experiment_is_tracked(context: Context) -> None:
    registry: Registry = context.world.of(Registry)
    sweeps_of(context).experiment.update(
        {"logging.use_wandb": True, "wandb.entity": registry.entity, "wandb.project": registry.project}
    )
    sweeps_of(context).write()


@given("its experiment has {settings}")
def experiment_has(context: Context, settings: str) -> None:
    for setting in settings.split(" and "):
        key, _, value = setting.partition("=")
        sweeps_of(context).experiment[key] = yaml.safe_load(value)
    sweeps_of(context).write()


@given("a trial of another host is taken over after {seconds:g} seconds of silence")
def takeover_after(context: Context, seconds: float) -> None:
    sweeps_of(context).keys["takeover_after"] = seconds
    sweeps_of(context).write_sweep()


# --- launches ---


@when("the sweep is launched")
@when("the sweep is launched again")
def sweep_launched(context: Context) -> None:
    sweeps_of(context).launch()


@when("the sweep is launched with {count:d} trials")
def sweep_launched_with_trials(context: Context, count: int) -> None:
    sweeps_of(context).keys["trials"] = count
    sweeps_of(context).write_sweep()
    sweeps_of(context).launch()


@when("its report is asked for")
def report_asked_for(context: Context) -> None:
    sweeps_of(context).launch("--report")


@when("the run of the pruned trial is trained on")
def pruned_run_trained_on(context: Context) -> None:
    [pruned] = [trial for trial in sweeps_of(context).trials if trial["state"] == "pruned"]
    sweeps_of(context).pruned = PrunedRun.look_at(run_folder(pruned))
    Trainer.of_run(run_folder(pruned)).train()


# --- what came of it ---


@then("the command exits with success")
def exits_with_success(context: Context) -> None:
    expect_exit(sweeps_of(context).finished, 0)
    assert not sweeps_of(context).finished.stderr, f"standard error:\n{sweeps_of(context).finished.stderr}"


@then("the sweep has come to its end")
def come_to_its_end(context: Context) -> None:
    expect_exit(sweeps_of(context).finished, 0)


@then("the command prints a table of the trials, best first, and names the best")
def prints_table(context: Context) -> None:
    expect_exit(sweeps_of(context).finished, 0)
    printed = sweeps_of(context).finished.stdout
    context.world.attach("Table of the sweep", printed)
    complete = [trial for trial in by_number(sweeps_of(context).trials) if trial["state"] == "complete"]
    expected = sorted(complete, key=lambda trial: losses_of(run_folder(trial))[1])
    rows = [line.split() for line in printed.splitlines() if line.split()[1:2] in (["complete"], ["pruned"])]
    found = [int(row[0]) for row in rows if row[1] == "complete"]
    assert found == [trial["number"] for trial in expected], f"in the table: {found}"
    assert [row[1] for row in rows if row[0].isdigit()] == ["complete"] * 3 + ["pruned"], rows
    best = expected[0]
    lowest = losses_of(run_folder(best))[1]
    assert f"best: trial {best['number']}, validation loss {lowest:.4f}" in printed, printed


@then("the loss of every trial is the lowest in the metrics of its run")
def losses_are_lowest(context: Context) -> None:
    for trial in sweeps_of(context).trials:
        lowest = losses_of(run_folder(trial))[1]
        assert trial["best_validation_loss"] == lowest, f"{trial} instead of {lowest}"


@then("the loss of every trial is the lowest in the metrics of its run, and lies before its end")
def losses_lie_before_end(context: Context) -> None:
    losses_are_lowest(context)
    for trial in sweeps_of(context).trials:
        losses, lowest = losses_of(run_folder(trial))
        assert losses[-1][1] > lowest, f"the losses do not rise in the end: {losses}"


@then("the run of every trial was trained with the parameters of the trial, to the last bit")
def trained_with_parameters(context: Context) -> None:
    for trial in sweeps_of(context).trials:
        found = parameters_of_run(run_folder(trial), trial["parameters"])
        assert found == trial["parameters"], f"{trial} was trained with {found}"


@then("the runs that `foundry list` shows are those of the trials")
def listed_runs(context: Context) -> None:
    listed = run_here(["list", "--output-dir", str(FOLDER)]).stdout
    found = {line.split()[0] for line in listed.splitlines()[1:]}
    expected = {trial["run_folder"] for trial in sweeps_of(context).trials}
    assert found == expected, f"listed: {found}, of trials: {expected}"


@then("the best run continues a prompt, and its parameters are given for another training")
def best_run_generates(context: Context) -> None:
    best = sweeps_of(context).trials[0]
    printed = sweeps_of(context).finished.stdout
    overrides = " ".join(f"--set {key}={value!r}" for key, value in best["parameters"].items())
    for command in (f'foundry generate {best["run_folder"]} --prompt "def "', f"foundry train small.yaml {overrides}"):
        assert command in printed, f"{command} is not in\n{printed}"
    generated = run_here(["generate", best["run_folder"], "--prompt", "def ", "--max-new-tokens", "3"])
    assert generated.stdout.startswith("def "), generated


@then("the page of the sweep shows the history, every parameter and the losses of every trial")
def page_shows(context: Context) -> None:
    page = (FOLDER / "sweep.html").read_text(encoding="utf-8")
    context.world.attach("Page of the sweep", page, "html")
    trials = sweeps_of(context).trials
    expected = 2 + len(trials[0]["parameters"])
    assert page.count("<svg") == expected, f"{page.count('<svg')} plots instead of {expected}"
    texts = [repr(value) for trial in trials for value in trial["parameters"].values()]
    texts += [f">{text}<" for text in ("trial", *trials[0]["parameters"], "step", "pruned", "best so far")]
    missing = [text for text in texts if text not in page]
    assert not missing, f"{missing} not in the page"


@then("exactly the learning rates {first:g} and {second:g} were trained, each in one run")
def learning_rates_trained(_context: Context, first: float, second: float) -> None:
    key = "training.learning_rate"
    found = sorted(parameters_of_run(folder, [key])[key] for folder in runs_on_disk())
    assert found == [first, second] and first < second, f"trained: {found}"


@then("all {count:d} trials are complete, with one loss")
def all_complete_with_one_loss(context: Context, count: int) -> None:
    trials = sweeps_of(context).trials
    found = {(trial["state"], trial["best_validation_loss"]) for trial in trials}
    lowest = losses_of(runs_on_disk()[0])[1]
    assert len(trials) == count and found == {("complete", lowest)}, trials


@then("there is one run, which was begun once")
def one_run_begun_once(_context: Context) -> None:
    found = {folder: begun_at(folder) for folder in runs_on_disk()}
    assert [len(launches) for launches in found.values()] == [1], found


@then('the trials with hidden_size 32 and attention_heads 3 failed with "{text}"')
def uncombinable_failed(context: Context, text: str) -> None:
    wrong = {"model.hidden_size": 32, "model.attention_heads": 3}
    expect_failed(context, lambda trial: trial["parameters"] == wrong, text)


@then('the trials with learning_rate {rate:g} failed with "{text}"')
def rate_failed(context: Context, rate: float, text: str) -> None:
    expect_failed(context, lambda trial: trial["parameters"]["training.learning_rate"] == rate, text)


def expect_failed(context: Context, chosen: Callable[[dict[str, Any]], bool], text: str) -> None:
    failed = [trial for trial in sweeps_of(context).trials if trial["state"] == "failed"]
    expected = [trial for trial in sweeps_of(context).trials if chosen(trial)]
    assert failed and failed == expected, f"failed: {failed}, expected: {expected}"
    assert all(text in trial["reason"] for trial in failed), failed


@then("all other trials are complete")
def others_complete(context: Context) -> None:
    states = [trial["state"] for trial in sweeps_of(context).trials if trial["state"] != "failed"]
    assert states and set(states) == {"complete"}, states


@then("the service has a run for each trial, all in the group {name}, each with the steps of its trial")
def group_of_runs(context: Context, name: str) -> None:
    for folder in runs_on_disk():
        logged = context.world.of(Registry).logged(folder.name)
        assert logged is not None and logged.group == name, f"{folder.name}: {logged}"
        steps = [row["_step"] for row in logged.history]
        assert steps == list(range(1, 13)), f"{folder.name}: {steps}"
    assert len(runs_on_disk()) == len(sweeps_of(context).trials), runs_on_disk()


@then("every trial is complete after all steps of its run")
def complete_after_all_steps(context: Context) -> None:
    found = {(trial["state"], trial["steps"]) for trial in sweeps_of(context).trials}
    assert found == {("complete", "12 of 12")}, found


# --- pruning ---


@then("some trials were pruned, and each of those was worse than the median of the trials before it")
def pruned_were_worse(context: Context) -> None:
    pruned = [trial for trial in sweeps_of(context).trials if trial["state"] == "pruned"]
    assert pruned, "no trial was pruned"
    for trial in pruned:
        step, lowest = losses_of(run_folder(trial))[0][-1][0], losses_of(run_folder(trial))[1]
        assert step < 12 and lowest > median_before(context, trial, step), f"{trial} at step {step}"


@then("each trial that was not pruned was no worse than that at any evaluation after its first")
def others_were_no_worse(context: Context) -> None:
    complete = [trial for trial in by_number(sweeps_of(context).trials) if trial["state"] == "complete"]
    for trial in complete[3:]:
        for step, _ in losses_of(run_folder(trial))[0][1:-1]:
            lowest = min(loss for at, loss in losses_of(run_folder(trial))[0] if at <= step)
            assert lowest <= median_before(context, trial, step), f"{trial} at step {step}"


@then("the first {count:d} trials were not pruned")
def first_not_pruned(context: Context, count: int) -> None:
    states = [trial["state"] for trial in by_number(sweeps_of(context).trials)[:count]]
    assert states == ["complete"] * count, states


def median_before(context: Context, trial: dict[str, Any], step: int) -> float:
    """The median loss at `step` of the trials that were complete before this one."""
    before = by_number(sweeps_of(context).trials)[: trial["number"]]
    complete = [losses_of(run_folder(other))[0] for other in before if other["state"] == "complete"]
    return statistics.median(dict(losses)[step] for losses in complete)


@then("the last trial was pruned after its best step, and is saved at the step where it ended")
def saved_where_it_ended(context: Context) -> None:
    last = sweeps_of(context).trial(2)
    losses, lowest = losses_of(run_folder(last))
    assert last["state"] == "pruned" and losses[-1][1] > lowest, f"{last}: {losses}"
    saved, done = checkpointed(run_folder(last)), RunRecord.read(run_folder(last)).steps_done
    assert saved[-1] == done == losses[-1][0], f"saved at {saved}, done {done}, evaluated {losses}"


@then("trials with the same parameters have one result, and some of them were pruned")
def same_parameters_same_result(context: Context) -> None:
    results: dict[float, list[tuple[object, ...]]] = {}
    for trial in sweeps_of(context).trials:
        rate = trial["parameters"]["training.learning_rate"]
        results.setdefault(rate, []).append((trial["state"], trial["best_validation_loss"], trial["run_folder"]))
    assert all(len(set(found)) == 1 for found in results.values()), results
    assert any(len(found) > 1 and found[0][0] == "pruned" for found in results.values()), results


@then("each run was begun once")
def each_run_begun_once(_context: Context) -> None:
    found = {folder: begun_at(folder) for folder in runs_on_disk()}
    assert found and all(len(launches) == 1 for launches in found.values()), found


@then("the run of the pruned trial had been whole, and nothing of it published")
def pruned_run_was_whole(context: Context) -> None:
    pruned = sweeps_of(context).pruned
    assert pruned is not None and pruned.is_whole and not pruned.is_published, pruned


@then("it has gone on at the step after the pruning, to its end")
def pruned_run_went_on(context: Context) -> None:
    pruned = sweeps_of(context).pruned
    assert pruned is not None
    record = RunRecord.read(pruned.folder)
    assert begun_at(pruned.folder)[-1] == f"step {pruned.step + 1} of 12 is next", begun_at(pruned.folder)
    assert (record.state, record.steps_done) == ("cleaned", 12), record
