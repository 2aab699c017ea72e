"""A run of ours as Weights & Biases knows it: what is said of it there, and what is asked about it.

Numbers, configuration and environment go out. No text that the run was trained on does, no code, and no variable of the
environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from foundry.environments import read_launches
from foundry.strict_yaml import parse_yaml
from foundry.training.extension import FINISHED
from foundry.training.lifecycle import CONFIG_NAME, RunRecord

HTTP_SECONDS = 10
NOT_TOLD = ("command", "next_step", "settings", "variables")
"""Of the environment: the configuration is told anyway, and what a shell held is nobody's business."""


class RemoteRun:
    """What the service says of a run.

    Args:
        run: the one that the client's public interface has found.
    """

    def __init__(self, run: Any) -> None:
        self._run = run

    @classmethod
    def find(cls, entity: str | None, project: str, run_id: str) -> RemoteRun | None:
        """The run of that name, or None where the service has none.

        Raises:
            Exception: of the library, where the service does not answer, or refuses.
        """
        import wandb
        from wandb.apis.public.runs import RunNotFoundError

        api = wandb.Api(timeout=int(os.environ.get("WANDB_HTTP_TIMEOUT", HTTP_SECONDS)))
        try:
            return cls(api.run(f"{entity or api.default_entity}/{project}/{run_id}"))
        except (wandb.errors.CommError, RunNotFoundError) as error:
            if isinstance(getattr(error, "exc", error), RunNotFoundError):
                return None
            raise

    @property
    def url(self) -> str:
        """Where the run is shown."""
        return str(self._run.url)

    def held_step(self) -> int:
        """The last step that the service holds now; 0 for none."""
        return max(0, int(self._run.lastHistoryStep))

    def is_complete(self, last_step: int, told: dict[str, Any]) -> bool:
        """Whether all up to `last_step` is there, and how the run has ended."""
        summary = dict(self._run.summary)
        return self.held_step() >= last_step and all(summary.get(name) == value for name, value in told.items())


def open_run(request: dict[str, Any], transmit_seconds: float | None) -> Any:
    """The run, ready to be logged to, begun anew or gone on with under its id.

    Args:
        request: of the act, see `foundry.wandb_client.tracking`.
        transmit_seconds: between two requests with rows; None for what the user or the library has set.

    Raises:
        Exception: of the library, where the service does not answer, or refuses.
    """
    import wandb

    settings = wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        finish_timeout=request["finish_seconds"],
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_save_requirements=False,
        x_skip_transaction_log=True,  # the metrics file is what is sent from, now and later
    )
    if request["trainer"] is None:
        settings.x_disable_stats = True
    else:
        settings.x_stats_pid = request["trainer"]
    if transmit_seconds is not None:
        settings.x_file_stream_transmit_interval = transmit_seconds
    folder = Path(request["folder"])
    run_id = RunRecord.read(folder).run_id
    return wandb.init(
        entity=request["entity"],
        project=request["project"],
        id=run_id,
        name=run_id,
        group=request["group"],
        config=configuration(folder),
        allow_val_change=True,
        resume="allow",
        mode="online",
        save_code=False,
        settings=settings,
    )


def close_library() -> None:
    """End its background process in good order."""
    import wandb

    wandb.teardown()


def configuration(folder: Path) -> dict[str, Any]:
    """The experiment as it stands in the run folder, which holds no password, and the fingerprint."""
    experiment = parse_yaml((folder / CONFIG_NAME).read_text(encoding="utf-8"), CONFIG_NAME)
    return {**experiment, "fingerprint": RunRecord.read(folder).fingerprint}


def environment(folder: Path) -> dict[str, Any]:
    """What the newest launch computes with; empty before the first one that trains."""
    launches = read_launches(folder)
    told = {name: value for name, value in launches[0].items() if name not in NOT_TOLD} if launches else {}
    return {"environment": told, "git_commit": told.get("git_commit")} if told else {}


def outcome(folder: Path) -> dict[str, Any]:
    """How the run stands, for its summary: why it stopped or what state it is in, its steps, and the best of them."""
    record = RunRecord.read(folder)
    stops = [moment.reason for moment in record.history if moment.state == "stopped"]
    told = {
        "outcome": stops[-1] if stops else record.state,
        "steps_done": record.steps_done,
        "best_step": record.best_step,
        "best_validation_loss": record.best_validation_loss,
    }
    return {name: value for name, value in told.items() if value is not None}


def exit_code(folder: Path) -> int:
    """0 where training has come to its end, 1 where it has not."""
    return 0 if RunRecord.read(folder).state in FINISHED else 1


def values_of(row: dict[str, Any]) -> dict[str, float]:
    """The numbers of a metrics row by their names; those in a section as `section/name`."""
    values: dict[str, float] = {}
    for name, value in row.items():
        section = {f"{name}/{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
        values |= {key: item for key, item in section.items() if isinstance(item, bool | int | float)}
    values.pop("step", None)
    return values
