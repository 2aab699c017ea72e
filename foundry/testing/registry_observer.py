"""Asks Weights & Biases through its client's public interface.

Run as a process of its own: `python -m foundry.testing.registry_observer`. Each line of its standard input is a JSON
object: the `question`, a list of its name and its arguments, and the `environment` and the `folder` in which it is
asked. A process that is forked for it writes a line: the answer, or the error. So the client is imported once for all
questions, and none of them meets what it keeps of an earlier one.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import wandb
import wandb.apis.public

ADDED_BY_THE_CLIENT = ("_runtime", "_timestamp")


def entity() -> str:
    """The team or user that owns what is logged without another being named."""
    return str(wandb.Api().default_entity)


def artifact(reference: str) -> dict[str, Any] | None:
    """One version of an artifact: its names, its metadata, and its files with digest and size; None for none."""
    api = wandb.Api()
    if not api.artifact_exists(reference):
        return None
    found = api.artifact(reference)
    return {
        "version": found.version,
        "type": found.type,
        "aliases": found.aliases,
        "metadata": found.metadata,
        "files": {name: [entry.digest, entry.size] for name, entry in found.manifest.entries.items()},
    }


def fetch(reference: str, folder: str) -> None:
    """Download an artifact into `folder`, past every cache, and verify it."""
    found = wandb.Api().artifact(reference)
    found.download(root=folder, skip_cache=True)
    found.verify(folder)


def run(reference: str) -> dict[str, Any]:
    """Configuration, history, last metrics, state and group of a run."""
    found = wandb.Api().run(reference)
    rows = found.scan_history(use_cache=False)
    return {
        "config": found.config,
        "history": [{name: value for name, value in row.items() if name not in ADDED_BY_THE_CLIENT} for row in rows],
        "summary": {name: value for name, value in dict(found.summary).items() if not name.startswith("_")},
        "state": found.state,
        "group": found.group,
    }


QUESTIONS: dict[str, Callable[..., Any]] = {question.__name__: question for question in (entity, artifact, fetch, run)}


def main() -> None:
    """Answer the questions on standard input until it ends."""
    # What the client prints goes to standard error.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin:
            if (child := os.fork()) == 0:
                print(json.dumps(_answer(**json.loads(line))), file=answers, flush=True)
                os._exit(0)
            os.waitpid(child, 0)


def _answer(question: list[str], environment: dict[str, str], folder: str) -> dict[str, Any]:
    name, *arguments = question
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        return {"answer": QUESTIONS[name](*arguments)}
    except Exception as error:  # noqa: BLE001 whatever the client raises is what whoever asks has to know
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
