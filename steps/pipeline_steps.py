"""Steps about launches of `foundry pipeline`, each in a process of its own."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from behave import given, then, when
from behave.runner import Context

from foundry.pipeline.manifest import read_manifest
from foundry.testing.comparison import half_written
from foundry.testing.faults import flip_byte
from foundry.testing.kill_points import KillPoint, Launch, run_and_kill, run_and_signal, run_to_end
from foundry.testing.pipelines import (
    CONFIG_FILE,
    PIPELINE_FOLDER,
    Alone,
    Pipelines,
    cheap_phases,
    copy_of_finished,
    held_pipeline,
    left_alone,
    phases_anywhere,
    without_times,
    write_tiny_config,
)
from foundry.testing.processes import Finished
from foundry.testing.repositories import SampleRepository, python_project
from foundry.testing.runs import contents_of

ALONE, SIGNALLED = Path("alone"), Path("signalled")


@dataclass
class Interrupted:
    """A pipeline that was left alone, and others that were ended from outside."""

    alone: Alone | None = None
    folders: tuple[Path, ...] = ()
    launch: Launch | None = None
    other: int = 0


def pipelines(context: Context) -> Pipelines:
    return context.world.of(Pipelines)


def interrupted(context: Context) -> Interrupted:
    return context.world.of(Interrupted)


def shown(finished: Finished) -> str:
    return f"exit code {finished.exit_code}\n{finished.stdout}\n{finished.stderr}"


def alone_of(context: Context) -> Alone:
    found = interrupted(context)
    found.alone = found.alone or left_alone(ALONE, cheap_phases())
    return found.alone


# --- states ---


@given("a tiny pipeline on a repository of {count:d} commits")
def tiny_pipeline(_context: Context, count: int) -> None:
    python_project(Path("sample"), count)
    write_tiny_config()


@given("a tiny pipeline whose cheap phases were done")
def cheap_phases_done(_context: Context) -> None:
    copy_of_finished()


@given('the pipeline was launched with "{options}"')
def was_launched(context: Context, options: str) -> None:
    pipelines(context).launch(*shlex.split(options))


@given("the setting {key} becomes {value}")
def setting_becomes(_context: Context, key: str, value: str) -> None:
    write_tiny_config({key: yaml.safe_load(value)})


@given("a commit that changes files")
def commit_of_files(_context: Context) -> None:
    SampleRepository(Path("sample")).commit("Change", {"new.py": "value = 12345\n" * 20})


@given("a tag")
def a_tag(_context: Context) -> None:
    SampleRepository(Path("sample")).git("tag", "first", "main~2")


@given("the output {name} is removed")
def output_removed(context: Context, name: str) -> None:
    (pipelines(context).folder / name).unlink()


@given("a byte of the output {name} has flipped")
def output_flipped(context: Context, name: str) -> None:
    pipelines(context).before = contents_of(pipelines(context).folder)
    flip_byte(pipelines(context).folder / name, 100)


@given("a file stands where the folder {name} should be")
def file_in_the_way(context: Context, name: str) -> None:
    (pipelines(context).folder / name).write_text("in the way", encoding="utf-8")


@given("its phase {name} has failed, because of a file that is gone now")
def phase_has_failed(context: Context, name: str) -> None:
    file_in_the_way(context, "history.new")
    found = pipelines(context)
    found.launch("--only", "analyze,scrape,tokenize")
    assert found.manifest.phases[name].status == "failed", shown(found.finished)
    (found.folder / "history.new").unlink()


@given("another process is at work on the pipeline")
def other_process(context: Context) -> None:
    interrupted(context).other = context.world.ending.enter_context(held_pipeline(PIPELINE_FOLDER))


# --- acts ---


@when('the pipeline is launched with "{options}"')
def launched_with(context: Context, options: str) -> None:
    if not CONFIG_FILE.exists():
        write_tiny_config()
    pipelines(context).launch(*shlex.split(options))


@when('the pipeline is launched with "{options}", and again')
def launched_twice(context: Context, options: str) -> None:
    launched_with(context, options)
    launched_with(context, options)


@when("the pipeline of another repository with the same name is launched")
def other_repository(context: Context) -> None:
    python_project(Path("elsewhere/sample"), 2)
    pipelines(context).source = "elsewhere/sample"
    pipelines(context).launch("--only", "analyze")


@when("the pipeline is killed at {count:d} instants spread over its launch, and launched again each time")
def killed_often(context: Context, count: int) -> None:
    kill_and_launch_again(context, alone_of(context).spread(count))


@when("the pipeline is killed at {count:d} instants of training and of evaluating, and launched again each time")
def killed_in_late_phases(context: Context, count: int) -> None:
    interrupted(context).alone = left_alone(ALONE, phases_anywhere())
    kill_and_launch_again(context, alone_of(context).spread(count, ("runs/", "artifacts/", "evaluation/")))


def kill_and_launch_again(context: Context, points: Sequence[KillPoint]) -> None:
    phases = alone_of(context).phases
    interrupted(context).folders = tuple(Path(f"killed-{number}") for number in range(len(points)))
    for folder, point in zip(interrupted(context).folders, points, strict=True):
        launch = run_and_kill(phases, point, folder)
        assert launch.was_killed, f"it was not killed at {point}, and ended with {launch.exit_code}"
        run_to_end(phases, folder)
    context.world.attach("Instants", "\n".join(map(str, points)))


@when("the pipeline is sent {signal_name} while it scrapes")
def signalled(context: Context, signal_name: str) -> None:
    import signal

    points = alone_of(context).points
    point = next(point for point in points if "history" in point.path and point.operation in ("open", "mkdir"))
    number = signal.Signals[signal_name]
    interrupted(context).launch = run_and_signal(cheap_phases(), [(point, number)], SIGNALLED)


# --- outcomes ---


@then("the command has exited with {code:d}")
def has_exited(context: Context, code: int) -> None:
    finished = pipelines(context).finished
    assert finished.exit_code == code, shown(finished)


@then("the phases were")
def phases_were(context: Context) -> None:
    found = pipelines(context).done()
    for row in context.table:
        status, what = found[row["phase"]]
        assert status == row["status"] and row["what"] in what, f"{row.cells} is not in {found}"


@then("these phases were done: {names}")
def phases_done(context: Context, names: str) -> None:
    found = [name for name, (status, _) in pipelines(context).done().items() if status in ("done", "partial")]
    expected = [] if names == "none" else names.split(", ")
    assert found == expected, f"expected {expected}: {shown(pipelines(context).finished)}"


@then('the first of them says "{why}"')
def first_says(context: Context, why: str) -> None:
    lines = pipelines(context).finished.stdout.splitlines()
    said = [line.partition(": ")[2] for line in lines if line.startswith("[") and not line.endswith(": unchanged")]
    assert said and said[0] == why, f"expected {why!r}, it says {said}"


def changed(before: dict[str, tuple[str, int]], after: dict[str, tuple[str, int]]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@then("no file of the pipeline has changed")
def no_file_changed(context: Context) -> None:
    before = pipelines(context).before
    different = changed(before, contents_of(Path("pipelines")))
    assert before and not different, f"changed: {different}"


@then("the pipeline's files are what they were")
def files_as_before(context: Context) -> None:
    folder = pipelines(context).folder
    digests = {name: digest for name, (digest, _) in contents_of(folder).items()}
    expected = {f"{folder}/{name}": found for name, found in listed(pipelines(context)).items()}
    different = sorted(name for name, digest in expected.items() if digests.get(name) != digest)
    assert expected and not different, f"changed: {different}"


def listed(found: Pipelines) -> dict[str, str]:
    """The digests of all outputs that the first launch has left."""
    assert found.manifest_before is not None
    return {
        name: entry.sha256 for record in found.manifest_before.phases.values() for name, entry in record.outputs.items()
    }


@then("the manifest is the same but for the times")
def same_manifest(context: Context) -> None:
    before, after = pipelines(context).manifest_before, pipelines(context).manifest
    assert before is not None
    found, expected = (without_times(manifest) for manifest in (after, before))
    expect_equal({**found, "repository": None}, {**expected, "repository": None})


def expect_equal(found: object, expected: object, where: str = "manifest") -> None:
    """Name the first place in which two nested values differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        assert list(found) == list(expected), f"{where}: {list(found)} instead of {list(expected)}"
        for key, value in expected.items():
            expect_equal(found[key], value, f"{where}.{key}")
    else:
        assert found == expected, f"{where}: {found!r} instead of {expected!r}"


