"""Who works on a trial, and whether that process is still there."""

from __future__ import annotations

import time
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from foundry.training.run_lock import START_TOLERANCE_SECONDS, Holder


class Owner(BaseModel):
    """The process that works on a trial.

    Attributes:
        parent: the process that started it, and with which it ends; None where it is on its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    worker: Holder
    parent: Holder | None = None

    @classmethod
    def of(cls, content: Any) -> Owner | None:
        """The owner that a study names; None where it names none."""
        try:
            return cls.model_validate(content)
        except ValidationError:
            return None

    def is_same(self, other: Owner) -> bool:
        """Whether both are the same process."""
        mine, theirs = self.worker, other.worker
        is_later = abs(mine.process_started - theirs.process_started) > START_TOLERANCE_SECONDS
        return (mine.host, mine.process) == (theirs.host, theirs.process) and not is_later

    @property
    def is_ending(self) -> bool:
        """Whether it is about to end, because the process that started it has."""
        return self.parent is not None and self.parent.has_ended


class SignsOfLife:
    """What has been heard of the processes of other hosts. Clocks of different hosts are never compared."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._heard: dict[int, tuple[object, float, bool]] = {}

    def hear(self, number: int, sign: object) -> None:
        """Take the sign that the owner of a trial gives now; it changes as long as that process lives."""
        last = self._heard.get(number)
        if last is None or last[0] != sign:
            self._heard[number] = (sign, time.monotonic(), last is not None)

    def is_silent(self, number: int) -> bool:
        """Whether nothing new has been heard for as long as patience lasts."""
        return number in self._heard and time.monotonic() - self._heard[number][1] >= self._patience

    def is_alive(self, number: int) -> bool:
        """Whether something new has been heard since the first time, and not too long ago."""
        return number in self._heard and self._heard[number][2] and not self.is_silent(number)
