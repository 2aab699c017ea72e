"""Steps about models that are fetched from the registry, and generated from."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.generation import Generator, SamplingRule
from foundry.testing.experiments import REMOVED, small_experiment, write_code_corpus
from foundry.testing.fetching import ARTIFACT, PROMPT, Fetching
from foundry.testing.published_models import run_published_elsewhere
from foundry.testing.registry import Registry
from foundry.testing.wandb_service import Fault
from foundry.testing.wandb_service.shelf import point_to
from foundry.testing.warm_commands import run_warm, running
from foundry.trainer import Trainer, TrainingReport

RUN = Path("run-folder")
DEFAULT_TOKENS = 8
MODEL_FILES = ["config.yaml", "manifest.json", "model.safetensors", "tokenizer/tokenizer.json"]
WEIGHTS = "model.safetensors"


def fetching_of(context: Context) -> Fetching:
    """The state of the scenario, which knows its registry."""
    found: Fetching = context.world.of(Fetching)
    found.registry = context.world.of(Registry)
    return found


# --- what the registry has ---


@given("it has a best model")
@given("its best model is a {architecture}")
def has_best_model(context: Context, architecture: str = "decoder") -> None:
    fetching_of(context).put_model(7, architecture)


@given("it has a best model, and sends {rate:d} kB a second")
def sends_slowly(context: Context, rate: int) -> None:
    has_best_model(context)
    fetching_of(context).service.inject(Fault.throttle(rate * 1000, "download", file=WEIGHTS))


@given("its best model was fetched")
def best_was_fetched(context: Context) -> None:
    fetched_minutes_ago(context, 0)


@given("its best model was fetched {minutes:d} minutes ago")
def fetched_minutes_ago(context: Context, minutes: int) -> None:
    has_best_model(context)
    fetching_of(context).fetch_earlier(minutes=minutes)


@given("the version v0 was fetched {minutes:d} minutes ago")
def version_fetched_minutes_ago(context: Context, minutes: int) -> None:
    has_best_model(context)
    fetching_of(context).fetch_earlier(f"{ARTIFACT}:v0", minutes)


@given("another version has become the best")
def another_is_best(context: Context) -> None:
    fetching = fetching_of(context)
    fetching.put_model(8)
    fetching.note()


@given("another version has become the best, was fetched, and is the best no longer")
def best_again(context: Context) -> None:
    fetching = fetching_of(context)
    another_is_best(context)
    assert fetching.text_of(fetching.generate(None, "--refresh")) == fetching.texts["v1"]
    point_to(fetching.service, fetching.project, ARTIFACT, "best", "v0")
    fetching.note()


@given("two versions of a model were fetched")
def two_were_fetched(context: Context) -> None:
    fetching = fetching_of(context)
    best_was_fetched(context)
    another_is_best(context)
    fetching.text_of(fetching.generate(None, "--refresh"))
    fetching.note()


@given("the service is gone")
def service_is_gone(context: Context) -> None:
    fetching_of(context).service.stop()


# --- a run that is published by the product ---


@given("a small experiment was trained, published to the registry and cleaned")
def run_published(context: Context) -> None:
    """Trained and published by the product; what the best checkpoint wrote is noted before it is published."""
    registry, fetching = context.world.of(Registry), fetching_of(context)
    write_code_corpus(Path("corpus"))
    settings = {
        "training.train_steps": 3,
        "training.evaluation_interval": 1,
        "training.checkpoint_schedule": REMOVED,
        "artifacts.store": "wandb",
        "artifacts.keep_local_checkpoints": False,
        "wandb.entity": registry.entity,
        "wandb.project": registry.project,
    }
    os.environ["WANDB_MODE"] = "offline"
    report = Trainer(small_experiment(settings)).train()
    fetching.texts["best"] = text_of(report.run_folder)
    del os.environ["WANDB_MODE"]
    published = Trainer(small_experiment(settings)).train()
    assert published.record.state == "cleaned", published.record
    assert not (published.run_folder / "checkpoints").exists()
    context.world.of(PublishedRun).report = published


@given("a run that was published as the version v0, and keeps its checkpoints")
def run_keeps(context: Context) -> None:
    fetching = fetching_of(context)
    has_best_model(context)
    run_published_elsewhere(RUN, fetching.reference(f"{ARTIFACT}:v0"), keeps_checkpoints=True)
    fetching.note()


@given("a run that was published as the version v0, and whose model was fetched by another name")
def run_fetched(context: Context) -> None:
    fetching = fetching_of(context)
    best_was_fetched(context)
    run_published_elsewhere(RUN, fetching.reference(f"{ARTIFACT}:v0"), keeps_checkpoints=False)


@given("a run that was published as the version v0, which is another model now")
def run_replaced(context: Context) -> None:
    fetching = fetching_of(context)
    fetching.put_model(8)
    run_published_elsewhere(RUN, fetching.reference(f"{ARTIFACT}:v0"), keeps_checkpoints=False)


class PublishedRun:
    """The run of the scenario."""

    report: TrainingReport | None = None

    @property
    def folder(self) -> Path:
        """Its folder."""
        assert self.report is not None
        return self.report.run_folder

    @property
    def reference(self) -> str:
        """Its model in the registry."""
        assert self.report is not None and self.report.record.published is not None
        location, _, version = self.report.record.published.location.rpartition(":")
        assert version == "v0", version
        return f"{location}:best"


def text_of(reference: str | Path) -> str:
    """What a model writes."""
    [generated] = Generator.load(reference, device="cpu").generate([PROMPT], 12, SamplingRule(temperature=0))
    return generated.full_text


@when("texts are generated from the run's folder, from the registry, and from the registry offline")
def generated_thrice(context: Context) -> None:
    fetching, run = fetching_of(context), context.world.of(PublishedRun)
    options = ("--max-new-tokens", "12", "--temperature", "0")
    fetching.generate(str(run.folder), *options)
    fetching.generate(run.reference, *options)
    fetching.generate(run.reference, *options, "--offline")


@when("a text is generated from the run's folder")
def generated_from_folder(context: Context) -> None:
    fetching_of(context).generate(str(RUN))


@when("a text is generated from the run's folder offline")
def generated_from_folder_offline(context: Context) -> None:
    fetching_of(context).generate(str(RUN), "--offline")


@then("all of them are what the best checkpoint wrote")
def all_as_best(context: Context) -> None:
    fetching = fetching_of(context)
    for ended in fetching.ended:
        assert fetching.text_of(ended) == fetching.texts["best"], f"{ended}, not {fetching.texts['best']!r}"


# --- generating ---


@when("a text is generated from the registry")
def generated(context: Context) -> None:
    fetching_of(context).generate()


@when("a text is generated with {option}")
def generated_with(context: Context, option: str) -> None:
    fetching_of(context).generate(None, option)


@when("a text is generated from the version v0")
def generated_from_version(context: Context) -> None:
    fetching = fetching_of(context)
    fetching.generate(fetching.reference(f"{ARTIFACT}:v0"))


@when("two processes generate from the registry at once")
def generated_by_two(context: Context) -> None:
    fetching = fetching_of(context)
    with ExitStack() as held:
        both = [held.enter_context(running(fetching.command())) for _ in range(2)]
        fetching.ended = [command.ended() for command in both]


@given("generating from it was ended by {signal_name} in the middle of the download")
@when("generating from it is ended by {signal_name} in the middle of the download")
def ended_in_download(context: Context, signal_name: str) -> None:
    fetching = fetching_of(context)
    fetching.service.inject(Fault.throttle(60_000, "download", file=WEIGHTS))
    fetching.note()
    with running(fetching.command()) as command:
        fetching.wait_for_download()
        command.send(signal_name)
        fetching.ended.append(command.ended())
    fetching.service.heal()
    fetching.note()


@when("generating from it shows its progress on a terminal")
def shows_progress(context: Context) -> None:
    fetching = fetching_of(context)
    fetching.ended.append(run_warm(fetching.command(), on_terminal=True))


# --- what came of it ---


@then("it is the text of the local folder, with the defaults of the model's experiment")
def text_with_defaults(context: Context) -> None:
    expect_text_of(fetching_of(context), "v0")
    [generated] = json.loads(fetching_of(context).last.stdout)
    assert len(generated["tokens"]) == DEFAULT_TOKENS, f"{len(generated['tokens'])} tokens"


@then("it is the text of the local folder")
def text_of_local(context: Context) -> None:
    expect_text_of(fetching_of(context), "v0")


@then("it is the text of the new version's local folder")
def text_of_new(context: Context) -> None:
    fetching = fetching_of(context)
    assert fetching.texts["v1"] != fetching.texts["v0"], "the two versions write the same"
    expect_text_of(fetching, "v1")


def expect_text_of(fetching: Fetching, version: str) -> None:
    found, expected = fetching.text_of(fetching.last), fetching.texts[version]
    assert found == expected, f"{found!r}, not {expected!r}"


@then("both write the text of the local folder")
def both_write(context: Context) -> None:
    fetching = fetching_of(context)
    texts = [fetching.text_of(ended) for ended in fetching.ended]
    assert texts == [fetching.texts["v0"]] * 2, texts


@then("one of them says that it waits for the other")
def one_waits(context: Context) -> None:
    fetching = fetching_of(context)
    waits = f"another process is fetching {fetching.reference(ARTIFACT).removeprefix('wandb://')}; waiting for it"
    said = [waits in ended.stderr for ended in fetching.ended]
    assert sorted(said) == [False, True], [ended.stderr for ended in fetching.ended]


@then("the service is asked nothing")
def asked_nothing(context: Context) -> None:
    asked = fetching_of(context).asked
    assert asked == [], asked


@then("no process is started, and the client library is not imported")
def no_process(context: Context) -> None:
    last = fetching_of(context).last
    assert last.started == (), last.started
    assert not last.imported_client


@then("each file is downloaded once")
def each_file_once(context: Context) -> None:
    downloaded = sorted(fetching_of(context).downloaded)
    assert downloaded == [*MODEL_FILES, "tokenizer/tokenizer_config.json"], downloaded


@then("no file is downloaded")
def no_file(context: Context) -> None:
    fetching = fetching_of(context)
    assert fetching.asked, "the service was not asked at all"
    assert fetching.downloaded == [], fetching.downloaded


@then("nothing is in the cache after any of them")
@then("nothing is in the cache")
def nothing_in_cache(context: Context) -> None:
    left = fetching_of(context).files_in_cache
    assert left == [], left


@then("nothing half-fetched is in the cache")
def nothing_half_fetched(context: Context) -> None:
    left = [str(path) for path in fetching_of(context).cache.root.glob(".writing-*")]
    assert left == [], left


@then("it ends with exit code {code:d}")
def ends_with(context: Context, code: int) -> None:
    last = fetching_of(context).last
    assert last.exit_code == code, last


@then("the bytes that were received grow to all there are")
def bytes_grow(context: Context) -> None:
    last = fetching_of(context).last
    found = [float(number) for number in received_numbers(last.stderr)]
    assert len(set(found)) >= 3, f"{found}: {last.stderr!r}"
    assert found == sorted(found), found
    total = sum(path.stat().st_size for path in Path("local-7").rglob("*") if path.is_file())
    assert found[-1] == round(total / 1e6, 1), f"{found[-1]} MB, not {total} bytes"


def received_numbers(shown: str) -> list[str]:
    """How many MB were said to be received, in order."""
    parts = shown.split("received ")[1:]
    return [part.split(" of ")[0] for part in parts if " of " in part]


@then("the line that names the version is the last one before the text")
def names_version(context: Context) -> None:
    fetching = fetching_of(context)
    assert f"fetched {fetching.reference(f'{ARTIFACT}:v0')}" in fetching.last.stderr, fetching.last.stderr
