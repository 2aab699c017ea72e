"""Behave hooks: a fresh workspace for each scenario, and capability tags."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from behave.model import Scenario
from behave.runner import Context

from foundry.testing.world import World


def before_scenario(context: Context, scenario: Scenario) -> None:
    workspace = Path(tempfile.mkdtemp(prefix="foundry-")).resolve()
    context.world = World(workspace)
    context.origin = Path.cwd()
    os.chdir(workspace)


def after_scenario(context: Context, scenario: Scenario) -> None:
    os.chdir(context.origin)
    if scenario.status.name == "passed":
        shutil.rmtree(context.world.workspace)
    else:
        print(f"workspace kept: {context.world.workspace}")
