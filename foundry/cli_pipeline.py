"""The verbs that make a model of a repository, phase by phase: `foundry pipeline` and `foundry manifest`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from foundry.cli_runs import AsJson
from foundry.terminal import printable

manifest_app = typer.Typer(name="manifest", help="Check what a pipeline has done.", no_args_is_help=True)


def pipeline(
    source: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="The git repository.")] = ".",
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A pipeline's YAML file; else the shipped pipeline.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="PHASES", help="Do these phases alone, such as analyze,scrape.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="PHASE", help="Do this phase and those after it.")] = (
        None
    ),
    force: Annotated[bool, typer.Option("--force", help="Do phases even where nothing has changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and why; change nothing.")] = (
        False
    ),
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key, like tokenize.overlap=16; repeatable."),
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the folders of pipelines are made.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, only the table at the end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a model of a repository: analyze, scrape, tokenize, embed, train, evaluate.

    A phase whose settings and inputs have not changed since is not done again; one that was interrupted goes on.
    `foundry schema --pipeline` prints what a pipeline's file may hold.

    Exit code 0: all that was asked for is done; 1: a phase has failed; 2: a mistake in what was asked for;
    130, 143: ended by Ctrl-C or SIGTERM.

    \b
    Examples:
      foundry pipeline
      foundry pipeline ../my-crate --config configs/rust.yaml
      foundry pipeline https://example.org/project.git --only analyze,scrape
      foundry pipeline --from tokenize --set tokenize.overlap=16
      foundry pipeline --dry-run
    """
    from foundry.pipeline.launch import Launch
    from foundry.pipeline.launching import carry_out
    from foundry.training.signals import left_at_once

    launch = Launch.of(source, config, [*(overrides or []), *_output_dir(output_dir)], only, start, force)
    with left_at_once():
        if dry_run:
            from foundry.pipeline.preview import preview

            print(printable(preview(launch, as_json)))
            return
        ended = carry_out(launch, None if quiet or as_json else _print)
    if as_json:
        print(json.dumps(ended.as_dict(), indent=2, ensure_ascii=False))
    else:
        from foundry.pipeline.summary import closing_words

        print(printable(closing_words(ended, launch.folder)))
    for ending in ended.failures:
        print(printable(f"{ending.phase}: {ending.why}"), file=sys.stderr)
    raise typer.Exit(1 if ended.failures else 0)


def _output_dir(folder: Path | None) -> list[str]:
    return [] if folder is None else [f"output_dir={json.dumps(str(folder), ensure_ascii=False)}"]


def _print(line: str) -> None:
    print(printable(line), flush=True)


@manifest_app.command(name="verify", short_help="Check the manifest and every file it names.")
def verify_manifest(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a pipeline.")],
    as_json: AsJson = False,
) -> None:
    """Check the manifest of a pipeline, and every file that it names, to the last byte. Changes nothing.

    Exit code 0: all is whole; 1: something is damaged; 2: there is no such pipeline.

    \b
    Examples:
      foundry manifest verify pipelines/my-repository
      foundry manifest verify pipelines/my-repository --json
    """
    from foundry.pipeline.verification import verify_pipeline

    found = verify_pipeline(folder)
    print(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) if as_json else printable(found.in_words()))
    raise typer.Exit(0 if found.is_whole else 1)
