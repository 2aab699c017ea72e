"""Small sweeps: launched here, killed in processes of their own, several at once, and read back from disk."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import psutil
import yaml

from foundry.config_file import to_yaml
from foundry.evaluation.verification import verify_run
from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.testing.forking import forked
from foundry.testing.kill_points import KillPoint, Launch, run_and_signal
from foundry.testing.processes import Command, Finished, as_shell_reports, environment_of_command
from foundry.training.lifecycle import CONFIG_NAME, METRICS_NAME, RunRecord
from foundry.training.metrics import read_metrics

SWEEP_FILE = Path("sweep.yaml")
EXPERIMENT_FILE = Path("small.yaml")
FOLDER = Path("sweeps/tries")
COMMAND = ("sweep", str(SWEEP_FILE))
TIMEOUT_SECONDS = 120
SECONDS_TO_END = 10
LEARNING_RATES = {"low": 1e-4, "high": 1e-1, "log": True}


@dataclass(frozen=True)
class PrunedRun:
    """The run of a pruned trial, before it was trained on.

    Attributes:
        step: after which it was pruned.
        is_whole: whether `foundry verify` found nothing amiss.
        is_published: whether the store held anything of it.
    """

    folder: Path
    step: int
    is_whole: bool
    is_published: bool

    @classmethod
    def look_at(cls, folder: Path) -> PrunedRun:
        """The run in `folder` as it is now."""
        is_whole = verify_run(folder, lambda _: None).is_whole
        return cls(folder, RunRecord.read(folder).steps_done, is_whole, (Path("artifacts") / folder.name).exists())


@dataclass
class Sweeps:
    """The sweep of one scenario, and what came of its launches.

    Attributes:
        experiment: settings of the small experiment, by their dotted keys.
        keys: of the sweep's file that differ from those of a sweep of four trials without pruning.
        finished: the last launch of the command.
        before: what stood in the runs that were finished before it.
        trials_before: what was reported of the trials before it.
        refusals: launches that are expected to be refused, and with which message.
        commit: that the repository stood at when the sweep was begun.
        left_running: processes that the command has started, and that run on after it.
        hosts: the folders of the hosts that work on it.
        launches: of those hosts.
    """

    experiment: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    trials_before: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[tuple[str, Finished]] = field(default_factory=list)
    commit: str = ""
    left_running: list[str] = field(default_factory=list)
    pruned: PrunedRun | None = None
    hosts: tuple[Path, ...] = ()
    launches: list[Finished] = field(default_factory=list)

    def write(self, folder: Path = Path()) -> None:
        """Put the corpus, the experiment and the sweep into a folder."""
        write_code_corpus(folder / "corpus")
        config = small_experiment(self.experiment)
        (folder / EXPERIMENT_FILE).write_text(to_yaml(config), encoding="utf-8")
        self.write_sweep(folder)

    def write_sweep(self, folder: Path = Path()) -> None:
        """Put the sweep's file alone into a folder."""
        mapping = {
            "sweep_name": "tries",
            "experiment": str(EXPERIMENT_FILE),
            "trials": 4,
            "sampler": "random",
            "parameters": {"training.learning_rate": LEARNING_RATES, "model.layers": {"values": [1, 2]}},
            "pruning": None,
            **self.keys,
        }
        (folder / SWEEP_FILE).write_text(yaml.safe_dump(mapping, sort_keys=False), encoding="utf-8")

    def launch(self, *options: str) -> None:
        """Launch the sweep in this process."""
        self.finished = run_here([*COMMAND, *options])

    def trial(self, number: int) -> dict[str, Any]:
        """One trial, by its number."""
        return by_number(self.trials)[number]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """The trials as the command reports them, best first."""
        return reported_trials()


def expect_exit(finished: Finished, exit_code: int) -> None:
    """Fail where a command ended otherwise, with all that it printed."""
    shown = f"standard output:\n{finished.stdout}\nstandard error:\n{finished.stderr}"
    assert finished.exit_code == exit_code, f"exit code {finished.exit_code} instead of {exit_code}\n{shown}"


def run_folder(trial: Mapping[str, Any]) -> Path:
    """The folder of the run of a trial that was begun."""
    return Path(trial["run_folder"])


