"""Steps that plant what is hostile into something whole, and look what `foundry` makes of it."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.testing import hostile
from foundry.testing.confinement import Confined, run_confined
from foundry.testing.corpora import pretrained_tokenizer, save_dataset
from foundry.testing.damaged_run import DamagedRun
from foundry.testing.hostile import Hostile
from foundry.testing.killed_runs import copy_of_killed_run
from foundry.testing.models import saved_gpt2
from foundry.testing.snapshots import entries_of

CANARY = Path("canary")
MAX_SECONDS = 10
MAX_GROWN_BYTES = 250_000_000
MAX_LINE_CHARACTERS = 1000
FIRST_NEWER_STEP = 11
GENERATE = ["--prompt", "def", "--max-new-tokens", "2"]
TRAIN = ["train", "small.yaml"]
OWN_TOKENIZER = ["--set", "tokenizer.tokenizer_type=pretrained", "--set", "tokenizer.name_or_path=./tokenizer"]


@dataclass(frozen=True)
class Attempt:
    """One hostile thing, what was expected to be said of it, and what came of the command that met it.

    Attributes:
        changed: entries at the place it was planted into that the command changed.
        executed: code inside it was run.
        published: something stands in the artifact store.
        changed_elsewhere: what the links lead to was changed.
    """

    name: str
    expected: str
    finished: Confined
    changed: list[str]
    executed: bool
    published: bool
    changed_elsewhere: bool


@dataclass
class Attempts:
    """The attempts of one scenario, and the steps of the newer checkpoints with what each should be refused for."""

    made: list[Attempt] = field(default_factory=list)
    newer: dict[int, tuple[str, str]] = field(default_factory=dict)


def attempts(context: Context) -> Attempts:
    found: Attempts = context.world.of(Attempts)
    return found


def damaged_run(context: Context) -> DamagedRun:
    found: DamagedRun = context.world.of(DamagedRun)
    return found


def published_model() -> tuple[Path, list[str]]:
    copy_of_killed_run()
    [folder] = Path("elsewhere/artifacts").glob("small-*")
    return folder, ["generate", str(folder), *GENERATE]


def hugging_face_folder() -> tuple[Path, list[str]]:
    saved_gpt2(Path("model"))
    return Path("model"), ["generate", "model", *GENERATE]


def tokenizer_folder() -> tuple[Path, list[str]]:
    copy_of_killed_run()
    return pretrained_tokenizer(Path("tokenizer")), [*TRAIN, *OWN_TOKENIZER]


def run_folder(*command: str) -> Callable[[], tuple[Path, list[str]]]:
    def make() -> tuple[Path, list[str]]:
        folder = copy_of_killed_run().folder
        return folder, [word.format(folder=folder) for word in command]

    return make


def prepared_data() -> tuple[Path, list[str]]:
    copy_of_killed_run()
    [folder] = [path for path in Path("runs/.data").iterdir() if path.is_dir()]
    return folder, TRAIN


def rows() -> tuple[Path, list[str]]:
    copy_of_killed_run()
    return Path("rows.jsonl"), [*TRAIN, "--set", "data.source_corpus=rows.jsonl"]


def saved_dataset() -> tuple[Path, list[str]]:
    copy_of_killed_run()
    pretrained_tokenizer(Path("tokenizer"))
    folder = save_dataset(Path("saved"), {"input_ids": [[1, 2, 3] * 20] * 10})
    return folder, [*TRAIN, "--set", "data.source_corpus=saved", *OWN_TOKENIZER]


PLACES: dict[str, tuple[dict[str, Hostile], Callable[[], tuple[Path, list[str]]]]] = {
    "an experiment's file that is checked": (
        hostile.EXPERIMENTS,
        lambda: (Path("tiny.yaml"), ["validate", "tiny.yaml"]),
    ),
    "a run that is launched again": (hostile.RECORDS, run_folder(*TRAIN)),
    "a run that is shown": (hostile.RECORDS | hostile.METRICS, run_folder("info", "{folder}")),
    "the metrics of a run that is launched again": (hostile.METRICS, run_folder(*TRAIN)),
    "a run that comes to be published": (hostile.LINKS, run_folder(*TRAIN)),
    "a published model that is loaded": (hostile.ARTIFACTS, published_model),
    "a Hugging Face folder that is loaded": (
        hostile.HUGGING_FACE_FOLDERS | hostile.HARMLESS_CODE,
        hugging_face_folder,
    ),
    "a tokenizer's folder that is trained with": (hostile.TOKENIZERS, tokenizer_folder),
    "prepared data that is trained on": (hostile.CACHES, prepared_data),
    "rows that are trained on": (hostile.ROWS, rows),
    "a saved data set that is trained on": (hostile.SAVED_DATASETS, saved_dataset),
}


@when("each of these is planted into {place}")
def planted_into(context: Context, place: str) -> None:
    corpus, make = PLACES[place]
    for number, row in enumerate(context.table):
        folder = Path(f"attempt-{number}")
        folder.mkdir()
        with contextlib.chdir(folder):
            attempts(context).made.append(attempt(corpus[row["hostile"]], row["said"], *make()))
        shutil.rmtree(folder)


def attempt(item: Hostile, expected: str, target: Path, command: list[str]) -> Attempt:
    """Plant `item` into `target`, and run `foundry` with `command`."""
    canary = Path("elsewhere-than-here").absolute() / CANARY
    canary.parent.mkdir()
    item.plant(target, canary)
    elsewhere = canary.parent
    before, before_elsewhere = entries_of(target), entries_of(*elsewhere.iterdir())
    finished = run_confined(command)
    after = entries_of(target)
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    executed = os.path.lexists(canary)
    changed_elsewhere = entries_of(*elsewhere.iterdir()) != before_elsewhere
    shutil.rmtree(elsewhere)
    return Attempt(item.name, expected, finished, changed, executed, Path("artifacts").exists(), changed_elsewhere)


@given("a newer checkpoint with each of these")
def newer_checkpoints(context: Context) -> None:
    found, corpus = attempts(context), hostile.CHECKPOINTS | hostile.EXTRA_FILES
    rows = list(context.table)
    folders = damaged_run(context).run.make_newer_checkpoints(len(rows))
    for step, folder, row in zip(range(FIRST_NEWER_STEP, FIRST_NEWER_STEP + len(rows)), folders, rows, strict=True):
        elsewhere = Path(f"elsewhere-{step}")
        elsewhere.mkdir()
        corpus[row["hostile"]].plant(folder, elsewhere.absolute() / CANARY)
        damaged_run(context).note_damage(step)
        found.newer[step] = (row["hostile"], row["said"])


@given("checkpoint {step:d} has {name} in it")
def checkpoint_has(context: Context, step: int, name: str) -> None:
    corpus = hostile.CHECKPOINTS | hostile.EXTRA_FILES
    corpus[name].plant(damaged_run(context).run.checkpoint(step), CANARY.absolute())


@then("each of them is set aside, with a line that says why")
def each_set_aside(context: Context) -> None:
    for step, (name, reason) in reversed(attempts(context).newer.items()):
        told = damaged_run(context).told_of(step)
        assert len(told) == 1, f"{name}: told {told}\n{damaged_run(context).launched}"
        assert reason in told[0], f"{name}: {told[0]}"
        assert len(told[0]) <= MAX_LINE_CHARACTERS, f"{name}: a line of {len(told[0])} characters"
    lines = damaged_run(context).launched.stderr.splitlines()
    assert len(lines) == len(attempts(context).newer), lines


@then("nothing of it is executed")
def nothing_executed(context: Context) -> None:
    canaries = list(Path().rglob(CANARY.name))
    assert not canaries, f"executed: {canaries}"
    executed = [made.name for made in attempts(context).made if made.executed]
    assert not executed, f"executed: {executed}"


@then("it takes little memory and time")
def little_memory_and_time(context: Context) -> None:
    launch = context.world.of(DamagedRun).launch if attempts(context).newer else None
    all_finished = [(made.name, made.finished) for made in attempts(context).made]
    for name, finished in [*all_finished, *([("the launch", launch)] if launch else [])]:
        assert finished.seconds <= MAX_SECONDS, f"{name}: {finished.seconds:.1f} s"
        assert finished.grown_bytes <= MAX_GROWN_BYTES, f"{name}: {finished.grown_bytes:,} bytes"


@then("each is refused in one line with its words, exit code {code:d}")
def each_refused(context: Context, code: int) -> None:
    for made in attempts(context).made:
        lines = made.finished.stderr.splitlines()
        assert made.finished.exit_code == code, f"{made.name}: {made.finished}"
        assert "Traceback" not in made.finished.stderr, f"{made.name}: {made.finished.stderr}"
        assert made.expected in lines[-1], f"{made.name}: expected {made.expected!r}, said: {lines[-1]}"
        assert len(lines[-1]) <= MAX_LINE_CHARACTERS, f"{made.name}: a line of {len(lines[-1])} characters"
        assert lines[-1].isprintable(), f"{made.name}: {lines[-1]!r}"


@then("each is overcome, and its words are said")
def each_overcome(context: Context) -> None:
    for made in attempts(context).made:
        assert made.finished.exit_code == 0, f"{made.name}: {made.finished}"
        assert made.expected in made.finished.stdout, f"{made.name}: expected {made.expected!r}: {made.finished}"


@then("nothing was published")
def nothing_published(context: Context) -> None:
    published = [made.name for made in attempts(context).made if made.published]
    assert not published, published


@then("what the links lead to is as it was")
def targets_as_they_were(context: Context) -> None:
    changed = [made.name for made in attempts(context).made if made.changed_elsewhere]
    assert not changed, changed


@then("what was planted is as it was")
def as_it_was(context: Context) -> None:
    changed = {made.name: made.changed for made in attempts(context).made if made.changed}
    assert not changed, changed


@when("the pickle of the corpus is loaded by a reader that trusts it")
def loaded_by_trusting_reader(context: Context) -> None:
    folder = damaged_run(context).run.checkpoint(10)
    hostile.CHECKPOINTS["a pickle named state.json"].plant(folder, CANARY.absolute())
    pickle.loads((folder / "state.json").read_bytes())


@then("its code has been executed")
def code_executed(context: Context) -> None:
    assert CANARY.exists(), "the corpus is harmless"
