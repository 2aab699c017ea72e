"""What a corpus holds that an earlier run has not seen, and the old documents that are shown again beside it.

A document is known by the keyed hash of its content, as for the split: a file that was only renamed is not new, one
that was changed is, and neither the order of commits nor their ids count. Each run keeps the hashes of all documents
that were trained on, and of all that were held out, by itself and by the runs that it was grown from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foundry.config import ExperimentConfig
from foundry.data.documents import AnyDocument, Skipped
from foundry.data.progress import Progress, Report
from foundry.data.sources import document_sources
from foundry.data.split import Documents, Hashes, Side
from foundry.data.spool import DocumentSpool, content_hash_of
from foundry.errors import FoundryError, UserError
from foundry.files import sha256_of

DOCUMENTS_FOLDER = "documents"
TRAINED_NAME = f"{DOCUMENTS_FOLDER}/trained.hashes"
HELD_OUT_NAME = f"{DOCUMENTS_FOLDER}/held_out.hashes"
_NONE: Hashes = np.empty(0, dtype=np.uint64)


@dataclass(frozen=True)
class KnownDocuments:
    """The documents that a run and those before it have seen, by ascending hashes, each once.

    Attributes:
        trained: of training documents, shape (documents,).
        held_out: of validation documents, shape (documents,).
    """

    trained: Hashes
    held_out: Hashes

    @classmethod
    def of(cls, training: Documents, validation: Documents | None) -> KnownDocuments:
        """Those of the two sides of a corpus."""
        return cls(np.unique(training.hashes()), _NONE if validation is None else np.unique(validation.hashes()))

    @classmethod
    def read(cls, folder: Path) -> KnownDocuments:
        """What `write` has put into `folder`.

        Raises:
            ValueError: a file is no list of hashes.
        """
        return cls(*(np.frombuffer((folder / name).read_bytes(), "<u8") for name in (TRAINED_NAME, HELD_OUT_NAME)))

    def write(self, folder: Path) -> None:
        """Put the hashes into two files below `folder`, 8 bytes each, the lowest byte first."""
        (folder / DOCUMENTS_FOLDER).mkdir()
        for name, hashes in ((TRAINED_NAME, self.trained), (HELD_OUT_NAME, self.held_out)):
            (folder / name).write_bytes(hashes.astype("<u8").tobytes())

    def and_also(self, training: Hashes, validation: Hashes) -> KnownDocuments:
        """These and others."""
        return KnownDocuments(np.union1d(self.trained, training), np.union1d(self.held_out, validation))

    def lacks(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of `hashes` are those of documents that nobody has seen, shape as given."""
        return ~np.isin(hashes, self.trained) & ~np.isin(hashes, self.held_out)


