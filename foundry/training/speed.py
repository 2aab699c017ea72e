"""How fast training goes."""

from __future__ import annotations

import time
from collections import deque

WINDOW_STEPS = 50


class Speed:
    """Tokens a second over the last steps; evaluations and checkpoints do not count as training time."""

    def __init__(self) -> None:
        self.recent: deque[tuple[float, int]] = deque(maxlen=WINDOW_STEPS)
        self.started = self.last = time.monotonic()

    def restart(self) -> None:
        """Do not count the time since the last step."""
        self.last = time.monotonic()

    def measure(self, num_tokens: int) -> float | None:
        """Count a step that has just ended; seconds a step, once two are known. The first step warms up kernels."""
        now = time.monotonic()
        self.recent.append((now - self.last, num_tokens))
        self.last = now
        steps = self._steps()
        return sum(seconds for seconds, _ in steps) / len(steps) if steps else None

    def _steps(self) -> list[tuple[float, int]]:
        return list(self.recent)[1:] if len(self.recent) < WINDOW_STEPS else list(self.recent)

    @property
    def tokens_per_second(self) -> float:
        """Over the last steps; 0 until two are known."""
        steps = self._steps()
        seconds = sum(item[0] for item in steps)
        return sum(item[1] for item in steps) / seconds if seconds > 0 else 0.0

    def figures(self) -> dict[str, float]:
        """What a metrics row says of time."""
        return {
            "seconds": round(time.monotonic() - self.started, 3),
            "tokens_per_second": round(self.tokens_per_second, 1),
        }
