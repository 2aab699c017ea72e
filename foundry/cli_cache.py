"""The verbs about what was fetched from elsewhere: `foundry cache list`, `verify` and `prune`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundry.cli_runs import AsJson
from foundry.errors import UserError
from foundry.terminal import age, aligned

if TYPE_CHECKING:
    from foundry.artifacts.upkeep import CachedModel

SHOWN_DIGEST = 12

cache_app = typer.Typer(
    name="cache",
    help="List, check or remove what was fetched: models, and clones of repositories.",
    short_help="List, check or remove what was fetched.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cache_app.command(name="list", short_help="List what was fetched.")
def list_cache(as_json: AsJson = False) -> None:
    """List models and clones of repositories in the cache folder (FOUNDRY_CACHE), what was used last first.

    \b
    Example:
      foundry cache list
    """
    from foundry.artifacts.upkeep import contents

    found = contents()
    if as_json:
        print(_json({**asdict(found), "folder": str(found.folder), "bytes": found.bytes}))
        return
    now = time.time()
    rows = [
        (
            model.name,
            "?" if model.step is None else f"step {model.step}",
            _size(model.bytes),
            age(now - model.last_used),
        )
        for model in found.models
    ]
    rows += [(clone.name, "clone", _size(clone.bytes), age(now - clone.last_used)) for clone in found.repositories]
    if not rows:
        print(f"{found.folder}: nothing was fetched yet")
        return
    print(
        aligned([("fetched", "", "size", "last used"), *rows, ("together", "", _size(found.bytes), "")], right=(2, 3))
    )


@cache_app.command(short_help="Check the models to the last byte.")
def verify(
    remove: Annotated[bool, typer.Option("--remove", help="Remove those that are damaged.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check every model in the cache to its last byte. Exit code 0: all are whole; 1: one was damaged.

    \b
    Examples:
      foundry cache verify
      foundry cache verify --remove
    """
    from foundry.artifacts.upkeep import verify_models

    found: list[dict[str, Any]] = []

    def report(model: CachedModel, problem: str | None) -> None:
        found.append({"digest": model.digest, "versions": model.versions, "problem": problem})
        if not as_json:
            fate = "; removed" if problem is not None and remove else ""
            print(f"{model.name}: {'whole' if problem is None else f'damaged: {problem}{fate}'}")

    all_whole = verify_models(remove=remove, report=report)
    if as_json:
        print(_json({"whole": all_whole, "removed": remove and not all_whole, "models": found}))
    elif not found:
        print("the cache holds no models")
    raise typer.Exit(0 if all_whole else 1)


@cache_app.command(short_help="Remove what is no longer needed.")
def prune(
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Remove models and clones, too, that were not used for so long."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all models and clones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove models that no alias points to any more, as far as was last asked, and what killed downloads have left.

    What another process is using or fetching stays.

    \b
    Examples:
      foundry cache prune
      foundry cache prune --older-than 30
    """
    from foundry.artifacts.upkeep import prune as prune_cache

    if everything and older_than is not None:
        raise UserError("--all and --older-than exclude each other: leave one of them out")
    pruned = prune_cache(older_than, everything)
    if as_json:
        print(_json({"removed": pruned.removed, "kept": pruned.kept, "freed_bytes": pruned.freed}))
        return
    for name in pruned.removed:
        print(f"removed {name}")
    for name, reason in pruned.kept.items():
        print(f"kept {name}: it {reason}", file=sys.stderr)
    print(f"freed {_size(pruned.freed)}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _size(number: int) -> str:
    """Bytes as a human reads them: `12.3 MB`."""
    size = float(number)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
