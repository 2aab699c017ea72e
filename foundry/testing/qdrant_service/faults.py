"""What can go wrong with the requests of a service, and the board that says which of them meets what."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

Act = Literal["answer", "hang", "die", "lock"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        act: `answer` gives a status instead of the answer, `hang` never answers, `die` ends the process at once,
            `lock` answers 401 to whoever does not show the key; what was asked is not done.
        on: the operation, such as `upsert`; `any` for all of them.
        after: so many requests of that operation are served well first, counted from the moment it is injected.
        status: of `answer`.
        key: of `lock`.
    """

    act: Act
    on: str = "any"
    after: int = 0
    status: int = 500
    key: str = ""


class FaultBoard:
    """The fault in force, one at a time, and what was answered so far."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._seen = 0
        self._lock = threading.Lock()
        self.answered: list[tuple[str, int]] = []

    def put(self, fault: Fault | None) -> None:
        """Put a fault in force instead of the one that was; None heals."""
        with self._lock:
            self._fault, self._seen = fault, 0

    def met_by(self, operation: str) -> Fault | None:
        """The fault that a request meets, which is counted."""
        with self._lock:
            fault = self._fault
            if fault is None or fault.on not in ("any", operation):
                return None
            self._seen += 1
            return fault if self._seen > fault.after else None

    def note(self, operation: str, status: int) -> None:
        """Remember an answer."""
        with self._lock:
            self.answered.append((operation, status))
