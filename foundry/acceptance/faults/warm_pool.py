"""Several warm processes side by side, each served by a thread of its own."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from foundry.acceptance.faults.nurseries import Nursery
from foundry.acceptance.faults.shadow import Shadows

Job = Callable[[Nursery, Shadows], None]
"""What a thread does with its warm process until there is nothing left to do."""


@dataclass
class WarmPool:
    """Runs a job in several threads, each with a warm process of its own, over copies of one project.

    Attributes:
        feature: the path of a feature file; what loading the suite for it imports of other libraries is imported
            by the warm processes.
    """

    project: Path
    workers: int
    feature: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _libraries: tuple[str, ...] | None = None
    _nurseries: list[Nursery] = field(default_factory=list)
    _errors: list[BaseException] = field(default_factory=list)

    def run(self, job: Job) -> None:
        """Run the job in each thread to its end, and pass on what the first one raised.

        Ctrl-C ends the processes with all that they have started.
        """
        with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
            shadows = Shadows(self.project, Path(folder))
            threads = [threading.Thread(target=self._serve, args=(job, shadows)) for _ in range(self.workers)]
            try:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            except BaseException:
                self._kill()
                for thread in threads:
                    thread.join()
                raise
        if self._errors:
            raise self._errors[0]

    def _serve(self, job: Job, shadows: Shadows) -> None:
        try:
            with Nursery() as nursery:
                self._nurseries.append(nursery)
                nursery.warm_up(self._needed_libraries(nursery, shadows))
                job(nursery, shadows)
        except BaseException as error:  # noqa: BLE001  # raised again by `run`
            self._errors.append(error)

    def _needed_libraries(self, nursery: Nursery, shadows: Shadows) -> tuple[str, ...]:
        """What one child of the first process has found, for all of them."""
        with self._lock:
            if self._libraries is None:
                with shadows.shadow() as shadow:
                    self._libraries = nursery.libraries(shadow, self.feature)
            return self._libraries

    def _kill(self) -> None:
        for nursery in self._nurseries:
            nursery.kill()
