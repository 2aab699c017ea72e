"""The verbs of the `foundry` command, one thin function each; a verb imports what is heavy itself, when it needs it."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundry.cli_accept import accept, report
from foundry.cli_cache import cache_app
from foundry.cli_evaluate import evaluate
from foundry.cli_generate import generate
from foundry.cli_models import export, print_model_numbers
from foundry.cli_pipeline import manifest_app, pipeline
from foundry.cli_runs import AsJson, diff, verify
from foundry.cli_search import search
from foundry.cli_sweeps import sweep
from foundry.cli_wandb import publish, sync
from foundry.errors import UserError
from foundry.terminal import aligned

if TYPE_CHECKING:
    from foundry.trainer import Trainer, TrainingReport
    from foundry.training.events import Listener

MAX_CURVE_WIDTH = 100
DEFAULT_RUNS = Path("runs")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key, like training.learning_rate=1e-4; repeatable."),
]


def _print_version(asked: bool) -> None:
    if asked:
        from foundry import __version__

        print(f"foundry {__version__}")
        raise typer.Exit


@app.callback()
def foundry_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Trains small language models on code, and writes with them.

    \b
    Begin with:
      foundry train configs/tiny.yaml
      foundry list
      foundry generate runs/tiny-... --prompt "def "
    """


@app.command(short_help="Train a model, or go on with its run.")
def train(
    experiment: Annotated[
        Path, typer.Argument(metavar="CONFIG_OR_RUN", help="An experiment's YAML file, or the folder of a run.")
    ],
    repository: Annotated[
        str | None,
        typer.Option(metavar="PATH_OR_URL", help="Train on this git repository instead of the one in the file."),
    ] = None,
    overrides: Overrides = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Go on from the finished run of this experiment with fewer steps.")
    ] = False,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Go on from the newest finished run, with what is new in the corpus.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor the table.")] = False,
) -> None:
    """Train a model, or go on with its run where it was left; a run that is complete trains nothing.

    \b
    Examples:
      foundry train configs/this-repository.yaml
      foundry train configs/this-repository.yaml --repository ../my-project
      foundry train configs/tiny.yaml --set training.learning_rate=1e-4 --set model.layers=2
      foundry train runs/tiny-0123456789ab
      foundry train configs/tiny.yaml --set training.train_steps=200 --extend
      foundry train configs/this-repository.yaml --incremental
    """
    from foundry.progress import shown_progress
    from foundry.training.processes import launched_processes
    from foundry.training.signals import left_at_once

    processes = launched_processes()
    with shown_progress(quiet or not processes.is_first) as listen, left_at_once():
        how = [name for name, asked in (("extend", extend), ("incremental", incremental)) if asked]
        trainer = processes.after_first(lambda: _trainer(experiment, repository, overrides or [], how, listen))
        report = trainer.train()
    if report.no_new_data:
        if processes.is_first:
            print(f"no_new_data: {report.run_folder} has seen every document of the corpus; nothing was changed")
    elif not quiet and processes.is_first:
        print(_after_training(report))


def _trainer(
    experiment: Path, repository: str | None, overrides: list[str], how: list[str], listen: Listener
) -> Trainer:
    """The trainer of a configuration or of a run folder.

    Args:
        how: `extend` or `incremental`, where that was asked for.
    """
    from foundry.config_file import load_experiment
    from foundry.trainer import Trainer

    if not experiment.is_dir():
        if repository is not None:
            overrides = [*overrides, f"data.git.repository={json.dumps(repository, ensure_ascii=False)}"]
        try:
            config = load_experiment(experiment, overrides)
        except UserError as error:
            if repository is None:
                raise
            raise UserError(str(error).replace("--set: data.git.repository: ", "--repository: ")) from None
        return Trainer(config, extend="extend" in how, incremental="incremental" in how, on_event=listen)
    if repository is not None or overrides or how:
        option = "--repository" if repository is not None else "--set" if overrides else f"--{how[0]}"
        raise UserError(f"{option}: the configuration of a run is fixed; name a configuration instead of {experiment}")
    return Trainer.of_run(experiment, on_event=listen)


def _after_training(report: TrainingReport) -> str:
    """Where things are, and what to do next."""
    from foundry.evaluation.summary import RunSummary

    folder = report.run_folder
    done = "" if report.steps_made else f"{folder} is complete, nothing was left to train\n"
    quoted = shlex.quote(str(folder))
    publish = f"  foundry publish {quoted}\n" if report.record.state == "stopped" else ""
    return (
        f"{done}\n{aligned(RunSummary.read(folder).facts())}\n\nnext:\n{publish}"
        f'  foundry generate {quoted} --prompt "def "\n'
        f"  foundry info {quoted} --html page.html"
    )


app.command(short_help="Continue prompts with a trained model.")(generate)
app.command(short_help="Judge the code that a model writes.")(evaluate)


@app.command(short_help="Check experiments without training them.")
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="YAML files of experiments.")],
    overrides: Overrides = None,
) -> None:
    """Check experiments, sweeps and pipelines without carrying them out: every mistake of every file is shown.

    \b
    Examples:
      foundry validate my.yaml
      foundry validate configs/*.yaml
      foundry validate my.yaml --set model.layers=12
    """
    from foundry.config_file import kind_of, load_experiment
    from foundry.pipeline.loading import load_pipeline
    from foundry.sweeps.sweep import load_sweep

    problems = []
    for path in files:
        try:
            match kind_of(path):
                case "sweep":
                    _refuse_overrides(path, overrides)
                    load_sweep(path)
                case "pipeline":
                    load_pipeline(path, overrides or [])
                case "experiment":
                    load_experiment(path, overrides or [])
            print(f"{path}: valid")
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))


