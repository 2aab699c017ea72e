"""One HTML page about a sweep: its trials, how they improved, what each parameter did, and how the losses fell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundry import files
from foundry.evaluation.curves import COLOURS, drawn, svg_element
from foundry.evaluation.page import facts_table, page, section, table
from foundry.sweeps.summary import SweepSummary, TrialSummary, in_words, shown_parameter
from foundry.sweeps.sweep import Choices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_NAME = "sweep.html"
LOSS = "validation loss (nats a token)"
BLUE, ORANGE = COLOURS
GREY, RED = "#98a2b3", "#b42318"


def write_sweep_page(summary: SweepSummary) -> Path:
    """Write the page of a sweep into its folder, in one rename; where it is."""
    path = summary.sweep.config.folder / PAGE_NAME
    files.write_text(path, sweep_page(summary))
    return path


def sweep_page(summary: SweepSummary) -> str:
    """The page of a sweep as one HTML text that loads nothing."""
    valued = [trial for trial in summary.trials if trial.loss is not None]
    plots = []
    if valued:
        plots = [
            section("History", _figure(lambda axes: _history(axes, valued), "history")),
            section("Parameters", "\n".join(_parameter_figure(key, valued, summary) for key in summary.sweep.choices)),
            section("Validation losses", _figure(lambda axes: _losses(axes, valued), "losses")),
        ]
    sections = [section("Summary", facts_table(_facts(summary))), *plots, section("Trials", table(_rows(summary)))]
    return page(f"sweep {summary.sweep.config.sweep_name}", summary.counts(), sections)


def _facts(summary: SweepSummary) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        ("experiment", str(summary.sweep.experiment_path)),
        ("trials", summary.counts()),
        ("sampler", summary.sweep.config.sampler),
    ]
    if (best := summary.best) is not None:
        facts += [
            ("best trial", str(best.number)),
            ("its validation loss", f"{best.loss:.4f}"),
            ("its parameters", in_words(best.parameters)),
            *(("go on with", command) for command in summary.next_commands()),
        ]
    return facts


def _rows(summary: SweepSummary) -> list[list[str]]:
    keys = list(summary.sweep.choices)
    rows = [["trial", "state", *keys, "best validation loss", "steps", "run", "reason"]]
    for trial in summary.trials:
        parameters = [shown_parameter(trial.parameters.get(key, "-")) for key in keys]
        loss = "-" if trial.loss is None else f"{trial.loss:.4f}"
        folder = "-" if trial.run_folder is None else trial.run_folder.name
        rows.append([str(trial.number), trial.state, *parameters, loss, trial.steps, folder, trial.reason])
    return rows


def _parameter_figure(key: str, valued: list[TrialSummary], summary: SweepSummary) -> str:
    choices = summary.sweep.choices[key]
    return _figure(lambda axes: _parameter(axes, key, valued, choices), key)


def _figure(draw: Any, name: str) -> str:
    return f"<figure>{svg_element(drawn(draw, name))}</figure>"


def _history(axes: Axes, valued: list[TrialSummary]) -> None:
    """The loss of each trial by its number, and the lowest of the complete ones up to each."""
    from matplotlib.ticker import MaxNLocator

    _points(axes, [(trial, trial.number) for trial in valued])
    complete = sorted((trial for trial in valued if trial.state == "complete"), key=lambda trial: trial.number)
    lowest = [min(trial.loss or 0.0 for trial in complete[: count + 1]) for count in range(len(complete))]
    axes.step([trial.number for trial in complete], lowest, where="post", color=ORANGE, label="best so far")
    axes.set(xlabel="trial", ylabel=LOSS)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)


def _parameter(axes: Axes, key: str, valued: list[TrialSummary], choices: Choices) -> None:
    """The loss of each trial by the value of one parameter."""
    values = [trial.parameters[key] for trial in valued]
    places = [choices.values.index(value) for value in values] if choices.values else values
    _points(axes, list(zip(valued, places, strict=True)))
    if choices.values:
        axes.set_xticks(range(len(choices.values)), [shown_parameter(value) for value in choices.values])
    if choices.log:
        axes.set_xscale("log")
    axes.set(xlabel=key, ylabel=LOSS)
    axes.legend(frameon=False)


def _points(axes: Axes, placed: list[tuple[TrialSummary, Any]]) -> None:
    for state, mark, colour in (("complete", "o", BLUE), ("pruned", "x", GREY), ("running", "^", ORANGE)):
        shown = [(place, trial.loss) for trial, place in placed if trial.state == state]
        if shown:
            places, losses = zip(*shown, strict=True)
            axes.scatter(places, losses, marker=mark, color=colour, s=28, label=state)


def _losses(axes: Axes, valued: list[TrialSummary]) -> None:
    """The validation losses of each trial by the step; a cross where one was pruned."""
    for trial in valued:
        steps, losses = zip(*trial.losses, strict=True) if trial.losses else ((), ())
        is_pruned = trial.state == "pruned"
        colour = ORANGE if trial is valued[0] and not is_pruned else GREY if is_pruned else BLUE
        axes.plot(steps, losses, color=colour, linewidth=1.2, alpha=0.9 if colour == ORANGE else 0.55)
        if is_pruned:
            axes.plot(steps[-1:], losses[-1:], "x", color=RED, markersize=7)
    axes.plot([], [], color=ORANGE, label="best")
    axes.plot([], [], color=BLUE, label="complete")
    axes.plot([], [], "x", color=RED, label="pruned")
    axes.set(xlabel="step", ylabel=LOSS)
    axes.legend(frameon=False)
