"""Makes one of what the shards of a suite tell of the machines that they ran on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundry.acceptance.bundle import ENVIRONMENT_NAME
from foundry.acceptance.record import RECORD_NAME, read_record
from foundry.errors import UserError


def merged_environments(folders: Sequence[Path]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What the machines of the shards in `folders` are, with all values where they differ, and the checks of each.

    Raises:
        UserError: a folder does not tell.
    """
    machine: dict[str, dict[str, None]] = {}
    checks = []
    for folder in folders:
        record, told = read_record(folder / RECORD_NAME), _told(folder / ENVIRONMENT_NAME)
        for name, value in told["environment"].items():
            machine.setdefault(name, {})[value] = None
        checks += [{"shard": record.shard or record.modules, **check} for check in told["checks"]]
    return {name: "; ".join(values) for name, values in machine.items()}, checks


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        told = None
    if not isinstance(told, dict) or {"environment", "checks"} - told.keys():
        raise UserError(f"{path}: does not tell where the shard ran; copy the folder of the shard as a whole")
    return told