def _refuse_overrides(sweep_path: Path, overrides: list[str] | None) -> None:
    if overrides:
        raise UserError(f"--set: overrides settings of an experiment; change them in {sweep_path}")


@app.command(short_help="Show what became of a run.")
def info(
    subject: Annotated[
        Path | None, typer.Argument(metavar="[RUN_OR_CONFIG]", help="A run folder, or an experiment's YAML file.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME_OR_CONFIG", help="Show the size of a pretrained model, and what training it takes."),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="PATH", help="Write a page with the plots of a run.")] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show what became of a run, what a configuration would train, or how large a pretrained model is.

    \b
    Examples:
      foundry info runs/tiny-0123456789ab
      foundry info runs/tiny-0123456789ab --html page.html
      foundry info configs/tiny.yaml --set model.layers=12
      foundry info --model configs/smollm2-qlora.yaml
      foundry info --model bigcode/starcoder2-3b --set model.quantization=nf4 --set data.batch_size=1
    """
    if model is not None:
        if subject is not None or html is not None:
            raise UserError("--model: stands alone; leave out the run, and --html")
        print_model_numbers(model, overrides or [], as_json)
        return
    if subject is None:
        raise UserError("info: name a run folder or an experiment's file, or a pretrained model by --model")
    if subject.is_dir() and overrides:
        raise UserError(f"--set: the configuration of a run is fixed; name a configuration instead of {subject}")
    if not subject.is_dir() and html is not None:
        raise UserError(f"--html: draws a run; {subject} is none")
    if html is not None and html.is_dir():
        raise UserError(f"--html: {html} is a folder; name the file to write")
    if subject.is_dir():
        _info_of_run(subject, html, as_json)
    else:
        _info_of_experiment(subject, overrides or [], as_json)


def _info_of_run(folder: Path, html: Path | None, as_json: bool) -> None:
    from foundry.evaluation.curves import loss_curve_text
    from foundry.evaluation.run_page import write_run_page
    from foundry.evaluation.summary import RunSummary

    run = RunSummary.read(folder)
    if html is not None:
        write_run_page(run, html)
    if as_json:
        print(json.dumps(run.as_dict(), indent=2, ensure_ascii=False))
        return
    curve = loss_curve_text(run.metrics, width=min(shutil.get_terminal_size().columns, MAX_CURVE_WIDTH))
    page = f"page: {html}" if html is not None else ""
    print("\n\n".join(filter(None, [aligned(run.facts()), aligned(run.history(), right=(2,)), curve, page])))


def _info_of_experiment(path: Path, overrides: list[str], as_json: bool) -> None:
    from foundry.config_file import load_experiment
    from foundry.evaluation.plan import plan_of

    plan = plan_of(load_experiment(path, overrides))
    print(json.dumps(plan, indent=2, ensure_ascii=False) if as_json else aligned(_plan_rows(plan)))


def _plan_rows(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)) for name, value in plan.items()
    ]


@app.command(name="list", short_help="List the runs.")
def list_runs(
    output_dir: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder that holds the runs.")] = DEFAULT_RUNS,
    as_json: AsJson = False,
) -> None:
    """List the runs, the newest first: state, steps, best validation loss, age.

    \b
    Examples:
      foundry list
      foundry list --output-dir elsewhere/runs --json
    """
    from foundry.evaluation.summary import find_runs, table_of_runs

    is_fresh = output_dir == DEFAULT_RUNS and not output_dir.exists()
    runs, problems = ([], []) if is_fresh else find_runs(output_dir)
    if as_json:
        print(json.dumps([run.as_dict() for run in runs], indent=2, ensure_ascii=False))
    else:
        print(table_of_runs(runs) if runs else f"{output_dir}: no runs yet; `foundry train CONFIG` makes one")
    for problem in problems:
        print(problem, file=sys.stderr)


app.command(short_help="Find commits and files by what they mean.")(search)
app.command(short_help="Try settings of an experiment.")(sweep)
app.command(short_help="Make a model of a repository, phase by phase.")(pipeline)
app.add_typer(manifest_app)
app.command(short_help="Check a run to the last byte.")(verify)
app.command(short_help="Name what differs between two runs.")(diff)
app.add_typer(cache_app)
app.command(short_help="Publish the model of a trained run.")(publish)
app.command(short_help="Write a fine-tuned model for other libraries.")(export)
app.command(short_help="Send missing metrics to Weights & Biases.")(sync)


@app.command(short_help="Print the JSON Schema of experiments.")
def schema(
    pipeline: Annotated[bool, typer.Option("--pipeline", help="That of a pipeline's file.")] = False,
    manifest: Annotated[bool, typer.Option("--manifest", help="That of a pipeline's manifest.json.")] = False,
) -> None:
    """Print the JSON Schema of an experiment's file, for editors that check while you write.

    \b
    Examples:
      foundry schema > experiment.schema.json
      foundry schema --pipeline > pipeline.schema.json
      foundry schema --manifest > manifest.schema.json
    """
    if pipeline and manifest:
        raise UserError("--manifest: stands alone; leave out --pipeline")
    print(json.dumps(_json_schema(pipeline, manifest), indent=2, ensure_ascii=False))


def _json_schema(of_pipeline: bool, of_manifest: bool) -> dict[str, Any]:
    if of_manifest:
        from foundry.pipeline.manifest import manifest_json_schema

        return manifest_json_schema()
    if of_pipeline:
        from foundry.pipeline.loading import pipeline_json_schema

        return pipeline_json_schema()
    from foundry.config_file import experiment_json_schema

    return experiment_json_schema()


app.command(short_help="Run the acceptance suite.")(accept)
app.command(short_help="Write the report of the last scenarios.")(report)
