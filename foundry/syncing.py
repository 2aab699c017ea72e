"""Sends the metrics of a trained run that Weights & Biases does not hold yet: `foundry sync`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foundry.config import ExperimentConfig
from foundry.config_file import load_experiment
from foundry.errors import FoundryError, UserError
from foundry.tracking import request_of
from foundry.training.lifecycle import CONFIG_NAME, RunRecord
from foundry.training.run_lock import RunLock
from foundry.wandb_client.mode import wandb_mode
from foundry.wandb_client.process import OnProgress, ask
from foundry.wandb_client.tracker_lock import TrackerLock

FINISH_SECONDS = 60.0
SILENT_SECONDS = 90.0
"""How long the client may go without progress; it tells of none while the library comes to its end."""


@dataclass(frozen=True)
class Synced:
    """What came of a sync.

    Attributes:
        rows: that the service did not hold before.
        url: where the run is shown.
    """

    rows: int
    url: str


def sync_run(folder: Path, on_progress: OnProgress) -> Synced:
    """Send what the service does not hold of the run in `folder`, whether it was tracked while it was trained or not.

    Args:
        on_progress: is told how many bytes of the metrics file are sent, and how many there are.

    Raises:
        UserError: there is no run, or no key, or Weights & Biases is not to be spoken to.
        FoundryError: the run is being trained, or the service does not answer, or does not hold all in the end.
    """
    RunRecord.read(folder)
    config = load_experiment(folder / CONFIG_NAME)
    _require_online(folder, config)
    if TrackerLock(folder).is_held():
        holder = RunLock(folder).holder()
        who = f" by {holder}" if holder else ""
        raise FoundryError(f"{folder}: its metrics are being sent at this moment{who}; wait for it, or stop it")
    answer = ask(request_of("sync", folder, config, FINISH_SECONDS), silence=SILENT_SECONDS, on_progress=on_progress)
    if answer["held"] < answer["last"]:
        raise FoundryError(
            f"{folder}: Weights & Biases holds its metrics up to step {answer['held']} of {answer['last']}; sync again"
        )
    return Synced(answer["sent"], answer["url"])


def _require_online(folder: Path, config: ExperimentConfig) -> None:
    """An experiment that is offline is one that is synced by hand; only what is said for now keeps it from that."""
    if config.wandb.mode == "offline":
        config = config.model_copy(update={"wandb": config.wandb.model_copy(update={"mode": None})})
    mode = wandb_mode(config)
    if mode != "online":
        source = "wandb.mode in its config.yaml" if config.wandb.mode else "WANDB_MODE"
        raise UserError(f"{folder}: nothing is sent, because {source} is {mode}; set it to online")