@dataclass(frozen=True)
class Increment:
    """What a run that grows from an earlier one needs to know of it.

    Attributes:
        origin: the fingerprint of the earlier run; with the seed it decides which old documents are shown again.
        known: the documents that it has seen.
        tokenizer: the folder of its tokenizer.
        context: bytes of old training documents for each byte of new ones.
    """

    origin: str
    known: KnownDocuments
    tokenizer: Path
    context: float

    @property
    def digest(self) -> str:
        """SHA-256 over all that decides the tokens."""
        digest = hashlib.sha256(f"{self.origin} {self.context!r}\n".encode())
        for hashes in (self.known.trained, self.known.held_out):
            digest.update(f"{len(hashes)}\n".encode() + hashes.astype("<u8").tobytes())
        for path in sorted(self.tokenizer.iterdir()):
            digest.update(f"{sha256_of(path)} {path.name}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Chosen:
    """The documents of a spool whose hashes are among `wanted`."""

    spool: DocumentSpool
    wanted: Hashes

    def __iter__(self) -> Iterator[AnyDocument]:
        chosen = zip(self._mask(), self.spool, strict=True)
        return (document for is_chosen, (_, document) in chosen if is_chosen)

    @property
    def num_bytes(self) -> int:
        """Bytes of the documents' contents."""
        return int(self.spool.sizes[self._mask()].sum())

    def hashes(self) -> Hashes:
        """The documents' hashes, shape (documents,)."""
        return self.spool.hashes[self._mask()]

    def _mask(self) -> npt.NDArray[np.bool_]:
        return np.isin(self.spool.hashes, self.wanted)


@dataclass(frozen=True)
class GrownSides:
    """What a grown run is trained on and measured by.

    Attributes:
        training: the new documents and the old ones that are shown again.
        validation: held out by the earlier runs, or new; None without validation.
        new: the part of `training` that is new.
        context: the part of `training` that is old.
        known: all that has been seen when the run is done.
    """

    training: Chosen
    validation: Documents | None
    new: Chosen
    context: Chosen
    known: KnownDocuments


def num_new_documents(config: ExperimentConfig, known: KnownDocuments, report: Report | None) -> int:
    """How many documents of the corpus, equal ones counted once, nobody has seen; nothing is written.

    Args:
        config: the experiment, with its git revision resolved. Of a corpus that is divided already, the side that
            trains counts.

    Raises:
        UserError: the corpus cannot be read.
    """
    documents = document_sources(config)[0].documents(Skipped(), Progress(report))
    seed = config.random_seed
    hashes = np.fromiter((content_hash_of(document, seed) for document in documents), dtype=np.uint64)
    return int(known.lacks(np.unique(hashes)).sum())


def grown_sides(spools: Sequence[DocumentSpool], increment: Increment, validates: bool) -> GrownSides:
    """Divide a corpus that has grown.

    What was held out stays held out, and a new document is held out where its hash is not above all that were: with
    the same chance as in the first run. One new document trains in any case.

    Args:
        spools: the corpus; or its training and its validation side, where it came divided.

    Raises:
        FoundryError: nothing is new.
        UserError: no document is left to validate by.
    """
    corpus, known = spools[0], increment.known
    present = np.unique(corpus.hashes)
    new = present[known.lacks(present)]
    if not len(new):
        raise FoundryError("the corpus holds nothing new any more; launch again")
    if len(spools) == 2:
        training, held_out = new, np.unique(spools[1].hashes)
        validation: Documents | None = Side(spools[1])
    else:
        old_held_out = present[np.isin(present, known.held_out)]
        training, held_out = _divided(new, known.held_out, old_held_out) if validates else (new, _NONE)
        validation = Chosen(corpus, held_out) if validates else None
    context = _context(corpus, training, increment)
    return GrownSides(
        training=Chosen(corpus, np.union1d(training, context)),
        validation=validation,
        new=Chosen(corpus, training),
        context=Chosen(corpus, context),
        known=known.and_also(training, held_out),
    )


def _divided(new: Hashes, all_held_out: Hashes, old_held_out: Hashes) -> tuple[Hashes, Hashes]:
    """The new documents that train, and all documents of the corpus that validate."""
    num_held_out = int(np.searchsorted(new, all_held_out.max(initial=0), side="right"))
    if num_held_out == 0 and not len(old_held_out):
        num_held_out = 1
    num_held_out = min(num_held_out, len(new) - 1)
    held_out = np.union1d(old_held_out, new[:num_held_out])
    if not len(held_out):
        raise UserError(
            "the corpus holds none of the earlier run's validation documents any more, and one new document alone, "
            "so none is left to validate by: add more, or train without --incremental"
        )
    return new[num_held_out:], held_out


def _context(corpus: DocumentSpool, new: Hashes, increment: Increment) -> Hashes:
    """Old training documents, drawn one after another until they have their share of the new ones' bytes."""
    num_bytes = increment.context * Chosen(corpus, new).num_bytes
    known = increment.known
    hashes, group = np.unique(corpus.hashes, return_inverse=True)
    sizes = np.bincount(group, weights=corpus.sizes)
    is_old = np.isin(hashes, known.trained) & ~np.isin(hashes, known.held_out)
    hashes, sizes = hashes[is_old], sizes[is_old]
    order = np.argsort([_lot(int(content_hash), increment.origin) for content_hash in hashes], kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    drawn: Hashes = np.sort(hashes[order[before < num_bytes]])
    return drawn


def _lot(content_hash: int, origin: str) -> int:
    """A number as good as random, another for each growth, so that old documents take turns."""
    return int.from_bytes(hashlib.blake2b(f"{content_hash} {origin}".encode(), digest_size=7).digest(), "little")