@then("the phase {name} is still complete, with what it had found before")
def still_complete(context: Context, name: str) -> None:
    before, after = pipelines(context).manifest_before, pipelines(context).manifest
    assert before is not None and after.phases[name].status == "complete"
    assert after.phases[name] == before.phases[name], (after.phases[name], before.phases[name])


@then("it is refused with exit code {code:d}: {message}")
def refused(context: Context, code: int, message: str) -> None:
    finished = pipelines(context).finished
    expected = message.replace("{this}", str(Path("sample").resolve()))
    expected = expected.replace("{other}", str(Path("elsewhere/sample").resolve()))
    found = finished.stderr.rstrip("\n")
    if "{that process}" in expected:
        begins, ends = expected.split("{that process}")
        assert found.startswith(f"{begins}process {interrupted(context).other} on ") and found.endswith(ends), found
        expected = found
    assert (finished.exit_code, found) == (code, expected), f"expected {expected!r}, found {shown(finished)}"


@then("there is no manifest")
def no_manifest(_context: Context) -> None:
    found = list(Path("pipelines").rglob("manifest.json"))
    assert not found, found


@then("there is no folder {name}")
def no_folder(_context: Context, name: str) -> None:
    assert not Path(name).exists(), sorted(Path(name).rglob("*"))


