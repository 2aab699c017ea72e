"""Files that are almost copies of another one, found by MinHash (Broder 1997) and locality-sensitive hashing.

The words of a text are its names, numbers and signs; a shingle is five of them in a row. Two texts are as similar as
the share of their shingles that they have in common (Jaccard), estimated from `NUM_PERMUTATIONS` minima of hashes: with
a standard error of at most 0.03.
"""

from __future__ import annotations

import importlib.util
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foundry.errors import UserError
from foundry.pipeline.marked_documents import encodable

if TYPE_CHECKING:
    from datasketch import MinHash

NUM_PERMUTATIONS = 256
SEED = 1
SHINGLE_WORDS = 5
LEAST_RECALL = 0.99
"""The chance with which two texts at the threshold are compared at all."""
SHINGLES_AT_ONCE = 20_000

_WORDS = re.compile(r"\w+|[^\w\s]")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class NearDuplicate:
    """The number of a text that is left out, that of the one kept instead, and how similar they are, 0 to 1."""

    number: int
    kept: int
    similarity: float


def near_duplicates(texts: Iterable[str], threshold: float) -> Iterator[NearDuplicate]:
    """The texts that are at least so similar to an earlier one that is kept.

    The same texts in the same order give the same answer on every machine.

    Args:
        texts: of similar ones the first is kept.
        threshold: above 0, at most 1.

    Raises:
        UserError: the library is not installed.
    """
    if importlib.util.find_spec("datasketch") is None:
        raise UserError(
            "tokenize.near_duplicates: needs datasketch, which is not installed; `pip install 'foundry-lm[pipeline]'` "
            "does that, and null keeps every file"
        )
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=NUM_PERMUTATIONS, params=bands_for(threshold))
    kept: dict[int, MinHash] = {}
    empty = MinHash(num_perm=NUM_PERMUTATIONS, seed=SEED, hashfunc=int)
    for number, text in enumerate(texts):
        sketch = empty.copy()
        hashes = shingle_hashes(text)
        for start in range(0, len(hashes), SHINGLES_AT_ONCE):
            sketch.update_batch(hashes[start : start + SHINGLES_AT_ONCE].tolist())
        if not len(hashes):
            continue
        for earlier in sorted(index.query(sketch)):
            similarity = sketch.jaccard(kept[earlier])
            if similarity >= threshold:
                yield NearDuplicate(number, earlier, similarity)
                break
        else:
            index.insert(number, sketch)
            kept[number] = sketch


def bands_for(threshold: float) -> tuple[int, int]:
    """How many bands of how many minima: the longest ones with which texts at the threshold are hardly ever missed.

    Two texts of similarity s agree in one of b bands of r minima with the chance 1 - (1 - s^r)^b (Leskovec, Rajaraman
    and Ullman, "Mining of Massive Datasets", section 3.4.2).
    """
    for rows in range(NUM_PERMUTATIONS // 2, 0, -1):
        bands = NUM_PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= LEAST_RECALL:
            return bands, rows
    return NUM_PERMUTATIONS, 1


def shingle_hashes(text: str) -> npt.NDArray[np.uint32]:
    """The distinct hashes of the shingles of a text, shape (shingles,); a shorter text is one shingle."""
    words = _WORDS.findall(text)
    numbers = {word: zlib.crc32(encodable(word).encode()) for word in set(words)}
    hashes = np.array([numbers[word] for word in words], dtype=np.uint64)
    size = min(SHINGLE_WORDS, len(hashes))
    if size == 0:
        return np.empty(0, dtype=np.uint32)
    combined = np.zeros(len(hashes) - size + 1, dtype=np.uint64)
    for offset in range(size):
        combined = (combined ^ hashes[offset : len(hashes) - size + 1 + offset]) * _MULTIPLIER
        combined ^= combined >> np.uint64(29)
    return np.unique((combined >> np.uint64(32)).astype(np.uint32))
