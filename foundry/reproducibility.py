"""Seeds that are computed from the step, and the state of the generators."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def derived_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on every part, and on their order."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def initial_weights_seed(random_seed: int) -> int:
    """What torch's generator is seeded with before the weights of a run are drawn."""
    return derived_seed(random_seed, "initial weights")


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed what a step on `device` draws from: torch's CPU generator, and the device's own.

    `torch.manual_seed` does more: on a machine without a GPU it formats a stack trace each time, which would cost a
    small model a tenth of its step.
    """
    import torch

    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":  # gpu-only
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def rng_snapshot() -> dict[str, Any]:
    """The states of all global generators, as JSON; for code that draws outside a training step."""
    import numpy as np
    import torch

    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": _plain(random.getstate()),
        "numpy": [name, _to_text(keys.tobytes()), int(position), int(has_gauss), float(cached)],  # type: ignore[union-attr]
        "torch": _to_text(torch.get_rng_state().numpy().tobytes()),
        "cuda": [_to_text(state.numpy().tobytes()) for state in torch.cuda.get_rng_state_all()]
        if torch.cuda.is_available()
        else [],
    }


def restore_rng(snapshot: dict[str, Any]) -> None:
    """Put the global generators back into the states of `rng_snapshot`."""
    import numpy as np
    import torch

    version, internal, gauss = snapshot["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = snapshot["numpy"]
    np.random.set_state((name, np.frombuffer(_from_text(keys), dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(_to_tensor(snapshot["torch"]))
    if snapshot["cuda"] and torch.cuda.device_count() == len(snapshot["cuda"]):  # gpu-only
        torch.cuda.set_rng_state_all([_to_tensor(state) for state in snapshot["cuda"]])


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _to_text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _from_text(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _to_tensor(text: str) -> Any:
    import torch

    return torch.frombuffer(bytearray(_from_text(text)), dtype=torch.uint8)


def without_password(text: str) -> str:
    """A URL without the user and password it may hold; other text as it is."""
    return re.sub(r"://[^/@\s]*@", "://", text)
