"""Is there a key, does the service accept it, and may it write where the experiment wants it to?"""

from __future__ import annotations

from typing import Any

from foundry.wandb_client.problems import NotThere, server


def check(request: dict[str, Any], *_: Any) -> dict[str, Any]:
    """The entity that runs and models belong to.

    Args:
        request: `entity`: the one that the experiment names, or None.

    Returns:
        `entity`, and `members`: the entities that the key is known to belong to.

    Raises:
        NotThere: the key has no default entity, and none is named.
    """
    import wandb

    api = wandb.Api()
    viewer = api.viewer
    entity = request["entity"] or api.default_entity
    if not entity:
        raise NotThere(f"the API key has no default entity at {server()}: set wandb.entity to your user or team")
    return {"entity": entity, "members": sorted({api.default_entity, viewer.username, *viewer.teams} - {None, ""})}
