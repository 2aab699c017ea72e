"""What a folder of prepared data says of itself, read without anything heavy.

An experiment names such a folder in `data.prepared`. What it holds is known by its description, in which every file
stands with its SHA-256; that the files are those is checked before they are used, see `foundry.data.processor`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from foundry.errors import UserError
from foundry.untrusted import read_json, shown

STATISTICS_FILE = "statistics.json"
MAX_STATISTICS_BYTES = 16_000_000
"""A larger file was not written by a build, and is not read."""


@dataclass(frozen=True)
class PreparedDescription:
    """Prepared data in a few words.

    Attributes:
        block_size: tokens in a block.
        vocab_size: token numbers are below this.
        digests: SHA-256 of each file, by its name in the folder.
    """

    block_size: int
    vocab_size: int
    digests: dict[str, str]


def read_description(folder: Path) -> PreparedDescription:
    """What the folder that `data.prepared` names says of itself.

    Raises:
        UserError: there is no prepared data.
    """
    try:
        content = read_json(folder.expanduser() / STATISTICS_FILE, MAX_STATISTICS_BYTES)
        digests = {str(name): str(entry["sha256"]) for name, entry in content["files"].items()}
        return PreparedDescription(int(content["block_size"]), int(content["vocab_size"]), digests)
    except (FileNotFoundError, NotADirectoryError):
        problem = f"{STATISTICS_FILE} is missing"
    except OSError as error:
        problem = f"{STATISTICS_FILE} cannot be read: {error.strerror}"
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        problem = f"{STATISTICS_FILE} is no description of it: {shown(str(error))}"
    raise UserError(f"data.prepared: {folder} holds no prepared data ({problem}); name the folder that was tokenized")


def prepared_identity(folder: Path, block_size: int) -> str:
    """A string that changes with everything that the folder holds, and not with its place.

    Raises:
        UserError: there is no prepared data, or its blocks have another length than `block_size`.
    """
    described = read_description(folder)
    if described.block_size != block_size:
        raise UserError(
            f"data.max_sequence_length ({block_size}) must equal the length of the sequences in data.prepared "
            f"({described.block_size} in {folder})"
        )
    decisive = [described.block_size, described.vocab_size, sorted(described.digests.items())]
    return f"data.prepared:{hashlib.sha256(json.dumps(decisive).encode()).hexdigest()}"
