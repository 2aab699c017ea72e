"""Scraping a history with its diffs beside plain git and PyDriller, and the memory that a long history takes.

    python benchmarks/scraping.py [--commits 20000] [--rounds 5] [--memory 100000] [--peer-commits 1000]

The peers take turns on one repository, which is made for it; each scrape starts from nothing and writes all records to
disk, with and without redaction; git writes its patches to nowhere. The ratios are medians of those within a round.
PyDriller reads the newest commits alone, with their modified files and diffs, and is counted by the commit.
Targets: at most 1.5 times git's time, and at least ten times PyDriller's rate.

The memory is that of a scrape of a long history by a process of its own: the most that it and the processes that it
starts held at once, git's among them, where pages that they share are counted once; target: at most 300 MB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from foundry.data.git import GitRepository
from foundry.data.progress import Progress
from foundry.pipeline.config import RedactConfig, ScrapeConfig
from foundry.pipeline.scraping.history import scrape
from foundry.testing.big_histories import big_history

NO_REDACTION = RedactConfig(secrets=False, emails="keep")
SECONDS_BETWEEN_LOOKS = 0.2
GIT, PEER = "git log --all -p --raw", "PyDriller"


def scrape_anew(repository: Path, folder: Path, redact: RedactConfig) -> None:
    """Scrape into a folder that holds nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    opened = GitRepository.open(repository, repository.name)
    scrape(opened, ScrapeConfig(), redact, folder / "history", Progress(None))


def read_with_git(repository: Path) -> None:
    """Every commit with its patch, as git prints it."""
    command = ["git", "--git-dir", str(repository), "log", "--all", "-p", "--raw"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def read_with_pydriller(repository: Path, num_commits: int) -> None:
    """The newest commits, with the diff of each modified file."""
    from pydriller import Repository

    command = ["git", "--git-dir", str(repository), "rev-list", f"--max-count={num_commits}", "main"]
    ids = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for commit in Repository(str(repository), only_commits=ids).traverse_commits():
        assert all(file.diff is not None for file in commit.modified_files)


def compare(repository: Path, num_commits: int, peer_commits: int, rounds: int) -> None:
    """Let the peers take turns, and print what they took for each thousand commits."""
    with tempfile.TemporaryDirectory() as name:
        peers: dict[str, tuple[Callable[[], None], int]] = {
            GIT: (lambda: read_with_git(repository), num_commits),
            "foundry, no redaction": (lambda: scrape_anew(repository, Path(name), NO_REDACTION), num_commits),
            "foundry": (lambda: scrape_anew(repository, Path(name), RedactConfig()), num_commits),
            PEER: (lambda: read_with_pydriller(repository, peer_commits), peer_commits),
        }
        seconds: dict[str, list[float]] = {peer: [] for peer in peers}
        processor: dict[str, list[float]] = {peer: [] for peer in peers}
        for number in range(rounds):
            for peer in list(peers) if number % 2 else reversed(peers):
                read, count = peers[peer]
                started, begun = time.perf_counter(), sum(os.times()[:4])
                read()
                seconds[peer].append((time.perf_counter() - started) / count * 1000)
                processor[peer].append((sum(os.times()[:4]) - begun) / count * 1000)
            print(f"  round {number + 1}: " + ", ".join(f"{peer} {taken[-1]:.3f}" for peer, taken in seconds.items()))
    for title, figures in (("seconds", seconds), ("processor seconds", processor)):
        print(f"  {title + ' a thousand commits':36}{'median':>8}{'x git':>8}{'x faster than PyDriller':>26}")
        for peer, taken in figures.items():
            of_git, of_peer = ratio(taken, figures[GIT]), ratio(figures[PEER], taken)
            print(f"  {peer:36}{statistics.median(taken):8.3f}{of_git:8.2f}{of_peer:26.1f}")


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def peak_memory(repository: Path, folder: Path) -> None:
    """Print the most that a scrape in a process of its own held, alone and with the processes that it started."""
    command = [sys.executable, __file__, "--scrape", str(repository), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    started = time.perf_counter()
    alone = together = 0
    with subprocess.Popen(command, env=environment) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            own, all_of_them = memory_of(watched)
            alone, together = max(alone, own), max(together, all_of_them)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    size = sum(path.stat().st_size for path in folder.rglob("*"))
    print(f"  the process itself {alone / 1e6:.0f} MB; with all that it starts {together / 1e6:.0f} MB")
    print(f"  {time.perf_counter() - started:.0f} s, {size / 1e6:,.0f} MB of records; exit code {process.returncode}")


def memory_of(process: psutil.Process) -> tuple[int, int]:
    """Bytes of a process, and of it with its children; shared pages in parts, where the system tells them."""
    try:
        sizes = []
        for one in (process, *process.children(recursive=True)):
            told = one.memory_full_info()
            sizes.append(getattr(told, "pss", told.rss))
    except psutil.Error:  # one has just ended
        return 0, 0
    return sizes[0], sum(sizes)


def main() -> None:
    """Read the command line, and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, default=100_000, help="commits of the long history; 0 leaves it out")
    parser.add_argument("--peer-commits", type=int, default=1_000, help="commits that PyDriller reads")
    parser.add_argument("--scrape", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scrape:
        scrape_anew(*options.scrape, RedactConfig())
        return
    with tempfile.TemporaryDirectory() as name:
        if options.memory:
            print(f"memory at {options.memory:,} commits")
            peak_memory(big_history(Path(name) / "long.git", options.memory), Path(name) / "records")
            shutil.rmtree(Path(name) / "long.git")
        print(f"{options.commits:,} commits of one to three files, a merge every 25")
        repository = big_history(Path(name) / "sample.git", options.commits)
        compare(repository, options.commits, options.peer_commits, options.rounds)


if __name__ == "__main__":
    main()
