"""The registry of Weights & Biases as an artifact store."""

from __future__ import annotations

import time
from dataclasses import dataclass

from foundry.artifacts.references import BEST_ALIAS, SCHEME
from foundry.artifacts.store import Bundle
from foundry.config import ExperimentConfig
from foundry.errors import FoundryError
from foundry.wandb_client.mode import wandb_mode
from foundry.wandb_client.pauses import doubling_pauses
from foundry.wandb_client.process import OnProgress, ServiceTooSlow, ServiceUnreachable, ask

CONFIRM_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


@dataclass(frozen=True)
class WandbStore:
    """Publishes each model as an artifact `<project>_model-<run id>` of type `model`.

    Attributes:
        fingerprint: of the run; with the experiment's name it is the run id.
        is_asked_for: the user asks for publishing now, whatever the mode of the experiment is.
        on_progress: is told how many bytes of how many are sent.
    """

    config: ExperimentConfig
    fingerprint: str
    on_progress: OnProgress
    is_asked_for: bool = False

    kind = "wandb"

    @property
    def postponed(self) -> str | None:
        """See `ArtifactStore.postponed`."""
        mode = wandb_mode(self.config)
        return None if self.is_asked_for or mode == "online" else f"Weights & Biases is {mode} (wandb.mode, WANDB_MODE)"

    def publish(self, bundle: Bundle) -> str:
        """See `ArtifactStore.publish`; returns when the service has confirmed, tries again while it is out of reach.

        Raises:
            UserError: the service does not accept the key.
            FoundryError: it refused, or had not confirmed after `artifacts.upload_timeout` seconds.
        """
        limit = self.config.artifacts.upload_timeout
        ends_at = time.monotonic() + limit
        request = {
            "act": "publish",
            "entity": self.config.wandb.entity,
            "project": self.config.wandb_project,
            "run_id": bundle.name,
            "group": self.config.wandb.group,
            "name": self.config.wandb_artifact_name(self.fingerprint),
            "aliases": [BEST_ALIAS, bundle.name],
            "metadata": dict(bundle.metadata),
            "files": {name: str(path.absolute()) for name, path in bundle.files.items()},
        }
        last_problem = ""
        for pause in doubling_pauses(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS):
            seconds = ends_at - time.monotonic()
            try:
                answer = ask({**request, "seconds": seconds}, seconds=seconds, on_progress=self.on_progress)
                break
            except ServiceTooSlow:
                given = f"within {limit:g} s (artifacts.upload_timeout)"
                raise FoundryError(f"{last_problem}Weights & Biases has not confirmed the upload {given}") from None
            except ServiceUnreachable as problem:
                if time.monotonic() + pause >= ends_at:
                    given = f"until {limit:g} s had passed (artifacts.upload_timeout)"
                    raise FoundryError(f"{problem}; tried again {given}") from None
                last_problem = f"{problem}; "
                time.sleep(pause)
        return f"{SCHEME}{answer['entity']}/{answer['project']}/{request['name']}:{answer['version']}"

    def confirmed_digests(self, location: str, bundle: Bundle) -> dict[str, str]:
        """See `ArtifactStore.confirmed_digests`; the registry keeps MD5 or XXH128 and the size of each file."""
        files = {name: str(path.absolute()) for name, path in bundle.files.items()}
        request = {"act": "confirm", "artifact": location.removeprefix(SCHEME), "files": files}
        confirmed: dict[str, str] = ask(request, seconds=CONFIRM_SECONDS)["files"]
        return confirmed
