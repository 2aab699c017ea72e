"""Which texts are embedded together: those of about one length, because a batch is padded to its longest."""

from __future__ import annotations

from collections.abc import Sequence


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """The places of texts in batches of at most `batch_size`, the longest first; equal lengths keep their order.

    The longest come first, so that want of memory shows at once, and the rate that a user sees only rises.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    return [order[begin : begin + batch_size] for begin in range(0, len(order), batch_size)]
