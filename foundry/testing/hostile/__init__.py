"""A corpus of hostile files: what somebody might put into a checkpoint, a run, a model, an experiment or a data set.

Each kind is a table of `Hostile` by name. Plant one into something whole, run what is to be tested (see
`foundry.testing.confinement`), and look whether the canary exists:

    CHECKPOINTS["a pickle named state.json"].plant(run.checkpoint(10), workspace / "canary")
"""

from __future__ import annotations

from foundry.testing.hostile.checkpoints import checkpoints, extra_files
from foundry.testing.hostile.item import Hostile

CHECKPOINTS: dict[str, Hostile] = {item.name: item for item in checkpoints()}
"""Planted into a checkpoint folder; none of them may be used."""
EXTRA_FILES: dict[str, Hostile] = {item.name: item for item in extra_files()}
"""Put beside the files of a whole checkpoint, which may be used; they may not."""