@then("these lines name its phases")
def lines_of_phases(context: Context) -> None:
    found = [line for line in pipelines(context).finished.stdout.splitlines() if line.startswith("[")]
    assert found == context.text.splitlines(), pipelines(context).finished.stdout


@then("it prints")
def it_prints(context: Context) -> None:
    found = pipelines(context).finished.stdout.rstrip("\n")
    assert found == context.text, f"expected:\n{context.text}\nfound:\n{found}"


@then("the manifest says {status}, as does its phase {name}")
def manifest_says(context: Context, status: str, name: str) -> None:
    folder = SIGNALLED / PIPELINE_FOLDER if interrupted(context).launch else pipelines(context).folder
    manifest = read_manifest(folder)
    found = (manifest.status, manifest.phases[name].status)
    assert found == (status, status) and manifest.phases[name].reason, f"{found}, {manifest.phases[name].reason}"


@then("the manifest says partial, and all that was asked for is complete")
def manifest_partial(context: Context) -> None:
    manifest = pipelines(context).manifest
    states = {name: manifest.phases[name].status for name in ("analyze", "scrape", "tokenize")}
    assert manifest.status == "partial" and set(states.values()) == {"complete"}, (manifest.status, states)


@then("each time the manifest is that of a pipeline that was left alone, but for the times")
def same_as_alone(context: Context) -> None:
    expect_same_as_alone(context, interrupted(context).folders)


def expect_same_as_alone(context: Context, folders: Iterable[Path]) -> None:
    expected = alone_of(context).expected
    for folder in folders:
        expect_equal(without_times(read_manifest(folder / PIPELINE_FOLDER)), expected, str(folder))


@then("each time nothing half-written is left")
def nothing_half_written(context: Context) -> None:
    folders = interrupted(context).folders
    left = half_written(*folders)
    assert folders and not left, left


@then('its exit code is {code:d}, and its last words are "{words}"')
def its_exit_code(context: Context, code: int, words: str) -> None:
    launch = interrupted(context).launch
    assert launch is not None
    assert (launch.exit_code, launch.problem) == (code, words), launch


@then("the manifest's reason names {signal}")
def reason_names(_context: Context, signal: str) -> None:
    reason = read_manifest(SIGNALLED / PIPELINE_FOLDER).phases["scrape"].reason
    assert reason == f"interrupted by {signal}", reason


@then("launched again it ends in the manifest of one that was left alone, but for the times")
def launched_again(context: Context) -> None:
    run_to_end(cheap_phases(), SIGNALLED)
    expect_same_as_alone(context, [SIGNALLED])
