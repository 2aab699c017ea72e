"""Behave's hooks: capability tags, a fresh workspace for each scenario, and what the report shows of it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import allure
from allure_commons.types import AttachmentType
from behave.model import Scenario
from behave.runner import Context

from foundry.acceptance.capabilities import missing_capability
from foundry.acceptance.contract import ContractOptions
from foundry.acceptance.evidence import run_evidence
from foundry.errors import UserError
from foundry.testing.world import World

# The models of the scenarios are too small to share among threads; scenarios run in several processes instead.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def before_all(context: Context) -> None:
    try:
        ContractOptions.of_userdata(context.config.userdata).require_usable(Path())
    except UserError as mistake:
        print(mistake, file=sys.stderr, flush=True)
        os._exit(UserError.exit_code)  # Behave would catch whatever is raised here, and end with 1


def before_scenario(context: Context, scenario: Scenario) -> None:
    reason = missing_capability(scenario.effective_tags, str(context.config.tag_expression))
    if reason:
        scenario.skip(reason)
        return
    name = re.sub(r"\W+", "-", scenario.name.lower())[:40]
    folder = tempfile.mkdtemp(prefix=f"{name}-", dir=context.config.userdata.get("workspaces"))
    context.world = World(Path(folder).resolve())
    context.origin = Path.cwd()
    os.chdir(folder)


def after_scenario(context: Context, scenario: Scenario) -> None:
    if "world" not in context:
        return
    world: World = context.world
    has_ended = False
    try:
        world.ending.close()
        has_ended = True
    finally:
        os.chdir(context.origin)
        show(world, keep=scenario.status.has_failed() or not has_ended)


def show(world: World, keep: bool) -> None:
    """Put into the report what the steps gave it, and keep or remove the workspace."""
    for shown in [*world.attachments, *run_evidence(world.workspace)]:
        allure.attach(shown.content, shown.name, AttachmentType[shown.kind.upper()])
    if keep:
        allure.attach(str(world.workspace), "Workspace, kept on the machine that ran it", AttachmentType.TEXT)
        print(f"workspace kept: {world.workspace}")
    else:
        shutil.rmtree(world.workspace)
