"""Steps about publishing to Weights & Biases: what the registry holds, and what stays here until it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry import files
from foundry.artifacts.local import digests_in
from foundry.errors import FoundryError
from foundry.publishing import publish_run
from foundry.testing.experiments import write_code_corpus
from foundry.testing.processes import run_foundry
from foundry.testing.registry import Published, Registry
from foundry.testing.repositories import SampleRepository
from foundry.testing.runs import Runs, best_step, checkpointed
from foundry.testing.wandb_service import Fault, WandbService
from foundry.training.events import Message, StepDone, Transferred
from foundry.training.lifecycle import RunRecord

WAIT_SECONDS = 60.0
PATIENCE_SECONDS = 60
"""What a service that works never takes, even where this machine is busy."""
CLOUD_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Seen:
    """What stood on this machine while the service was thinking."""

    checkpoints: list[int]
    state: str
    copies: list[str]


@dataclass
class Publishing:
    """What the publishing steps of one scenario share."""

    error: FoundryError | None = None
    seen: Seen | None = None
    commit: str = ""
    asked_before: int = 0
    helpers: list[threading.Thread] = field(default_factory=list)


def runs_of(context: Context) -> Runs:
    return context.world.of(Runs)


def registry_of(context: Context) -> Registry:
    return context.world.of(Registry)


def service_of(context: Context) -> WandbService:
    return registry_of(context).service


@given("it is to be published to Weights & Biases")
def to_be_published(context: Context) -> None:
    runs_of(context).settings.update(
        {
            "artifacts.store": "wandb",
            "artifacts.keep_local_checkpoints": False,
            "wandb.entity": registry_of(context).entity,
            "wandb.project": registry_of(context).project,
        }
    )
    patience = PATIENCE_SECONDS if registry_of(context).is_here else CLOUD_PATIENCE_SECONDS
    runs_of(context).settings.setdefault("artifacts.upload_timeout", patience)


@given("it is given {seconds:d} s to be published")
def given_seconds(context: Context, seconds: int) -> None:
    runs_of(context).settings["artifacts.upload_timeout"] = seconds


@given("a model that was trained while Weights & Biases was offline")
def trained_offline(context: Context) -> None:
    write_code_corpus(Path("corpus"))
    to_be_published(context)
    os.environ["WANDB_MODE"] = "offline"
    runs_of(context).launch()
    del os.environ["WANDB_MODE"]
    assert runs_of(context).finished.record.state == "stopped", runs_of(context).record


@given("a model of 16 MB that was trained while Weights & Biases was offline")
def large_model(context: Context) -> None:
    runs_of(context).settings.update(
        {"model.hidden_size": 256, "model.layers": 5, "data.batch_size": 1, "training.train_steps": 1}
    )
    trained_offline(context)


# --- what is wrong with the service ---


@given("the service answers every upload with 500")
def every_upload_500(context: Context) -> None:
    service_of(context).inject(Fault.answer(500, "upload"))


@given("the service answers two uploads with 500")
def two_uploads_500(context: Context) -> None:
    service_of(context).inject(Fault.answer(500, "upload", times=2))


@given("the service answers one upload with 429")
def one_upload_429(context: Context) -> None:
    service_of(context).inject(Fault.answer(429, "upload", times=1))


@given("the service never answers an upload")
def never_answers(context: Context) -> None:
    service_of(context).inject(Fault.hang("upload"))


@given("the service cuts every upload in the middle")
def cuts_every_upload(context: Context) -> None:
    service_of(context).inject(Fault.cut(50_000, "upload", file="model.safetensors"))


@given("the service cuts one upload in the middle")
def cuts_one_upload(context: Context) -> None:
    service_of(context).inject(Fault.cut(50_000, "upload", file="model.safetensors", times=1))


@given("the service refuses connections")
def refuses_connections(context: Context) -> None:
    service_of(context).stop()


@given("the service says that a file has another digest")
def another_digest(context: Context) -> None:
    service_of(context).inject(Fault.wrong_digest(file="model.safetensors"))


@given("the service has no room left for the team")
def no_room(context: Context) -> None:
    service_of(context).inject(Fault.answer(400, "CreateArtifact", message="quota exceeded"))


@given("the service lets the key in no longer")
def key_expired(context: Context) -> None:
    service_of(context).expire_key()


@given("the service does not answer for a moment after it has all files")
def no_answer_after_commit(context: Context) -> None:
    service_of(context).inject(Fault.answer(500, "ArtifactByID", times=3))


@given("the service dies at the first upload, and comes back")
def dies_and_comes_back(context: Context) -> None:
    service = service_of(context)
    service.inject(Fault.hang("upload"))

    def die_and_come_back() -> None:
        wait_for(service, "upload")
        service.stop()
        service.heal()
        service.start()

    aside(context, die_and_come_back)


@given("the service takes 8 MB a second")
def slow_link(context: Context) -> None:
    service_of(context).inject(Fault.throttle(8_000_000, "upload"))


@given("the service is itself again")
def itself_again(context: Context) -> None:
    runs_of(context).settings["artifacts.upload_timeout"] = PATIENCE_SECONDS
    service_of(context).heal()
    service_of(context).renew_key()
    service_of(context).start()


# --- what the user has ---


@given("its experiment says {mode}")
def experiment_says(context: Context, mode: str) -> None:
    runs_of(context).settings["wandb.mode"] = mode


@given("the variable WANDB_MODE says {mode}")
@given("the user has WANDB_MODE set to {mode}")
def variable_says(context: Context, mode: str) -> None:
    os.environ["WANDB_MODE"] = mode


@given("the service is looked for at {address}")
def looked_for_at(context: Context, address: str) -> None:
    os.environ["WANDB_BASE_URL"] = address


@given("the user has no API key")
def no_key(context: Context) -> None:
    del os.environ["WANDB_API_KEY"]


@given("the user has an API key that was cut off")
def short_key(context: Context) -> None:
    os.environ["WANDB_API_KEY"] = "0123456789"


@given("the user has an API key that has expired")
def expired_key(context: Context) -> None:
    service_of(context).expire_key()


@given("its experiment names the entity {entity}")
def names_entity(context: Context, entity: str) -> None:
    runs_of(context).settings["wandb.entity"] = entity


@given("its corpus is gone")
def corpus_gone(context: Context) -> None:
    shutil.rmtree("corpus")


@given("the working folder is a git repository with a commit")
def working_folder_is_repository(context: Context) -> None:
    repository = SampleRepository(Path.cwd())
    repository.git("init", "--quiet")
    context.world.of(Publishing).commit = repository.commit("begin", {"notes.txt": "a note\n"})


# --- publishing ---


@when("it is published")
def is_published(context: Context) -> None:
    publish(context)


@given('publishing it has failed with "{text}"')
def has_failed(context: Context, text: str) -> None:
    publish(context)
    error, runs = context.world.of(Publishing).error, runs_of(context)
    assert error is not None, "it was published"
    assert text in str(error), error
    assert "`foundry publish " in str(error) and "\n" not in str(error), error
    assert {best_step(runs), 12} <= set(checkpointed(runs.folder)), checkpointed(runs.folder)
    assert runs.record.state == "stopped", runs.record.state


@then('publishing is refused with "{text}"')
def publishing_refused(context: Context, text: str) -> None:
    error = context.world.of(Publishing).error
    assert error is not None and text in str(error), error


@when("it is published to a service that stops to think at {operation}")
def stops_to_think(context: Context, operation: str) -> None:
    service, state, runs = service_of(context), context.world.of(Publishing), runs_of(context)
    os.environ["TMPDIR"] = str(context.world.workspace / "temporary")
    Path(os.environ["TMPDIR"]).mkdir()
    service.inject(Fault.hang(operation))

    def look() -> None:
        wait_for(service, operation)
        state.seen = seen_now(runs.folder, context.world.workspace)
        service.heal()

    aside(context, look)
    finished = run_foundry(["publish", str(runs.folder)])
    assert finished.exit_code == 0, finished


@given("publishing it was killed when the service was asked what it holds")
def publishing_killed(context: Context) -> None:
    service, folder = service_of(context), runs_of(context).folder
    service.inject(Fault.hang("FetchArtifactManifest"))
    process = subprocess.Popen([sys.executable, "-m", "foundry", "publish", str(folder)], start_new_session=True)
    wait_for(service, "FetchArtifactManifest")
    process.kill()
    process.wait()
    service.heal()
    assert runs_of(context).record.state == "stopped", runs_of(context).record.state


def publish(context: Context) -> None:
    """Publish the run of the scenario, as `foundry publish` does."""
    state, runs = context.world.of(Publishing), runs_of(context)
    if not runs.folder.name:
        runs.folder = next(Path("runs").glob("small-*"))
    try:
        publish_run(runs.folder, runs.events.append)
    except FoundryError as error:
        state.error = error
    for helper in state.helpers:
        helper.join(WAIT_SECONDS)


def aside(context: Context, act: Callable[[], None]) -> None:
    """Do something beside the steps that follow."""
    helper = threading.Thread(target=act, daemon=True)
    context.world.of(Publishing).helpers.append(helper)
    helper.start()


def wait_for(service: WandbService, operation: str) -> None:
    """Wait until the service has heard a request for that operation."""
    ends_at = time.monotonic() + WAIT_SECONDS
    while not any(request.operation == operation for request in service.requests):
        assert time.monotonic() < ends_at, f"the service was not asked for {operation}"
        time.sleep(0.02)


def seen_now(folder: Path, workspace: Path) -> Seen:
    """What stands on the disk of this machine; the files of the service and of the run's checkpoints are no copies."""
    record = RunRecord.read(folder)
    weights = {path.stat().st_size for path in folder.rglob("model.safetensors")}
    own = (folder.absolute() / "checkpoints", workspace / ".registry" / "service")
    copies = [
        str(path)
        for path in workspace.rglob("*")
        if path.is_file() and path.stat().st_size in weights and not any(path.is_relative_to(place) for place in own)
    ]
    return Seen(checkpointed(folder), record.state, copies)


