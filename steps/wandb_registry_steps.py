"""The registry that scenarios publish to and fetch from."""

from __future__ import annotations

from behave import given
from behave.runner import Context

from foundry.acceptance.capabilities import runs_in_the_cloud
from foundry.testing.registry import Registry


@given("a Weights & Biases service")
def a_wandb_service(context: Context) -> None:
    registry, folder = context.world.of(Registry), context.world.workspace / ".registry"
    context.world.ending.callback(registry.close)
    if runs_in_the_cloud(context.tags, str(context.config.tag_expression)):
        registry.open_in_the_cloud(folder)
    else:
        registry.open_here(folder)
