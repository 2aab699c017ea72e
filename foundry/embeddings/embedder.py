"""Runs an embedding model: texts to vectors of length 1, so that their product is the cosine of their angle."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from foundry.embeddings.batching import batches_by_length
from foundry.embeddings.model_files import SETTING, EmbeddingModelFiles
from foundry.errors import UserError
from foundry.untrusted import shown

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]
OpenEmbedder = Callable[[], "Embedder"]
"""Loads the model when it is needed: where nothing is to be embedded, that takes no time."""


class Embedder:
    """A loaded model; see `load_embedder`."""

    def __init__(self, model: SentenceTransformer) -> None:
        self.model = model

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        found = self.model.get_embedding_dimension()
        assert found is not None, "a model that gives vectors says how long they are"
        return found

    def documents(self, texts: Sequence[str], batch_size: int) -> Iterator[tuple[list[int], Vectors]]:
        """Embed texts that are to be found, those of about one length together.

        Yields:
            the places of a batch in `texts`, and its vectors of shape (batch, dimension).
        """
        readable = [_readable(text) for text in texts]
        for places in batches_by_length(self._num_tokens(readable), batch_size):
            yield places, self._encoded(self.model.encode_document, [readable[place] for place in places])

    def query(self, text: str) -> Vectors:
        """The vector of a question, of shape (dimension,)."""
        vectors = self._encoded(self.model.encode_query, [_readable(text)])
        return vectors.reshape(-1)

    def _num_tokens(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text that the model looks at."""
        if not texts:
            return []
        limit = self.model.max_seq_length
        encoded = self.model.tokenizer(list(texts), truncation=limit is not None, max_length=limit, padding=False)
        return [len(ids) for ids in encoded["input_ids"]]

    @staticmethod
    def _encoded(encode: Callable[..., Any], texts: list[str]) -> Vectors:
        vectors = encode(texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


def _readable(text: str) -> str:
    """Tokenizers take Unicode alone; bytes that were no UTF-8 (PEP 383) become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def load_embedder(files: EmbeddingModelFiles) -> Embedder:
    """The model in a folder, on the device that the library prefers; one that was just used is not loaded again.

    Raises:
        UserError: it cannot be loaded.
    """
    return _loaded(files.folder, files.digest)


@functools.lru_cache(maxsize=1)
def _loaded(folder: Path, _digest: str) -> Embedder:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # else it warns of every process that is forked later
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(
            str(folder), trust_remote_code=False, local_files_only=True, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:  # each module raises its own
        reason = shown(" ".join(str(error).split()) or type(error).__name__)
        raise UserError(f"{SETTING}: {folder} cannot be loaded: {reason}") from error
    return Embedder(model.eval())