# --- what is seen then ---


@then("every checkpoint was there then, and the run was still stopped")
def all_there(context: Context) -> None:
    seen, runs = context.world.of(Publishing).seen, runs_of(context)
    assert seen is not None, "nothing was seen"
    assert {best_step(runs), 12} <= set(seen.checkpoints), seen
    assert seen.state == "stopped", seen.state


@then("no other copy of the weights was on this machine then")
def no_copy(context: Context) -> None:
    seen = context.world.of(Publishing).seen
    assert seen is not None, "nothing was seen"
    assert not seen.copies, seen.copies


def best_in_registry(context: Context) -> tuple[str, Published]:
    """The name of the run's artifact, and what its alias `best` points to."""
    registry, runs = registry_of(context), runs_of(context)
    name = f"{registry.project}_model-{runs.folder.name}"
    found = registry.published(f"{name}:best")
    assert found is not None, f"the registry has no {name}:best"
    return name, found


@then("the registry's best model has the files of the best checkpoint, configuration and tokenizer")
def has_all_files(context: Context) -> None:
    runs, registry = runs_of(context), registry_of(context)
    name, _ = best_in_registry(context)
    registry.fetch(f"{name}:best", Path("fetched"))
    published = runs.record.published
    assert published is not None and published.step == best_step(runs), published
    assert published.location.startswith(f"wandb://{registry.entity}/{registry.project}/{name}:v"), published.location
    found = digests_in(Path("fetched"))
    expected = {f"tokenizer/{path.name}": files.sha256_of(path) for path in (runs.folder / "tokenizer").iterdir()}
    expected |= {"config.yaml": files.sha256_of(runs.folder / "config.yaml")}
    assert {**found, **expected} == found, (found, expected)
    assert found == published.digests, (found, published.digests)
    others = sorted(found.keys() - expected.keys())
    assert others == ["manifest.json", "model.safetensors"], others


