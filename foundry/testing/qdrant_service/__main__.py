"""The service as a process: serves until its standard input ends, which it does when whoever started it is gone."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from foundry.testing.qdrant_service.server import HOST, Server


def main() -> None:
    """Serve, and print the port as soon as that begins."""
    parser = argparse.ArgumentParser(prog="python -m foundry.testing.qdrant_service", description=__doc__)
    parser.add_argument("--port", type=int, default=0, metavar="N", help=f"port on {HOST} (one that is free)")
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="keeps the points")
    options = parser.parse_args()
    server = Server(options.port, options.folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
