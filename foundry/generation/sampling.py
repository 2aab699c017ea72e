"""The next-token rule: from the logits of one position to one token.

Shape suffixes: V vocabulary, C candidates that the rule keeps.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from foundry.errors import FoundryError, UserError

HIGHEST_TEMPERATURE = 2.0


@dataclass(frozen=True)
class SamplingRule:
    """How a token is chosen: the filters apply in the order temperature, `top_k`, `top_p`.

    Attributes:
        temperature: divides the logits, 0 to 2; 0 takes the likeliest token.
        top_k: draw among the k likeliest tokens; 0 or None means all, and so does a k above the vocabulary.
        top_p: draw among the likeliest tokens that together reach this probability, at least one; None or 1 means all
            (Holtzman et al. 2020, section 3.1).

    Raises:
        UserError: a value is out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= HIGHEST_TEMPERATURE:
            raise UserError(f"temperature {self.temperature}: must be between 0 (greedy) and {HIGHEST_TEMPERATURE:g}")
        if self.top_k is not None and self.top_k < 0:
            raise UserError(f"top_k {self.top_k}: must be 1 or more, or 0 for the whole vocabulary")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UserError(f"top_p {self.top_p}: must be above 0 and at most 1; leave it out for the whole vocabulary")

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken, without chance."""
        return self.temperature == 0 or self.top_k == 1


def next_token(logits_V: Tensor, rule: SamplingRule, generator: torch.Generator | None) -> int:
    """The token that the rule chooses. Among equal logits, the lowest token number comes first.

    Args:
        logits_V: unnormalised log-probabilities; minus infinity forbids a token.
        generator: where random numbers come from, on the CPU, one for each token that is not chosen greedily; None
            takes torch's global one.

    Raises:
        FoundryError: a logit is NaN or infinite, or every token is forbidden.
    """
    highest, likeliest = logits_V.max(dim=0)
    if not math.isfinite(float(highest)):
        raise FoundryError(
            f"the model's highest logit is {float(highest)}: its weights are damaged or its training diverged"
        )
    if rule.greedy:
        return int(likeliest)
    logits_V = logits_V.to("cpu", torch.float64)
    tokens_C, probabilities_C = candidates(logits_V, rule)
    cumulative_C = probabilities_C.cumsum(0)
    threshold = torch.rand((), dtype=torch.float64, generator=generator) * cumulative_C[-1]
    index = int(torch.searchsorted(cumulative_C, threshold, right=True))
    return int(tokens_C[min(index, len(tokens_C) - 1)])


def candidates(logits_V: Tensor, rule: SamplingRule) -> tuple[Tensor, Tensor]:
    """The tokens that may be drawn under a rule that is not greedy, ascending, and their probabilities."""
    tokens_C = _likeliest(logits_V, rule.top_k) if rule.top_k else torch.arange(len(logits_V))
    if rule.top_p is not None and rule.top_p < 1:
        tokens_C = _by_likelihood(logits_V, tokens_C)
        probabilities_C = _probabilities(logits_V[tokens_C], rule.temperature)
        mass_before_C = probabilities_C.cumsum(0) - probabilities_C
        tokens_C = tokens_C[mass_before_C < rule.top_p]
    tokens_C = tokens_C.sort().values
    return tokens_C, _probabilities(logits_V[tokens_C], rule.temperature)


def random_generator(seed: int, sample: int) -> torch.Generator:
    """The source of random numbers for one sample of one prompt: nothing else in a batch has a part in it."""
    digest = hashlib.sha256(f"{seed}/{sample}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _likeliest(logits_V: Tensor, k: int) -> Tensor:
    k = min(k, len(logits_V))
    lowest_kept = torch.topk(logits_V, k).values[-1]
    tokens = torch.nonzero(logits_V >= lowest_kept).squeeze(1)
    return _by_likelihood(logits_V, tokens)[:k]


def _by_likelihood(logits_V: Tensor, tokens_C: Tensor) -> Tensor:
    """Tokens by falling logit; equal ones keep their order."""
    return tokens_C[torch.sort(logits_V[tokens_C], descending=True, stable=True).indices]


def _probabilities(logits_C: Tensor, temperature: float) -> Tensor:
    return torch.softmax((logits_C - logits_C.max()) / temperature, dim=0)
