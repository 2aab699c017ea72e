"""The service as a test holds it: started and stopped, given faults, asked what it has answered."""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import sys
import tempfile
import types
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foundry.testing.processes import environment_of_command
from foundry.testing.qdrant_service.faults import Fault
from foundry.testing.qdrant_service.server import CONTROL, HOST


@functools.cache
def _shared() -> QdrantService:
    folder = tempfile.TemporaryDirectory(prefix="qdrant-service-")
    service = QdrantService(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(service.stop)
    return service


class QdrantService:
    """A stand-in of a Qdrant server, for one test.

    Args:
        folder: keeps the points; made when it is missing.

    It serves from the moment it is made, until `stop` or the end of the `with` block.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def __enter__(self) -> QdrantService:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where clients reach it; the same after `stop` and `start`."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Serve what is in the folder, on the port that it had before.

        Raises:
            AssertionError: it serves already, or its process ended at once.
        """
        assert self._process is None or self._process.poll() is not None, "it serves already"
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "foundry.testing.qdrant_service"),
                *("--port", str(self._port), "--folder", str(self._folder)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment_of_command(),
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        assert port, "the process of the service has ended"
        self._port = int(port)

    def restart(self) -> None:
        """Serve again, where it died or was stopped."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill its process; requests under way get no answer."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def inject(self, fault: Fault) -> None:
        """Put a fault in force, instead of the one that was."""
        self._control(asdict(fault))

    def heal(self) -> None:
        """Take the fault out of force; what hangs goes on hanging."""
        self._control({})

    def answers(self, operation: str) -> list[int]:
        """The status of each answer to requests of this operation, in order, since the process began."""
        with urllib.request.urlopen(f"{self.url}{CONTROL}") as answer:
            return [status for name, status in json.load(answer) if name == operation]

    @classmethod
    def shared(cls) -> QdrantService:
        """A service that all scenarios of this process use, each with collections of its own, without faults."""
        service = _shared()
        service.heal() if service.is_serving else service.restart()
        return service

    @property
    def is_serving(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def _control(self, value: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.url}{CONTROL}", data=json.dumps(value).encode(), method="PUT")
        urllib.request.urlopen(request).close()