@then("the registry names it best and by the run, with step, validation loss, commit and fingerprint")
def has_names(context: Context) -> None:
    runs = runs_of(context)
    _, found = best_in_registry(context)
    assert found.type == "model", found.type
    assert {"best", runs.record.run_id} <= set(found.aliases), found.aliases
    losses = {row["step"]: row["validation_loss"] for row in runs.metrics if "validation_loss" in row}
    expected = {
        "step": best_step(runs),
        "validation_loss": losses[best_step(runs)],
        "fingerprint": runs.record.fingerprint,
        "git_commit": context.world.of(Publishing).commit,
    }
    assert {**found.metadata, **expected} == found.metadata, (found.metadata, expected)


@then("the registry's best model has the weights that the run says are published")
def has_the_weights(context: Context) -> None:
    name, found = best_in_registry(context)
    published = runs_of(context).record.published
    assert published is not None, "the run is not published"
    registry_of(context).fetch(f"{name}:best", Path("fetched"))
    fetched = digests_in(Path("fetched"))
    assert fetched == published.digests, (fetched, published.digests)
    listed = found.metadata["sha256"]
    assert listed == published.digests, (listed, published.digests)


@then("the registry holds no model")
def holds_no_model(context: Context) -> None:
    held = [artifact.name for artifact in service_of(context).artifacts(registry_of(context).project)]
    assert not held, held


