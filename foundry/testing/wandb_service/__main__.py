"""The service as a command, for a shell or a suite that is not written in Python."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from foundry.errors import UserError
from foundry.testing.wandb_service.service import HOST, WandbService

EXAMPLES = """\
examples:
  python -m foundry.testing.wandb_service
      serve on a port that the system chooses, keep the files in a temporary folder
  python -m foundry.testing.wandb_service --port 8090 --folder service > variables.sh &
  . ./variables.sh && foundry train experiment.yaml
      let the commands of this shell publish to it

The lines that it prints point the client at the service alone. What it holds is gone when it ends, but for the files
in the folder. Ctrl-C, or SIGTERM, ends it: with 0, or with 1 when a client asked for what the service does not know.
"""


class _Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"wandb_service: {message} (see --help)", file=sys.stderr)
        sys.exit(UserError.exit_code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM: 0, or 1 when a client asked for what the service does not know.

    Args:
        arguments: the options; None means those of the command line.

    Raises:
        SystemExit: 2, an option has a bad value.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    ended = _ended_by_signal()
    with _folder(options.folder) as folder:
        try:
            service = WandbService(folder / "service", entity=options.entity, port=options.port)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            parser.error(f"{HOST}:{options.port} cannot be listened on: {reason}; choose another --port")
        for name, value in service.environment(folder / "client").items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        print(f"serving {service.url} as the entity {options.entity}; Ctrl-C ends it", file=sys.stderr, flush=True)
        ended.wait()
        service.stop()
        for problem in service.problems:
            print(f"unknown to the service: {problem}", file=sys.stderr)
        return 1 if service.problems else 0


def _ended_by_signal() -> threading.Event:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended


@contextlib.contextmanager
def _folder(named: Path | None) -> Iterator[Path]:
    if named is not None:
        yield named.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="wandb-service-") as made:
        yield Path(made)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m foundry.testing.wandb_service",
        description="A stand-in of Weights & Biases on this machine, for tests: no account, no network.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="port on 127.0.0.1 (one that is free)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keeps what clients upload (a temporary folder)")
    parser.add_argument("--entity", default="team", metavar="NAME", help="owner of all projects (team)")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number below 65536")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
