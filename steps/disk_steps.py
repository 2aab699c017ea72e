"""Steps about disks that are full, closed, or too small from the start."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry import manifests
from foundry.errors import FoundryError
from foundry.testing.limits import (
    NotPermitted,
    SmallFilesystem,
    file_size_limit,
    permissions_bind,
    small_filesystem,
)
from foundry.testing.runs import Runs, checkpointed
from foundry.trainer import Trainer
from foundry.training.events import CheckpointSaved, Event, Message

UNITS = {"MB": 1_000_000, "KB": 1_000}


@dataclass
class Disk:
    """A disk of a scenario, and what became of the launch that met its end.

    Attributes:
        whole: the steps of the checkpoints that were whole after that launch.
    """

    filesystem: SmallFilesystem | None = None
    filler: Path | None = None
    error: FoundryError | None = None
    whole: tuple[int, ...] = ()

    @property
    def mounted(self) -> SmallFilesystem:
        assert self.filesystem is not None, "the scenario has no disk of its own"
        return self.filesystem


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


@given("its runs lie on a disk of {size:d} {unit}")
def on_a_small_disk(context: Context, size: int, unit: str) -> None:
    stack = contextlib.ExitStack()
    context.add_cleanup(stack.close)
    # Outside the workspace, which is removed before the clean-up of the scenario.
    place = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "disk"
    try:
        context.world.of(Disk).filesystem = stack.enter_context(small_filesystem(place, size * UNITS[unit]))
    except NotPermitted as reason:
        context.scenario.skip(str(reason))
        return
    runs_of(context).settings.update({"training.output_dir": str(place / "runs"), "data.cache_dir": "data"})


def keep_failure(context: Context, error: FoundryError | None) -> None:
    disk, runs = context.world.of(Disk), runs_of(context)
    assert error is not None, "the launch went through, although the disk refused"
    disk.error, disk.whole = error, tuple(checkpointed(runs.folder))


@given("the disk was filled but for {left:d} bytes when its launch had saved step {number:d}")
def disk_was_filled(context: Context, left: int, number: int) -> None:
    runs, disk = runs_of(context), context.world.of(Disk)

    def fill(event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.step == number:
            disk.filler = disk.mounted.fill(leave=left)

    trainer = Trainer(runs.config(), on_event=fill)
    runs.folder, error = trainer.run_folder, None
    try:
        trainer.train()
    except FoundryError as failure:
        error = failure
    keep_failure(context, error)


@given("its launch has met a limit of {limit:d} bytes a file")
def met_a_limit(context: Context, limit: int) -> None:
    runs = runs_of(context)
    with file_size_limit(limit):
        runs.launch()
    keep_failure(context, runs.error)


@given("it was launched again where its disk {fault}")
def launched_on_closed_disk(context: Context, fault: str) -> None:
    runs = runs_of(context)
    with refusing(context, fault):
        runs.launch()
    keep_failure(context, runs.error)


@contextlib.contextmanager
def refusing(context: Context, fault: str) -> Iterator[None]:
    """A disk that refuses writes, or the run folder to everybody, while the block runs."""
    runs, disk = runs_of(context), context.world.of(Disk)
    if fault == "is read-only":
        disk.mounted.read_only()
        try:
            yield
        finally:
            disk.mounted.read_only(False)
        return
    assert fault == "permits no writing", fault
    folders = [runs.folder, runs.folder / "checkpoints"]
    for folder in folders:
        folder.chmod(0o500)
    try:
        with permissions_bind():
            yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


@when("there is room again, and it is launched again")
@when("it may be written again, and it is launched again")
def launched_with_room(context: Context) -> None:
    filler = context.world.of(Disk).filler
    if filler is not None:
        filler.unlink()
    runs_of(context).launch()


@then("the launch before had failed in one line that names {what} and the bytes that are free")
def failed_naming(context: Context, what: str) -> None:
    runs, text = runs_of(context), str(context.world.of(Disk).error)
    names_checkpoint = what == "the checkpoint, the bytes that it needs"
    place = r"/checkpoints/step-\d{8}: the checkpoint" if names_checkpoint else r"\S*:( the checkpoint)?"
    needs = r"it needs [\d,]+ bytes, and " if names_checkpoint else r"(it needs [\d,]+ bytes, and )?"
    pattern = (
        rf"{re.escape(str(runs.folder))}{place} could not be written: [A-Z][a-z -]+; {needs}"
        r"[\d,]+ bytes are free there\. [^\n]*launch again[^\n]*"
    )
    assert re.fullmatch(pattern, text), text


@then('the launch before had failed in one line that says "{reason}" and names a path of the run')
def failed_saying(context: Context, reason: str) -> None:
    text = str(context.world.of(Disk).error)
    assert reason in text and runs_of(context).folder.name in text and "\n" not in text, text


@then("it had kept at least {count:d} whole checkpoints")
def kept_whole(context: Context, count: int) -> None:
    assert len(context.world.of(Disk).whole) >= count, context.world.of(Disk).whole


@then("the launch goes on at the step after the newest of them")
def goes_on_after_newest(context: Context) -> None:
    first, whole = runs_of(context).finished.first_step, context.world.of(Disk).whole
    assert first == max(whole, default=0) + 1, f"step {first} after {whole}"


@then("not even one step was made")
def no_step_was_made(context: Context) -> None:
    runs = runs_of(context)
    assert not manifests.checkpoint_folders(runs.folder / "checkpoints")
    assert not (runs.folder / "metrics.jsonl").exists(), runs.metrics


@then("a warning says how many bytes its checkpoints may need, and how many are free")
def warned_of_room(context: Context) -> None:
    warnings = [event.text for event in runs_of(context).events if isinstance(event, Message) and event.warning]
    pattern = r"may come to need [\d,]+ bytes more, and [\d,]+ are free there"
    assert [text for text in warnings if re.search(pattern, text)], warnings