@given("what the service was asked so far is noted")
def asked_so_far(context: Context) -> None:
    context.world.of(Publishing).asked_before = len(service_of(context).requests)


@then("the service was asked nothing since")
def asked_nothing(context: Context) -> None:
    before = context.world.of(Publishing).asked_before
    assert before, "the service was never asked"
    late = [request.operation for request in service_of(context).requests[before:]]
    assert not late, late


@then("the service was never asked anything")
def never_asked(context: Context) -> None:
    asked = [request.operation for request in service_of(context).requests]
    assert not asked, asked


@then("each file was uploaded once")
def uploaded_once(context: Context) -> None:
    uploads = [request.file for request in service_of(context).requests if request.operation == "upload"]
    published = runs_of(context).record.published
    assert published is not None, "the run is not published"
    assert sorted(uploads) == sorted(published.digests), sorted(uploads)


@then("a message names `foundry publish`")
def message_names_command(context: Context) -> None:
    told = [event.text for event in runs_of(context).events if isinstance(event, Message)]
    expected = f"`foundry publish {runs_of(context).folder}`"
    assert any(expected in text for text in told), told


@then("nothing was trained")
def no_run_begun(context: Context) -> None:
    begun = sorted(str(path) for path in Path().glob("runs/small-*"))
    assert not begun, begun


@then("the bytes that were sent were told while they grew")
def bytes_told(context: Context) -> None:
    sent = [event for event in runs_of(context).events if isinstance(event, Transferred)]
    between = [event.done for event in sent if 0 < event.done < event.total]
    assert between == sorted(between) and len(set(between)) >= 2, sent
    assert all(event.total > 16_000_000 for event in sent), sent


@then('the user is warned before the first step that "{text}"')
def warned_before(context: Context, text: str) -> None:
    events = runs_of(context).events
    steps = [place for place, event in enumerate(events) if isinstance(event, StepDone)]
    warned = [place for place, event in enumerate(events) if isinstance(event, Message) and text in event.text]
    assert warned and steps and warned[0] < steps[0], events
