"""The share of problems that are solved when k samples may be tried."""

from __future__ import annotations

import math


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that of `k` samples, drawn without return from `n` of which `c` are right, at least one is right.

    1 - C(n - c, k) / C(n, k), as the product that stays within floating point for any n: Chen et al. 2021, "Evaluating
    Large Language Models Trained on Code", equation 1 and figure 3.

    Raises:
        ValueError: not 0 <= c <= n, or not 1 <= k <= n.
    """
    if not 0 <= c <= n:
        raise ValueError(f"right samples ({c}) must be between 0 and all samples ({n})")
    if not 1 <= k <= n:
        raise ValueError(f"k ({k}) must be between 1 and all samples ({n})")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))
