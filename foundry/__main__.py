"""The `foundry` command: runs a verb, and turns what it raises into one line and an exit code."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

import typer

from foundry.cli import app
from foundry.errors import FoundryError, UserError
from foundry.files import FAILURES_OF_THE_DISK, MISTAKES_ABOUT_FILES
from foundry.terminal import discard_output
from foundry.training.processes import EndedTogether

FAILURES_OF_THE_MACHINE = {*FAILURES_OF_THE_DISK, errno.EMFILE}
"""Operating system errors that no code can prevent, exit code 1.

`MISTAKES_ABOUT_FILES` are the user's, exit code 2; any other operating system error is a bug and keeps its traceback.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a failure, 2 the user's mistake, 130 Ctrl-C, 143 SIGTERM.

    Args:
        arguments: what follows the name of the command; None means those that this process was started with.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = app(arguments, prog_name="foundry", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        code = _say(_usage_problem(error), error.exit_code)
    except EndedTogether as end:
        code = end.exit_code
    except FoundryError as error:
        code = _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = _say("interrupted", 130)
    except BrokenPipeError:  # the reader, such as `head`, has what it wanted
        discard_output()
        code = FoundryError.exit_code
    except OSError as error:
        if error.errno not in FAILURES_OF_THE_MACHINE | MISTAKES_ABOUT_FILES:
            raise
        name = error.filename2 or error.filename
        where = f"{name}: " if name else ""
        kind = UserError if error.errno in MISTAKES_ABOUT_FILES else FoundryError
        code = _say(f"{where}{error.strerror}", kind.exit_code)
    sys.exit(code or 0)


def _say(message: str, exit_code: int) -> int:
    print(message, file=sys.stderr)
    return exit_code


def _usage_problem(error: typer.TyperException) -> str:
    """The verb, what is wrong with how it was called, and where to read more."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "foundry"
    return f"{command}: {error.format_message().rstrip('.')} (see `{command} --help`)"


if __name__ == "__main__":
    main()
