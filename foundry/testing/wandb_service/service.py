"""The service as a test holds it: started and stopped, looked into, given faults."""

from __future__ import annotations

import copy
import socket
import types
from collections.abc import Iterator
from pathlib import Path

from foundry.testing.wandb_service.application import Application, Request
from foundry.testing.wandb_service.faults import Fault
from foundry.testing.wandb_service.server import Server
from foundry.testing.wandb_service.state import StoredArtifact, StoredRun

HOST = "127.0.0.1"


def client_folders(home: Path) -> dict[str, str]:
    """The variables that make the client keep all its files below `home`, which is made."""
    home.mkdir(parents=True, exist_ok=True)
    kinds = ("CACHE", "DATA", "CONFIG", "ARTIFACT")
    return {"WANDB_DIR": str(home), **{f"WANDB_{kind}_DIR": str(home / kind.lower()) for kind in kinds}}


class WandbService:
    """A stand-in of Weights & Biases on 127.0.0.1, for one test.

    Args:
        folder: keeps the files that clients upload; made when it is missing.
        entity: the team that owns every project.
        api_key: the only key that is let in; clients want 40 characters or more.
        port: 0 lets the system choose one.

    It serves from the moment it is made, until `stop` or the end of the `with` block. Leaving the block raises
    `AssertionError` when a client asked for what the service does not know, unless another exception is on its way.
    """

    def __init__(self, folder: Path, *, entity: str = "team", api_key: str = "0" * 40, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        listener = socket.create_server((HOST, port))
        self._address: tuple[str, int] = listener.getsockname()
        self._api_key = api_key
        self._application = Application(folder, self.url, entity, api_key)
        self._server: Server | None = Server(self._application, listener)
        self.entity = entity

    def __enter__(self) -> WandbService:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()
        if kind is None:
            self.check()

    def check(self) -> None:
        """Raise `AssertionError` when a client asked for what the service does not know."""
        if self.problems:
            raise AssertionError("the client asked what the service does not know:\n" + "\n".join(self.problems))

    @property
    def url(self) -> str:
        """Where clients reach the service; the same for all its life."""
        return f"http://{HOST}:{self._address[1]}"

    def environment(self, home: Path) -> dict[str, str]:
        """The variables that make the client talk to this service alone, with its folders below `home`, which is made.

        It tries a failed request once more, after a tenth of a second, and sends metrics every second.
        """
        retries = {
            f"WANDB_X_{part}_RETRY_{setting}": value
            for part in ("GRAPHQL", "FILE_TRANSFER", "FILE_STREAM")
            for setting, value in (("MAX", "1"), ("WAIT_MIN_SECONDS", "0.1"), ("WAIT_MAX_SECONDS", "0.1"))
        }
        return {
            **client_folders(home),
            **retries,
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": self._api_key,
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",
            "WANDB_INIT_TIMEOUT": "10",
            "WANDB_HTTP_TIMEOUT": "5",
            # Neither a key of the user nor a proxy of the machine has a part in this.
            "NETRC": str(home / "netrc"),
            "NO_PROXY": "*",
            "no_proxy": "*",
        }

    @property
    def requests(self) -> list[Request]:
        """Everything that was asked, in the order in which it was heard."""
        return list(self._application.requests)

    @property
    def problems(self) -> list[str]:
        """What clients asked that the service does not know: operations, fields, arguments, paths."""
        return list(self._application.problems)

    def run(self, project: str, run_id: str) -> StoredRun | None:
        """The run as the service holds it now, or None."""
        return next((run for run in self.runs(project) if run.name == run_id), None)

    def runs(self, project: str) -> list[StoredRun]:
        """The runs of `project` as the service holds them now, the oldest first."""
        with self._application.lock:
            stored = self._application.state.projects.get(project)
            return copy.deepcopy(list(stored.runs.values())) if stored else []

    def artifacts(self, project: str) -> list[StoredArtifact]:
        """The artifacts of `project` as the service holds them now, the oldest first."""
        with self._application.lock:
            stored = self._application.state.projects.get(project)
            return copy.deepcopy(list(stored.artifacts.values())) if stored else []

    def received_text(self) -> Iterator[bytes]:
        """All that clients have sent: bodies of requests and files, in pieces that overlap by a few KiB."""
        return self._application.received()

    def inject(self, fault: Fault) -> None:
        """Put `fault` in force, beside those that are; the first one that matches a request is met."""
        self._application.faults.inject(fault)

    def heal(self) -> None:
        """Take every fault out of force; what hangs goes on."""
        self._application.faults.heal()

    def expire_key(self) -> None:
        """Let the key in no longer: every request that needs one is answered with 401."""
        self._application.key_has_expired = True

    def renew_key(self) -> None:
        """Let the key in again after `expire_key`."""
        self._application.key_has_expired = False

    def stop(self) -> None:
        """Die: refuse connections, and cut those that there are. Does nothing when the service is stopped."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def start(self) -> None:
        """Come back after `stop`, on the same port, with all that the service had."""
        if self._server is None:
            self._server = Server(self._application, socket.create_server(self._address))
