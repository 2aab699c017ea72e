"""The service as a test holds it: started and stopped, given faults, asked what it has answered."""

from __future__ import annotations

import json
import subprocess
import sys
import types
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foundry.testing.processes import environment_of_command
from foundry.testing.qdrant_service.faults import Fault
from foundry.testing.qdrant_service.server import CONTROL, HOST


class QdrantService:
    """A stand-in of a Qdrant server, for one test.

    Args:
        folder: keeps the points; made when it is missing.
        api_key: the only key that is let in; None lets everybody in.

    It serves from the moment it is made, until `stop` or the end of the `with` block.
    """

    def __init__(self, folder: Path, api_key: str | None = None) -> None:
        self._folder = folder
        self._api_key = api_key
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
        key = ["--api-key", self._api_key] if self._api_key else []
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "foundry.testing.qdrant_service"),
                *("--port", str(self._port), "--folder", str(self._folder), *key),
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

    def _control(self, value: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.url}{CONTROL}", data=json.dumps(value).encode(), method="PUT")
        urllib.request.urlopen(request).close()
