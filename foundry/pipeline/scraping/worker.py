"""The other process of a scrape: `python -m foundry.pipeline.scraping.worker REQUEST`, see `parts`."""

from __future__ import annotations

import json
import os
import sys
import threading

from foundry.data.progress import Progress
from foundry.errors import FoundryError
from foundry.pipeline.scraping.parts import Request


def _end_with_the_parent() -> None:
    """Standard input ends when the process that asked is gone, however it went."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def main() -> int:
    """Fulfil the request on the command line."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        Request(**json.loads(sys.argv[1])).fulfil(Progress(None), num_commits=0)
    except FoundryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