def runs_on_disk() -> list[Path]:
    """The runs of the sweep in the current folder."""
    return sorted(path.parent for path in FOLDER.glob("*/run.json"))


def run_here(words: Sequence[str]) -> Finished:
    """The `foundry` command in this process, to its end."""
    from foundry.__main__ import main

    output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            main(list(words))
        except SystemExit as end:
            code = int(end.code or 0)
    texts = []
    for stream in (output, errors):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))
    return Finished(code, *texts)


def reported_trials(folder: Path = Path()) -> list[dict[str, Any]]:
    """What `foundry sweep --report --json` says of the sweep in a folder, best first."""
    with contextlib.chdir(folder):
        finished = run_here([*COMMAND, "--report", "--json"])
    assert finished.stdout, finished.stderr
    trials: list[dict[str, Any]] = json.loads(finished.stdout)["trials"]
    return trials


def by_number(trials: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The trials in the order in which they were handed out."""
    return sorted((dict(trial) for trial in trials), key=lambda trial: int(trial["number"]))


def signalled(point: KillPoint, signal_number: int) -> Launch:
    """Launch the sweep of the current folder in a process of its own, and send that a signal at `point`."""
    return run_and_signal(Command(COMMAND), [(point, signal_number)], Path())


def copy_of_finished_sweep() -> Sweeps:
    """Put a finished sweep of four trials, whose third was pruned, into the current folder."""
    shutil.copytree(_finished().name, Path(), dirs_exist_ok=True)
    return Sweeps(keys=dict(PRUNED))


PRUNED = {"pruning": {"startup_trials": 2, "warmup_evaluations": 1}}
"""With the seed of the small sweep, the third trial is worse than the median of the first two."""


@functools.cache
def _finished() -> tempfile.TemporaryDirectory[str]:
    template = tempfile.TemporaryDirectory(prefix="finished-sweep-")
    with contextlib.chdir(template.name):
        sweeps = Sweeps(keys=dict(PRUNED))
        sweeps.write()
        sweeps.launch("--quiet")
        assert sweeps.finished.exit_code == 0, sweeps.finished
    return template


def trials_of_finished_sweep() -> list[dict[str, Any]]:
    """The trials of the sweep that `copy_of_finished_sweep` copies."""
    return reported_trials(Path(_finished().name))


def losses_of(run_folder: Path) -> tuple[list[tuple[int, float]], float]:
    """Step and validation loss of each evaluation, as the metrics on disk have them, and the lowest loss."""
    rows = read_metrics(run_folder / METRICS_NAME)
    losses = [(row["step"], row["validation_loss"]) for row in rows if "validation_loss" in row]
    return losses, min(loss for _, loss in losses)


def steps_logged(run_folder: Path) -> int:
    """The last step in the metrics of a run."""
    return int(read_metrics(run_folder / METRICS_NAME)[-1]["step"])


def parameters_of_run(run_folder: Path, keys: Iterable[str]) -> dict[str, Any]:
    """What the run was trained with of the settings `keys`, as its own configuration has them."""
    content = yaml.safe_load((run_folder / CONFIG_NAME).read_text(encoding="utf-8"))
    return {key: functools.reduce(lambda section, name: section[name], key.split("."), content) for key in keys}


def begun_at(run_folder: Path) -> list[str]:
    """What each launch of a run said that it began with, such as `step 7 of 12 is next`."""
    return [moment.reason for moment in RunRecord.read(run_folder).history if moment.state == "training"]


def sweeps_at_once(folders: Sequence[Path]) -> list[Finished]:
    """Launch the sweep in each folder at the same time, each in a warm process of its own, and wait for all.

    Raises:
        TimeoutError: one did not end in two minutes.
    """
    with contextlib.ExitStack() as running:
        launched = [
            running.enter_context(forked(_sweep_in, folder.resolve(), number)) for number, folder in enumerate(folders)
        ]
        for process, _ in launched:
            process.join(TIMEOUT_SECONDS)
            if process.exitcode is None:
                raise TimeoutError(f"a sweep did not end within {TIMEOUT_SECONDS} s")
        codes = [process.exitcode or 0 for process, _ in launched]
    outputs = [(folder / f"output-{number}.txt").read_text() for number, folder in enumerate(folders)]
    return [Finished(code, output, "") for code, output in zip(codes, outputs, strict=True)]


def _sweep_in(_tell: object, folder: Path, number: int) -> None:
    """The sweep in a forked process, with what it prints in a file of the folder."""
    import torch

    from foundry.__main__ import main

    os.chdir(folder)
    torch.set_num_threads(1)
    with Path(f"output-{number}.txt").open("wb", buffering=0) as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    main([*COMMAND])


def damage_study() -> None:
    """Overwrite the second half of the study's file, as a bad disk would."""
    path = FOLDER / "study.db"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) - len(content) // 2))


