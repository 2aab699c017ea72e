"""The faults that a service can be given, and the board that says which of them a request meets."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

Act = Literal["answer", "hang", "throttle", "cut", "refuse", "flip", "rename"]
ANY = "any"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the requests that it matches; made by the methods below.

    Attributes:
        on: the operation: the name of a GraphQL operation, `graphql` for all of these, `file_stream`, `upload`,
            `upload_manifest`, `upload_run_file`, `download`, `download_manifest`, `download_run_file`, or `any`.
        times: how many requests meet it; None for every one until the service is healed.
        file: only requests for a file of that name; None for any.
    """

    act: Act
    on: str
    times: int | None = None
    file: str | None = None
    status: int = 0
    message: str = ""
    number: int = 0

    @classmethod
    def answer(
        cls, status: int, on: str = ANY, *, times: int | None = None, file: str | None = None, message: str = "fault"
    ) -> Fault:
        """The answer is `status`, with `message` as the error of a GraphQL operation."""
        return cls("answer", on, times, file, status=status, message=message)

    @classmethod
    def hang(cls, on: str = ANY, *, times: int | None = None, file: str | None = None) -> Fault:
        """There is no answer until the service is healed, which then goes on, or is stopped."""
        return cls("hang", on, times, file)

    @classmethod
    def throttle(cls, bytes_per_second: int, on: str, *, times: int | None = None, file: str | None = None) -> Fault:
        """Each request of the operation moves no more than so many bytes of its file a second."""
        return cls("throttle", on, times, file, number=bytes_per_second)

    @classmethod
    def cut(cls, after: int, on: str, *, times: int | None = None, file: str | None = None) -> Fault:
        """The connection is cut when `after` bytes of the file, or of another answer, have been moved."""
        return cls("cut", on, times, file, number=after)

    @classmethod
    def refuse(cls, on: str = ANY, *, times: int | None = None, file: str | None = None) -> Fault:
        """The connection is reset when the request has been heard; `WandbService.stop` refuses connections."""
        return cls("refuse", on, times, file)

    @classmethod
    def flip_byte(cls, on: str = "download", *, times: int | None = None, file: str | None = None) -> Fault:
        """The last byte of a file is served flipped; its size is right, and so is what is stored."""
        return cls("flip", on, times, file)

    @classmethod
    def wrong_digest(cls, *, times: int | None = None, file: str | None = None) -> Fault:
        """The manifest as it is served names another digest for each of its files, or for `file` alone."""
        return cls("rename", "download_manifest", times, file)

    def matches(self, operation: str, is_graphql: bool, file: str) -> bool:
        """Whether a request meets this fault, were there no limit to how many do."""
        on = self.on in (ANY, operation) or (self.on == "graphql" and is_graphql)
        # The manifest is one file with many names in it: there, the name chooses among these.
        return on and (self.file in (None, file) or self.act == "rename")


@dataclass
class FaultBoard:
    """The faults of one service that are in force."""

    _faults: list[Fault] = field(default_factory=list)
    _met: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _released: threading.Event = field(default_factory=threading.Event)

    def inject(self, fault: Fault) -> None:
        """Put `fault` in force, beside those that are."""
        with self._lock:
            self._faults.append(fault)

    def heal(self) -> None:
        """Take every fault out of force, and let go on what hangs or is throttled."""
        with self._lock:
            self._faults.clear()
            self._met.clear()
        self.release()

    def release(self) -> None:
        """Let go on what hangs or is throttled."""
        with self._lock:
            released, self._released = self._released, threading.Event()
        released.set()

    def met_by(self, operation: str, is_graphql: bool, file: str) -> tuple[Fault | None, threading.Event]:
        """The first fault in force that a request meets, counted, and what is set when it shall go on."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                met = self._met.get(place, 0)
                if fault.matches(operation, is_graphql, file) and (fault.times is None or met < fault.times):
                    self._met[place] = met + 1
                    return fault, self._released
            return None, self._released
