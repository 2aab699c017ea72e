"""Steps about the test kit itself: what its comparisons see, how its campaigns judge, what its faults do."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from behave import given, then, when
from behave.runner import Context

import foundry.testing
from foundry.errors import FoundryError
from foundry.testing import faults
from foundry.testing.campaign.__main__ import main
from foundry.testing.campaign.references import run_folder, shared_references
from foundry.testing.campaign.report import conclusion
from foundry.testing.campaign.trials import Campaign, Trial
from foundry.testing.comparison import first_difference, first_tensor_difference
from foundry.testing.experiments import small_experiment, write_code_corpus
from foundry.testing.kill_points import run_to_end
from foundry.testing.limits import (
    NotPermitted,
    SmallFilesystem,
    allocation_limit,
    file_size_limit,
    permissions_bind,
    small_filesystem,
)
from foundry.testing.stores import FailingStore, SlowStore
from foundry.trainer import Trainer
from foundry.training.lifecycle import RunRecord


@dataclass
class Kit:
    """What the scenario has set up with the kit, and what came of it."""

    answers: list[tuple[str, str | None]] = field(default_factory=list)
    campaign: Campaign | None = None
    suffered: dict[int, str] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    filesystem: SmallFilesystem | None = None
    filled: int = 0
    attempts: list[str | None] = field(default_factory=list)
    store: FailingStore | SlowStore | None = None
    states: list[str] = field(default_factory=list)
    seconds: float = 0.0
    examples: doctest.TestResults | None = None


def kit_of(context: Context) -> Kit:
    return context.world.of(Kit)


CHANGES: dict[str, Callable[[Path], None]] = {
    "nothing": lambda _run: None,
    "a bit of the last weights": lambda run: faults.flip_bit(run / "checkpoints/step-00000012/model.safetensors", -1),
    "a bit of an earlier checkpoint's weights": lambda run: faults.flip_bit(
        run / "checkpoints/step-00000005/model.safetensors", -1
    ),
    "a bit of the optimizer state": lambda run: faults.flip_bit(
        run / "checkpoints/step-00000012/optimizer.safetensors", -1
    ),
    "the lowest loss that early stopping counts": lambda run: faults.change_json(
        run / "checkpoints/step-00000012/state.json", lambda state: state["early_stopping"].update(lowest=1.0)
    ),
    "the loss of step 4 in its last digit": lambda run: faults.change_metrics(
        run, lambda rows: rows[3].update(loss=rows[3]["loss"] * (1 + 2**-52))
    ),
    "the line of step 12 in the metrics is lost": lambda run: faults.change_metrics(run, lambda rows: rows.pop()),
    "the line of step 12 in the metrics is twice": lambda run: faults.change_metrics(
        run, lambda rows: rows.append(rows[-1])
    ),
    "the times in the metrics": lambda run: faults.change_metrics(
        run, lambda rows: rows[0].update(time={"seconds": 0})
    ),
    "a bit of the published weights": lambda run: faults.flip_bit(published(run) / "model.safetensors", -1),
    "a byte of the published tokenizer": lambda run: faults.flip_bit(published(run) / "tokenizer/tokenizer.json", 9),
    "a byte of the run's tokenizer": lambda run: faults.flip_bit(run / "tokenizer/tokenizer.json", 9),
    "the best step in the record": lambda run: faults.change_json(
        run / "run.json", lambda record: record.update(best_step=11)
    ),
    "the times in the record": lambda run: faults.change_json(
        run / "run.json", lambda record: record["history"][0].update(time="2000-01-01T00:00:00+00:00")
    ),
    "the last checkpoint is lost": lambda run: shutil.rmtree(run / "checkpoints/step-00000012"),
    "all checkpoints are lost": lambda run: shutil.rmtree(run / "checkpoints"),
}


def published(run: Path) -> Path:
    """Where the store keeps what a run has published."""
    artifact = RunRecord.read(run).published
    assert artifact is not None, "nothing is published"
    return Path(artifact.location)


@given("the same experiment trained in two places")
def trained_in_two_places(context: Context, keep: bool = True) -> None:
    corpus = write_code_corpus(Path("corpus")).resolve()
    config = small_experiment(
        {
            "data.source_corpus": str(corpus),
            "artifacts.keep_local_checkpoints": keep,
            "training.keep_checkpoints": None,
            "model.dropout": 0.1,
        }
    )
    for place in ("one", "two"):
        run_to_end(config, Path(place))


@given("the same experiment trained in two places, and cleaned")
def trained_and_cleaned(context: Context) -> None:
    trained_in_two_places(context, keep=False)


@when("one thing at a time is changed in the second, and the two are compared")
def changed_and_compared(context: Context) -> None:
    Path("two").rename("whole")
    for row in context.table:
        shutil.copytree("whole", "two")
        CHANGES[row["change"]](run_folder(Path("two")))
        difference = first_difference(run_folder(Path("one")), run_folder(Path("two")))
        kit_of(context).answers.append((row["difference"], difference))
        shutil.rmtree("two")


@then("each change is named, and nothing else")
def each_named(context: Context) -> None:
    wrong = [(expected, found) for expected, found in kit_of(context).answers if not is_named(expected, found)]
    assert not wrong, "\n".join(f"expected {expected!r}, found {found!r}" for expected, found in wrong)


def is_named(expected: str, found: str | None) -> bool:
    """Whether the difference begins as expected; an empty text expects none."""
    return found is None if not expected else found is not None and found.startswith(expected)


@given("two files of tensors, with {one:g} and {other:g}")
def two_tensor_files(context: Context, one: float, other: float) -> None:
    import torch
    from safetensors.torch import save_file

    for name, number in (("one", one), ("other", other)):
        save_file({"x": torch.tensor([0.5, number])}, f"{name}.safetensors")


@when("the tensors are compared")
def tensors_compared(context: Context) -> None:
    difference = first_tensor_difference(Path("one.safetensors"), Path("other.safetensors"))
    kit_of(context).answers.append(("", difference))


@then('the difference is "{text}"')
def difference_is(context: Context, text: str) -> None:
    found = kit_of(context).answers[-1][1]
    assert found == (None if text == "none" else text), found


def newest_checkpoint_under_way(run: Path) -> Path | None:
    """The newest checkpoint of a run that is still being trained."""
    if RunRecord.read(run).state != "training":
        return None
    checkpoints = sorted((run / "checkpoints").glob("step-*"))
    return checkpoints[-1] if checkpoints else None


def wrong_loss(workspace: Path) -> bool:
    run = run_folder(workspace)
    if newest_checkpoint_under_way(run) is None:
        return False
    faults.change_metrics(run, lambda rows: rows[0].update(loss=1.0))
    return True


def wrong_moment(workspace: Path) -> bool:
    checkpoint = newest_checkpoint_under_way(run_folder(workspace))
    if checkpoint is None or checkpoint.name > "step-00000010":
        return False
    faults.flip_bit_unnoticed(checkpoint, "optimizer.safetensors")
    return True


def stray_file(name: str) -> Callable[[Path], bool]:
    def leave(workspace: Path) -> bool:
        (workspace / "runs" / name).write_text("left")
        return True

    return leave


def unreadable_record(workspace: Path) -> bool:
    (run_folder(workspace) / "run.json").write_text("{")
    return True


DAMAGES: dict[str, Callable[[Path], bool]] = {
    "a wrong loss in its first metrics": wrong_loss,
    "a wrong moment in its newest checkpoint": wrong_moment,
    "something half-written beside the run": stray_file(".writing-something-else"),
    "a file that no run writes": stray_file("stray"),
    "a record that cannot be read": unreadable_record,
}


@given("a campaign on the case {case}")
def campaign_on(context: Context, case: str) -> None:
    references = shared_references()
    kit_of(context).campaign = Campaign(Path(tempfile.mkdtemp(dir=references.folder)), 1, (case,), references)


def new_folder(name: str) -> Path:
    """An empty folder in the workspace."""
    folder = Path(name)
    folder.mkdir()
    return folder


def campaign_of(context: Context) -> Campaign:
    campaign = kit_of(context).campaign
    assert campaign is not None, "the scenario has no campaign"
    return campaign


@when("it makes trials until a killed run suffers each of these")
def makes_trials_until(context: Context) -> None:
    kit, campaign = kit_of(context), campaign_of(context)
    waiting = [(row["damage"], row["difference"]) for row in context.table]

    def meddle(workspace: Path) -> None:
        if waiting and list(workspace.glob("runs/*/run.json")) and DAMAGES[waiting[0][0]](workspace):
            kit.suffered[int(workspace.name.removeprefix("trial-"))] = waiting.pop(0)[1]

    campaign.meddle = meddle
    for number in range(1, 50):
        kit.trials.append(campaign.trial(number))
        if not waiting:
            return
    raise AssertionError(f"no trial was killed where it could suffer {waiting[0][0]}")


@then("it says how each of these runs differs, and how to repeat it")
def says_how_they_differ(context: Context) -> None:
    kit = kit_of(context)
    said = conclusion(kit.trials, "python campaign")
    for number, difference in kit.suffered.items():
        trial = kit.trials[number - 1]
        start = f"trial {number} ({trial.case}), killed at {', then at '.join(trial.kills)}: {difference}"
        assert start in said and f"python campaign --only {number}\n" in f"{said}\n", f"{start} is not in {said}"


@then("it calls the runs identical that suffered nothing")
def calls_the_others_identical(context: Context) -> None:
    kit = kit_of(context)
    wrong = [trial for trial in kit.trials if trial.number not in kit.suffered and trial.difference is not None]
    assert not wrong, wrong


@when("it makes the trials 7 and 8, and another campaign with its seed makes trial 8 alone")
def makes_trials_and_one_alone(context: Context) -> None:
    kit, campaign = kit_of(context), campaign_of(context)
    kit.trials = [campaign.trial(number) for number in (7, 8)]
    kit.trials.append(Campaign(campaign.folder / "other", campaign.seed, campaign.cases).trial(8))


@then("trial 8 has the same kill in both, and trial 7 has another")
def same_kill(context: Context) -> None:
    kills = [trial.kills[0] for trial in kit_of(context).trials]
    assert kills[1] == kills[2] and kills[0] != kills[1], kills


@when("a campaign is started, and gets Ctrl-C while a run of it is being trained")
def campaign_interrupted(context: Context) -> None:
    kit = kit_of(context)
    with interrupted_after(0.6) as sent:
        kit.answers.append(campaign_command("--kills", "500", "--folder", str(new_folder("campaigns"))))
        kit.seconds = time.monotonic() - sent[0]


@contextlib.contextmanager
def interrupted_after(seconds: float) -> Iterator[list[float]]:
    """Ctrl-C for this process after so long; when it was sent stands in the list."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, send)
    timer.start()
    try:
        yield sent
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, handler)


