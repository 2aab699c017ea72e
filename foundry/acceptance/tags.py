"""The closed list of tags that a scenario may carry."""

from __future__ import annotations

import re
from collections.abc import Iterable

SEVERITIES = ("blocker", "critical", "normal", "minor")
CAPABILITIES = ("browser", "gpu", "network", "slow", "wandb_cloud")
REQUIREMENT = re.compile(r"REQ-[A-Z]+-\d{2}")
LABEL = re.compile(r"allure\.(label\.epic|issue|link(\.\w+)?):\S+")

KNOWN_TAGS = (
    f"severity @{' @'.join(SEVERITIES)}, capability @{' @'.join(CAPABILITIES)}, requirement @REQ-AREA-01, "
    "@wip, labels @allure.label.epic:NAME @allure.issue:URL @allure.link.NAME:URL"
)


def unknown_tags(tags: Iterable[str]) -> list[str]:
    """Those of `tags` that are not on the list, sorted."""
    words = {*SEVERITIES, *CAPABILITIES, "wip"}
    return sorted({tag for tag in tags if not (tag in words or REQUIREMENT.fullmatch(tag) or LABEL.fullmatch(tag))})
