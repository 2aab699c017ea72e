"""Reads commits in two processes where that pays: this one and another, each with a git of its own.

This one also does what else there is to do, meanwhile, and so reads a few commits less. Each reads neighbouring
commits, from the newest to the oldest: git builds old versions of a file from newer ones, and has those still at hand.
The lines stand in a file of their process, from which they are put together in order.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import foundry
from foundry.data.git import READ_SIZE
from foundry.data.isolated_git import IsolatedGit
from foundry.data.progress import Progress
from foundry.errors import FoundryError
from foundry.pipeline.config import RedactConfig
from foundry.pipeline.records import as_line
from foundry.pipeline.scraping.commit_records import Reading, Wanted

MIN_COMMITS_FOR_TWO = 1_000
"""Below it, starting another process takes longer than it saves."""
SHARE_OF_THE_OTHER = 0.53
"""Of the commits; older ones, whose files are fewer and smaller."""


@dataclass(frozen=True)
class Request:
    """What one process is asked to do; it travels as JSON.

    Attributes:
        git: the three parts of an `IsolatedGit`.
        redact: the settings of redaction, as plain values.
        wanted: a file with a commit a line.
        lines: the file that is to hold their records, in the same order.
        lengths: the file that is to hold the number of bytes of each line.
    """

    git: tuple[str, str, str]
    redact: dict[str, object]
    max_patch_lines: int
    wanted: str
    lines: str
    lengths: str

    def fulfil(self, progress: Progress, num_commits: int) -> None:
        """Read the commits, and write their records.

        Args:
            num_commits: those of all processes, for the numbers that progress shows.

        Raises:
            FoundryError: git failed.
        """
        folder, objects, shown_as = self.git
        git = IsolatedGit(Path(folder), Path(objects), shown_as)
        reading = Reading(git, RedactConfig.model_validate(self.redact), self.max_patch_lines)
        wanted = [Wanted(*json.loads(line)) for line in Path(self.wanted).read_text(encoding="ascii").splitlines()]
        lengths = array.array("Q")
        with Path(self.lines).open("wb", buffering=READ_SIZE) as stream:
            for number, record in enumerate(reading.records(wanted), start=1):
                lengths.append(stream.write(as_line(record).encode("ascii")))
                progress.update(f"reading commits: {number * num_commits // len(wanted):,} of {num_commits:,}")
        Path(self.lengths).write_bytes(lengths.tobytes())

    def results(self) -> Iterator[bytes]:
        """The lines, the last one first."""
        lengths = array.array("Q", Path(self.lengths).read_bytes())
        with Path(self.lines).open("rb") as stream:
            end = sum(lengths)
            for length in reversed(lengths):
                end -= length
                stream.seek(end)
                yield stream.read(length)


def read_in_parts(
    git: IsolatedGit,
    redact: RedactConfig,
    max_patch_lines: int,
    wanted: Sequence[Wanted],
    folder: Path,
    progress: Progress,
    meanwhile: Callable[[], None],
) -> Iterator[bytes]:
    """The lines of the commits, in their order.

    Args:
        folder: takes the files of the processes; whoever asked removes it.
        meanwhile: is done while another process is already reading.

    Raises:
        FoundryError: git failed.
    """
    is_shared = len(wanted) >= MIN_COMMITS_FOR_TWO and (os.cpu_count() or 1) > 1
    num_others = int(SHARE_OF_THE_OTHER * len(wanted))
    requests = []
    for part, commits in enumerate([wanted[:num_others], wanted[num_others:]] if is_shared else [wanted]):
        request = Request(
            (str(git.folder), str(git.objects), git.shown_as),
            redact.model_dump(mode="json"),
            max_patch_lines,
            *(str(folder / f"{name}-{part}") for name in ("wanted", "lines", "lengths")),
        )
        lines = "".join(json.dumps(commit) + "\n" for commit in reversed(commits))
        Path(request.wanted).write_text(lines, encoding="ascii")
        requests.append(request)
    _fulfil_all(requests, progress, len(wanted), meanwhile)
    return (line for request in requests for line in request.results())


def _fulfil_all(
    requests: Sequence[Request], progress: Progress, num_commits: int, meanwhile: Callable[[], None]
) -> None:
    """The last one here, those before it in processes of their own."""
    with contextlib.ExitStack() as others:
        processes = [others.enter_context(_process(request)) for request in requests[:-1]]
        meanwhile()
        requests[-1].fulfil(progress, num_commits)
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
