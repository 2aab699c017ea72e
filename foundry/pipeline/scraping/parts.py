"""Reads commits in two processes where that pays: this one and another, each with a git of its own.

The commits are dealt out in blocks, so that both are done at about the same time. Each process writes its lines into a
file of its own, from which they are put together in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import foundry
from foundry.data.isolated_git import IsolatedGit
from foundry.data.progress import Progress
from foundry.errors import FoundryError
from foundry.pipeline.config import RedactConfig
from foundry.pipeline.records import as_line
from foundry.pipeline.scraping.commit_records import Reading, Wanted

COMMITS_A_BLOCK = 100
MIN_COMMITS_FOR_TWO = 1_000
"""Below it, starting another process takes longer than it saves."""


@dataclass(frozen=True)
class Request:
    """What one process is asked to do; it travels as JSON.

    Attributes:
        git: the three parts of an `IsolatedGit`.
        redact: the settings of redaction, as plain values.
        wanted: a file with a commit a line.
        lines: the file that is to hold their records.
    """

    git: tuple[str, str, str]
    redact: dict[str, object]
    max_patch_lines: int
    wanted: str
    lines: str

    def fulfil(self, progress: Progress, times: int) -> None:
        """Read the commits, and write their records.

        Args:
            times: how many processes are at work, for the numbers that progress shows.

        Raises:
            FoundryError: git failed.
        """
        folder, objects, shown_as = self.git
        git = IsolatedGit(Path(folder), Path(objects), shown_as)
        wanted = [Wanted(*json.loads(line)) for line in Path(self.wanted).read_text(encoding="ascii").splitlines()]
        reading = Reading(git, RedactConfig.model_validate(self.redact), self.max_patch_lines)
        with Path(self.lines).open("w", encoding="ascii") as stream:
            for number, record in enumerate(reading.records(wanted), start=1):
                stream.write(as_line(record))
                progress.update(f"reading commits: {times * number:,} of {times * len(wanted):,}")


def read_in_parts(
    git: IsolatedGit,
    redact: RedactConfig,
    max_patch_lines: int,
    wanted: Sequence[Wanted],
    folder: Path,
    progress: Progress,
) -> Iterator[bytes]:
    """The lines of the commits, in their order.

    Args:
        folder: takes the files of the processes; whoever asked removes it.

    Raises:
        FoundryError: git failed.
    """
    num_parts = 2 if len(wanted) >= MIN_COMMITS_FOR_TWO and (os.cpu_count() or 1) > 1 else 1
    requests = []
    for part in range(num_parts):
        of_part = [commit for number, commit in enumerate(wanted) if number // COMMITS_A_BLOCK % num_parts == part]
        requests.append(
            Request(
                (str(git.folder), str(git.objects), git.shown_as),
                redact.model_dump(mode="json"),
                max_patch_lines,
                str(folder / f"wanted-{part}"),
                str(folder / f"lines-{part}"),
            )
        )
        lines = (json.dumps(commit) + "\n" for commit in of_part)
        Path(requests[-1].wanted).write_text("".join(lines), encoding="ascii")
    _fulfil_all(requests, progress)
    return _together([Path(request.lines) for request in requests], len(wanted))


def _fulfil_all(requests: Sequence[Request], progress: Progress) -> None:
    with contextlib.ExitStack() as others:
        processes = [others.enter_context(_process(request)) for request in requests[1:]]
        requests[0].fulfil(progress, len(requests))
        for process in processes:
            assert process.stderr is not None
            said = process.stderr.read().decode(errors="replace").strip()
            if process.wait() != 0:  # its standard input stays open until here: it ends when that does
                raise FoundryError(said.rpartition("\n")[2] or f"a process ended with {process.returncode}")


@contextlib.contextmanager
def _process(request: Request) -> Iterator[subprocess.Popen[bytes]]:
    """A process that fulfils a request; it ends with this one, whose end it sees on its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "foundry.pipeline.scraping.worker", json.dumps(asdict(request))],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": _python_path()},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _python_path() -> str:
    source = str(Path(foundry.__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))


def _together(files: list[Path], num_lines: int) -> Iterator[bytes]:
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(path.open("rb")) for path in files]
        for number in range(num_lines):
            yield streams[number // COMMITS_A_BLOCK % len(streams)].readline()
