"""Logs a model as an artifact of its run, and reads back what the registry holds of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foundry.wandb_client.digests import sha256_if_listed
from foundry.wandb_client.problems import NotThere

PROGRESS_SECONDS = 0.5


def publish(request: dict[str, Any], tell: Any, _messages: Any) -> dict[str, Any]:
    """Upload a model, and wait until the service has confirmed it; the version that it has become.

    The same files again are recognised by the service, which then takes none of them.

    Args:
        request: `entity` (or None), `project`, `run_id`, `group` (or None), `name` of the artifact, its `aliases`,
            `metadata` and `files`, paths by their names in it, and `seconds` that all may take.
    """
    import wandb

    artifact = wandb.Artifact(request["name"], type="model", metadata=request["metadata"])
    for name, path in request["files"].items():
        # The client's own copies of the weights would double what they take on this disk.
        artifact.add_file(path, name=name, policy="immutable", skip_cache=True)
    with opened_run(request) as run, _telling(run, tell, _size(request["files"])):
        logged = run.log_artifact(artifact, aliases=request["aliases"]).wait()
        version = {"entity": run.entity, "project": run.project, "version": logged.version}
        run.finish()
    return version


def confirm(request: dict[str, Any], *_: Any) -> dict[str, Any]:
    """Ask the registry anew what it holds, and compare it with local files under the digest that it uses.

    Args:
        request: `artifact` (`entity/project/name:version`), and `files`, local paths by their names in it.

    Returns:
        `files`: for each name that the registry holds the SHA-256 of the local file if size and digest are those of
        the registry, else what the registry has in its place.
    """
    import wandb

    artifact = wandb.Api().artifact(request["artifact"])
    if artifact.state != "COMMITTED":
        raise NotThere(f"{request['artifact']}: its upload was not completed (state {artifact.state})")
    paths = request["files"]
    return {"files": {name: _compared(entry, paths.get(name)) for name, entry in artifact.manifest.entries.items()}}


@contextlib.contextmanager
def opened_run(request: dict[str, Any]) -> Iterator[Any]:
    """The W&B run of that id, gone on with if the service has it. Nothing of this machine or its code goes with it."""
    import wandb

    yield wandb.init(
        entity=request["entity"],
        project=request["project"],
        id=request["run_id"],
        name=request["run_id"],
        group=request["group"],
        resume="allow",
        settings=wandb.Settings(
            init_timeout=request["seconds"],
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        ),
    )


def _compared(entry: Any, path: str | None) -> str:
    held = f"{entry.size} bytes, {entry.digest}"
    return held if path is None else sha256_if_listed(entry, Path(path)) or held


def _size(files: dict[str, str]) -> int:
    return sum(Path(path).stat().st_size for path in files.values())


@contextlib.contextmanager
def _telling(run: Any, tell: Any, total: int) -> Iterator[None]:
    """Tell how many bytes the background process has sent, while the block runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(PROGRESS_SECONDS):
            handle = run._interface.deliver_poll_exit()
            stats = handle.wait_or(timeout=PROGRESS_SECONDS).response.poll_exit_response.pusher_stats
            tell({"event": "progress", "done": min(stats.uploaded_bytes, total), "total": total})

    threading.Thread(target=_until_it_fails, args=(watch,), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _until_it_fails(watch: Any) -> None:
    """Progress is shown as long as the background process answers; what fails is told by the upload itself."""
    with contextlib.suppress(Exception):
        watch()
