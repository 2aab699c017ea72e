"""What a scenario needs of the machine or of the user's will, by its tags, and why it cannot run without it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from foundry.acceptance.checks.check import Check
from foundry.acceptance.checks.gpu import check_gpu
from foundry.acceptance.checks.machine import check_network
from foundry.acceptance.checks.programs import check_chromium
from foundry.acceptance.checks.wandb_login import check_cloud


@dataclass(frozen=True)
class Capability:
    """Something that not every machine has, or not every run asks for.

    Attributes:
        tag: of the scenarios that need it.
        need: the first words of the reason for which such a scenario is skipped.
        check: looks for it; None where it is only a matter of what is asked for.
        must_be_selected: its scenarios run only when the tag expression names the tag.
        has_stand_in: its scenarios run with a stand-in on this machine unless the tag expression names the tag.
    """

    tag: str
    need: str
    check: Callable[[], Check] | None = None
    must_be_selected: bool = False
    has_stand_in: bool = False

    def is_asked_for(self, selection: str) -> bool:
        """Whether scenarios may need it that the tag expression `selection` selects."""
        return self.tag in _named(selection) or not (self.must_be_selected or self.has_stand_in)

    def missing(self, selection: str) -> str | None:
        """Why its scenarios do not run here, or None where they do."""
        if not self.is_asked_for(selection):
            return None if self.has_stand_in else f"{self.need}: runs when it is selected with --tags=@{self.tag}"
        check = _checked(self)
        return None if check is None or check.is_ok else f"{self.need}: {check.reason}"


CAPABILITIES = {
    capability.tag: capability
    for capability in (
        Capability("gpu", "needs a CUDA GPU", check_gpu),
        Capability("browser", "needs a Chromium", check_chromium),
        Capability("network", "needs the network", check_network, must_be_selected=True),
        Capability("slow", "takes minutes", must_be_selected=True),
        Capability("wandb_cloud", "needs an account of Weights & Biases", check_cloud, has_stand_in=True),
    )
}


def missing_capability(tags: Iterable[str], selection: str) -> str | None:
    """Why a scenario with `tags` does not run here, or None where it does.

    The pre-flight table of a run shows the same checks, so that both give the same reason.

    Args:
        selection: the tag expression of the run.
    """
    carried = set(tags)
    reasons = (it.missing(selection) for it in CAPABILITIES.values() if it.tag in carried)
    return next((reason for reason in reasons if reason is not None), None)


def runs_in_the_cloud(tags: Iterable[str], selection: str) -> bool:
    """Whether a scenario with `tags` meets the real Weights & Biases, not a service on this machine."""
    cloud = CAPABILITIES["wandb_cloud"]
    return cloud.tag in tags and cloud.is_asked_for(selection)


def _named(selection: str) -> list[str]:
    """The tags that a tag expression names, but for those that it rules out."""
    return re.findall(r"[\w.:-]+", re.sub(r"\bnot\W+[\w.:-]+", "", selection))


@functools.cache
def _checked(capability: Capability) -> Check | None:
    """What was found of a capability, looked for once in a process."""
    return capability.check() if capability.check else None