def campaign_command(*options: str) -> tuple[str, str]:
    """What the command prints on standard output; its exit code with what it prints on standard error."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            code = main(options)
        except SystemExit as exit_:
            code = int(str(exit_.code))
    return out.getvalue(), f"{code}: {error.getvalue()}"


@then("it exits with 130 within {seconds:g} seconds")
def exits_within(context: Context, seconds: float) -> None:
    kit = kit_of(context)
    assert kit.answers[0][1] == "130: interrupted after 0 trials\n", kit.answers
    assert kit.seconds < seconds, kit.seconds


@then("it has left neither a process nor a file")
def nothing_left(context: Context) -> None:
    assert not list(Path("campaigns").iterdir()), list(Path("campaigns").rglob("*"))
    workspace = str(context.world.workspace / "campaigns")
    assert not [
        process for process in psutil.process_iter(["cwd"]) if (process.info["cwd"] or "").startswith(workspace)
    ]


@when("a campaign is started with each of these")
def campaigns_refused(context: Context) -> None:
    for row in context.table:
        out, error = campaign_command(*row["options"].split())
        kit_of(context).answers.append((f"2: {row['message']}", error + out))


@then("each exits with 2 and that message as its only line")
def each_refused(context: Context) -> None:
    each_named(context)
    assert all((found or "").count("\n") == 1 for _, found in kit_of(context).answers), kit_of(context).answers


@given("a filesystem of {size:d} bytes")
def a_filesystem(context: Context, size: int) -> None:
    stack = contextlib.ExitStack()
    context.add_cleanup(stack.close)
    # Outside the workspace, which is removed before the clean-up of the scenario.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "small"
    try:
        kit_of(context).filesystem = stack.enter_context(small_filesystem(folder, size))
    except NotPermitted as reason:
        context.scenario.skip(str(reason))


def filesystem_of(context: Context) -> SmallFilesystem:
    filesystem = kit_of(context).filesystem
    assert filesystem is not None, "the scenario has no filesystem"
    return filesystem


def attempt(act: Callable[[], Any]) -> str | None:
    """What an act fails with; None where it succeeds."""
    try:
        act()
    except OSError as error:
        return error.strerror
    except MemoryError:
        return "MemoryError"
    return None


@when("it is filled, {size:d} bytes are written, room is made, and they are written again")
def filled_and_written(context: Context, size: int) -> None:
    filesystem, attempts = filesystem_of(context), kit_of(context).attempts
    filler = filesystem.fill()
    kit_of(context).filled = filler.stat().st_size
    attempts.append(attempt(lambda: (filesystem.folder / "file").write_bytes(bytes(size))))
    filler.unlink()
    attempts.append(attempt(lambda: (filesystem.folder / "file").write_bytes(bytes(size))))


@then("at most {most:d} bytes have filled it, and at least {least:d}")
def bytes_have_filled(context: Context, most: int, least: int) -> None:
    # Tmpfs counts in pages: it rounds its size up.
    page = os.sysconf("SC_PAGE_SIZE")
    assert least <= kit_of(context).filled < most + page, kit_of(context).filled


@when("it becomes read-only, {size:d} bytes are written, it is made writable, and they are written again")
def read_only_and_written(context: Context, size: int) -> None:
    filesystem, attempts = filesystem_of(context), kit_of(context).attempts
    for read_only in (True, False):
        filesystem.read_only(read_only)
        attempts.append(attempt(lambda: (filesystem.folder / "file").write_bytes(bytes(size))))


@contextlib.contextmanager
def limit_named(name: str) -> Iterator[None]:
    limits = {
        "a file-size limit of 1000 bytes": lambda: file_size_limit(1000),
        "binding permissions": permissions_bind,
        "an allocation limit of 10 MB": lambda: allocation_limit(10_000_000),
    }
    with limits[name]():
        yield


def write_into_closed_folder() -> None:
    Path("closed").mkdir(mode=0o555, exist_ok=True)
    Path("closed/file").write_bytes(b"text")


ACTS: dict[str, Callable[[], Any]] = {
    "writing 1001 bytes": lambda: Path("file").write_bytes(bytes(1001)),
    "writing into a folder of mode 555": write_into_closed_folder,
    "allocating 4 GB": lambda: len(bytes(4_000_000_000)),
}


@when("{act} is tried under {limit}, and again after it")
def tried_under_limit(context: Context, act: str, limit: str) -> None:
    attempts = kit_of(context).attempts
    try:
        with limit_named(limit):
            attempts.append(attempt(ACTS[act]))
    except NotPermitted as reason:
        context.scenario.skip(str(reason))
        return
    if act == "writing into a folder of mode 555":
        Path("closed").chmod(0o755)
    attempts.append(attempt(ACTS[act]))


@then('the first attempt fails with "{message}"')
def first_fails(context: Context, message: str) -> None:
    assert kit_of(context).attempts[0] == message, kit_of(context).attempts


@then("the second attempt succeeds")
def second_succeeds(context: Context) -> None:
    assert kit_of(context).attempts[1] is None, kit_of(context).attempts


@given("a store that cannot be reached {failures:d} times")
def failing_store(context: Context, failures: int) -> None:
    kit_of(context).store = FailingStore(Path("artifacts"), failures)


@given("a store that takes {first:d} ms to publish and {second:d} ms to confirm")
def slow_store(context: Context, first: int, second: int) -> None:
    assert first == second, "one time for both"
    kit_of(context).store = SlowStore(Path("artifacts"), first / 1000)


@when("the experiment is launched {times:d} times")
def launched_times(context: Context, times: int) -> None:
    kit = kit_of(context)
    write_code_corpus(Path("corpus"))
    trainer = Trainer(small_experiment({}), store=kit.store)
    for _ in range(times):
        started = time.monotonic()
        with contextlib.suppress(FoundryError):
            trainer.train()
        kit.seconds = time.monotonic() - started
        kit.states.append(RunRecord.read(trainer.run_folder).state)


@then("the launches end as {states}")
def launches_end_as(context: Context, states: str) -> None:
    assert kit_of(context).states == states.split(", "), kit_of(context).states


@then("they took at least {milliseconds:d} ms")
def took_at_least(context: Context, milliseconds: int) -> None:
    assert kit_of(context).seconds >= milliseconds / 1000, kit_of(context).seconds


@when("the examples in the documentation of the kit are run")
def examples_run(context: Context) -> None:
    kit_of(context).examples = doctest.testmod(foundry.testing)


@then("each of them shows what is written under it")
def examples_hold(context: Context) -> None:
    results = kit_of(context).examples
    assert results is not None and results.attempted > 20 and results.failed == 0, results
