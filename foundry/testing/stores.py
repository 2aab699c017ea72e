"""Artifact stores that go wrong, or keep watch; each drives the real local store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from foundry.artifacts.local import LocalStore
from foundry.artifacts.store import Bundle
from foundry.errors import FoundryError
from foundry.testing.faults import flip_byte


class WatchingStore(LocalStore):
    """Writes down what `look` sees whenever the trainer asks something of the store."""

    def __init__(self, root: Path, look: Callable[[], list[str]]) -> None:
        super().__init__(root)
        self.look = look
        self.seen: list[tuple[str, list[str]]] = []

    def publish(self, bundle: Bundle) -> str:
        """Publish as the local store does."""
        self.seen.append(("publish", self.look()))
        return super().publish(bundle)

    def confirmed_digests(self, location: str, bundle: Bundle) -> dict[str, str]:
        """Confirm as the local store does."""
        self.seen.append(("confirm", self.look()))
        return super().confirmed_digests(location, bundle)


class SilentStore(LocalStore):
    """Stores everything, and does not answer when it is asked what it holds."""

    def confirmed_digests(self, location: str, _bundle: Bundle) -> dict[str, str]:
        """Fail, as a store does that cannot be reached."""
        raise FoundryError(f"{location}: the store does not answer")


class DamagingStore(LocalStore):
    """Stores everything, then loses one bit of the weights."""

    def publish(self, bundle: Bundle) -> str:
        """Publish as the local store does, and flip a bit of what is stored."""
        location = super().publish(bundle)
        flip_byte(Path(location) / "model.safetensors", position=-1)
        return location


class FailingStore(LocalStore):
    """Refuses the first `failures` requests to publish, as a store does that cannot be reached, and works then."""

    def __init__(self, root: Path, failures: int) -> None:
        super().__init__(root)
        self.failures = failures
        self.asked = 0

    def publish(self, bundle: Bundle) -> str:
        """Fail, or publish as the local store does."""
        self.asked += 1
        if self.asked <= self.failures:
            raise FoundryError(f"{self.root}: the store cannot be reached (request {self.asked})")
        return super().publish(bundle)


class SlowStore(LocalStore):
    """Takes `seconds` before it publishes, and as long before it confirms."""

    def __init__(self, root: Path, seconds: float) -> None:
        super().__init__(root)
        self.seconds = seconds

    def publish(self, bundle: Bundle) -> str:
        """Wait, then publish as the local store does."""
        time.sleep(self.seconds)
        return super().publish(bundle)

    def confirmed_digests(self, location: str, bundle: Bundle) -> dict[str, str]:
        """Wait, then confirm as the local store does."""
        time.sleep(self.seconds)
        return super().confirmed_digests(location, bundle)
