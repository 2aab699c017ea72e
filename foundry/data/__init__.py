"""Source text becomes documents, tokens on disk, fixed-length blocks, and the batch of step k.

`DataProcessor(config).prepare()` does all of it once and keeps the result in a cache; everything after that reads
memory-mapped token files. The modules in the order in which text passes through them:

`sources` (where it comes from, and the identity of what stands there), `git_documents`, `text_documents` and
`saved_datasets` (documents), `spool` and `split` (training and validation side), `tokenizers`, `packing` (token files),
`blocks`, `batches`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundry.lazy import lazy_names

if TYPE_CHECKING:
    from foundry.data.batches import Batch, BatchOrder, BatchSource
    from foundry.data.blocks import BlockDataset
    from foundry.data.processor import DataProcessor, PreparedData
    from foundry.data.sources import source_identity
    from foundry.data.tokenizers import Tokenizer, load_tokenizer

__all__ = [
    "Batch",
    "BatchOrder",
    "BatchSource",
    "BlockDataset",
    "DataProcessor",
    "PreparedData",
    "Tokenizer",
    "load_tokenizer",
    "source_identity",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Batch": "batches",
        "BatchOrder": "batches",
        "BatchSource": "batches",
        "BlockDataset": "blocks",
        "DataProcessor": "processor",
        "PreparedData": "processor",
        "Tokenizer": "tokenizers",
        "load_tokenizer": "tokenizers",
        "source_identity": "sources",
    },
)
