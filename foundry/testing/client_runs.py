"""Runs that the real client of Weights & Biases logs, in a process of its own, in the environment of this one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WAIT_SECONDS = 30
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class ClientRun:
    """What a client logs under one run id; a run of that id goes on.

    Attributes:
        rows: metrics, each with its `step`, which becomes the step of the client.
        artifact: the name of an artifact of the type `model`; None logs none.
        files: the artifact's files: where each lies, by its path in the artifact.
    """

    entity: str
    project: str
    id: str
    config: dict[str, Any] = field(default_factory=dict)
    rows: tuple[dict[str, Any], ...] = ()
    artifact: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClientAnswer:
    """What the client said of a run.

    Attributes:
        version: the version of the artifact that the service confirmed; None where none was logged.
        first_step: the step at which the client went on.
    """

    version: str | None
    first_step: int


def log(runs: Sequence[ClientRun]) -> list[ClientAnswer]:
    """Have the client log `runs`, one after another, in one process.

    Raises:
        AssertionError: the client did not get them through; its last words are in the message.
    """
    asked = subprocess.run(
        [sys.executable, "-m", "foundry.testing.client_runs", *(json.dumps(dataclasses.asdict(run)) for run in runs)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "WANDB_SILENT": "true"},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    return [ClientAnswer(**json.loads(line)) for line in asked.stdout.splitlines()]


def _log(run: ClientRun) -> ClientAnswer:
    import wandb

    version = None
    with wandb.init(entity=run.entity, project=run.project, id=run.id, config=run.config, resume="allow") as logged:
        for row in run.rows:
            logged.log(row, step=row["step"])
        if run.artifact is not None:
            artifact = wandb.Artifact(run.artifact, "model", metadata=run.metadata)
            for name, path in run.files.items():
                artifact.add_file(path, name=name, policy="immutable", skip_cache=True)
            version = logged.log_artifact(artifact, aliases=list(run.aliases)).wait(WAIT_SECONDS).version
        return ClientAnswer(version, logged.starting_step)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(json.dumps(dataclasses.asdict(_log(ClientRun(**json.loads(argument))))), flush=True)
