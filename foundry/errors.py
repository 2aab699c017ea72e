"""The two ways in which foundry refuses: the user's mistake, and a failure of the world around it.

Both are shown as one line, without a traceback. Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

import signal


class FoundryError(Exception):
    """A failure that the user did not cause: no space left, a damaged file, a store that does not answer.

    The message names what failed, why, and how to go on. The command line exits with code 1.
    """

    exit_code = 1


class UserError(FoundryError):
    """A mistake in what the user asked for: a missing file, an unknown key, a rule that is broken.

    The message names the value, the rule and the remedy. The command line exits with code 2.
    """

    exit_code = 2


class Interrupted(FoundryError):
    """Training was asked to stop by a signal, finished its step and saved it.

    The command line exits with 128 plus the signal's number, as a shell would report it.
    """

    def __init__(self, signal_number: int, step: int) -> None:
        self.exit_code = 128 + signal_number
        self.signal_number = signal_number
        name = signal.Signals(signal_number).name
        super().__init__(
            f"interrupted by {name} after step {step}, which is saved; launch again to go on at {step + 1}"
        )


class Stopped(FoundryError):
    """Training was asked to stop by its listener (`foundry.training.events.StopAfterStep`), and saved its step."""

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"{reason}; stopped after step {step}, which is saved: launch again to go on at {step + 1}")


class LimitReached(FoundryError):
    """A figure of the hardware has come to a threshold of `monitoring` that ends a run; its last step is saved."""

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"{reason}; stopped after step {step}, which is saved: launch again to go on at {step + 1}")


class Untrainable(FoundryError):
    """The experiment itself cannot be trained here: it diverges, or does not fit into the memory."""


class LeftAtOnce(FoundryError):
    """A signal where no step was under way: before training begins, while the model is published, or while cleaning."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number
        name = signal.Signals(signal_number).name
        super().__init__(f"interrupted by {name}; nothing that was saved is lost, launch again to go on")
