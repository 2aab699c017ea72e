"""A corpus of hostile files: what somebody might put into a checkpoint, a run, a model, an experiment or a data set.

Each kind is a table of `Hostile` by name. Plant one into something whole, run what is to be tested (see
`foundry.testing.confinement`), and look whether the canary exists:

    CHECKPOINTS["a pickle named state.json"].plant(run.checkpoint(10), workspace / "canary")
"""

from __future__ import annotations

from foundry.testing.hostile.checkpoints import checkpoints, extra_files
from foundry.testing.hostile.data import caches, rows, saved_datasets
from foundry.testing.hostile.experiments import experiments
from foundry.testing.hostile.item import Hostile
from foundry.testing.hostile.models import artifacts, harmless_code, hugging_face_folders, tokenizers
from foundry.testing.hostile.runs import links, metrics, records

CHECKPOINTS: dict[str, Hostile] = {item.name: item for item in checkpoints()}
"""Planted into a checkpoint folder; none of them may be used."""
EXTRA_FILES: dict[str, Hostile] = {item.name: item for item in extra_files()}
"""Put beside the files of a whole checkpoint, which may be used; they may not."""
RECORDS: dict[str, Hostile] = {item.name: item for item in records()}
"""Planted into a run folder; no launch may go on from it, or change anything in it."""
METRICS: dict[str, Hostile] = {item.name: item for item in metrics()}
"""Planted into a run folder, in place of its metrics."""
LINKS: dict[str, Hostile] = {item.name: item for item in links()}
"""Planted into a run folder; nothing may be removed, written or published where they lead."""
EXPERIMENTS: dict[str, Hostile] = {item.name: item for item in experiments()}
"""Planted in place of an experiment's file."""
ARTIFACTS: dict[str, Hostile] = {item.name: item for item in artifacts()}
"""Planted into a published model; none of them may be loaded."""
TOKENIZERS: dict[str, Hostile] = {item.name: item for item in tokenizers()}
"""Planted into the folder of a pretrained tokenizer; none of them may be loaded."""
HUGGING_FACE_FOLDERS: dict[str, Hostile] = {item.name: item for item in hugging_face_folders()}
"""Planted into a folder that `transformers` saved; none of them may be loaded."""
HARMLESS_CODE: dict[str, Hostile] = {item.name: item for item in harmless_code()}
"""Planted into a folder that `transformers` saved, which may be loaded without them."""
CACHES: dict[str, Hostile] = {item.name: item for item in caches()}
"""Planted into prepared data; it is prepared again."""
ROWS: dict[str, Hostile] = {item.name: item for item in rows()}
"""Planted in place of a `.jsonl` corpus."""
SAVED_DATASETS: dict[str, Hostile] = {item.name: item for item in saved_datasets()}
"""Planted into a folder that the `datasets` library saved."""