# --- other hosts ---


@contextlib.contextmanager
def _study() -> Iterator[tuple[optuna.storages.BaseStorage, int]]:
    """The study of the current folder, as any client of its database sees it, and the number of the study there."""
    database = optuna.storages.RDBStorage(f"sqlite:///{FOLDER / 'study.db'}")
    try:
        yield database, database.get_study_id_from_name("tries")
    finally:
        database.remove_session()
        database.engine.dispose()


def put_on_another_host(number: int, host: str) -> None:
    """Let a trial seem to be worked on by a process of another host."""
    with _study() as (storage, study):
        trial = storage.get_trial_id_from_study_id_trial_number(study, number)
        owner = storage.get_trial_user_attrs(trial)["owner"]
        storage.set_trial_user_attr(trial, "owner", {**owner, "worker": {**owner["worker"], "host": host}})


def launch_and_lose_trial(host: str) -> Finished:
    """Launch the sweep, and let its first trial be taken over by another host after its first evaluation.

    Raises:
        TimeoutError: there was no evaluation, or the launch did not end, in two minutes.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with forked(_sweep_in, Path.cwd(), 0) as (process, _):
        while not _has_evaluated(0):
            if time.monotonic() > deadline:
                raise TimeoutError("the trial was not evaluated")
            time.sleep(0.02)
        put_on_another_host(0, host)
        process.join(TIMEOUT_SECONDS)
        if process.exitcode is None:
            raise TimeoutError("the launch did not end")
        return Finished(process.exitcode, Path("output-0.txt").read_text(encoding="utf-8"), "")


def _has_evaluated(number: int) -> bool:
    if not any(FOLDER.glob("*/metrics.jsonl")):
        return False
    with _study() as (storage, study):
        trial = storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study, number))
        return bool(trial.intermediate_values)


@contextlib.contextmanager
def signs_of_life(number: int, interval: float) -> Iterator[None]:
    """Give signs of life for a trial, as the process of another host would, for the length of the block."""
    ended = threading.Event()

    def give() -> None:
        count = 0
        with _study() as (storage, study):
            trial = storage.get_trial_id_from_study_id_trial_number(study, number)
            while not ended.wait(interval):
                count += 1
                with contextlib.suppress(RuntimeError):  # the trial has been taken away, and brought to its end
                    storage.set_trial_user_attr(trial, "beat", f"elsewhere {count}")

    thread = threading.Thread(target=give)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


# --- a command with workers ---


def end_with_workers(count: int, signal_number: int) -> tuple[Finished, list[str]]:
    """Send the real command a signal as soon as each of its workers has printed a step; those that it leaves running.

    Raises:
        AssertionError: it ended before.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "foundry", *COMMAND, "--workers", str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment_of_command(),
    )
    assert process.stdout is not None
    printed: list[str] = []
    for line in process.stdout:
        printed.append(line)
        if len({seen.partition(": step ")[0] for seen in printed if ": step " in seen}) == count:
            break
    else:
        raise AssertionError(f"ended before that: {printed}{process.communicate()[1]}")
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal_number)
    rest, errors = process.communicate(timeout=TIMEOUT_SECONDS)  # until the workers, who print there, have ended, too
    _, left = psutil.wait_procs(workers, timeout=SECONDS_TO_END)
    return Finished(as_shell_reports(process.returncode), "".join(printed) + rest, errors), [str(one) for one in left]
