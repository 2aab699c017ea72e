"""Steps about pipelines that go through all phases, and about their files."""

from __future__ import annotations

import json
import re
import shlex
import signal
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.loading import load_pipeline
from foundry.pipeline.manifest import PipelineManifest
from foundry.pipeline.records import COMMITS_FILE, read_commits
from foundry.testing.kill_points import KillPoint, Launch, run_and_signal
from foundry.testing.odd_histories import odd_repository
from foundry.testing.pipelines import Pipelines, copy_of_whole, every_phase, write_tiny_config
from foundry.testing.processes import Finished, run_foundry
from foundry.testing.repositories import SampleRepository
from foundry.testing.warm_commands import run_warm

FILES = {
    "pipe.yaml": "pipeline_name: mine\n",
    "experiment.yaml": "experiment_name: a\ndata: {git: {}}\ntraining: {train_steps: 5}\n",
    "sweep.yaml": "sweep_name: a\n",
    "wrong.yaml": "analyse: {max_epochs: 2}\n",
    "both.yaml": "experiment: {training: {learning_rate: -1}}\n",
}


@dataclass
class Whole:
    """What became of a pipeline, or of commands on files."""

    launch: Launch | None = None
    then: PipelineManifest | None = None
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    configs: dict[str, PipelineConfig] = field(default_factory=dict)


def whole(context: Context) -> Whole:
    return context.world.of(Whole)


def pipelines(context: Context) -> Pipelines:
    return context.world.of(Pipelines)


@given("a tiny pipeline that went through all phases but the index")
def went_through(_context: Context) -> None:
    copy_of_whole()


@given("its training begins anew, and is sent {name} before the weights are updated for the {count:d}th time")
def training_signalled(context: Context, name: str, count: int) -> None:
    state, found = whole(context), pipelines(context)
    state.then = found.manifest
    for folder in ("runs", "artifacts"):
        (found.folder / folder).rename(f"earlier-{folder}")
    point = KillPoint("update", "weights", count)
    state.launch = run_and_signal(every_phase(), [(point, signal.Signals[name])], Path())


@when("it is launched again with its imports traced")
def launched_traced(context: Context) -> None:
    pipelines(context).finished = run_foundry(pipelines(context).arguments(), trace_imports=True)


@when("the shipped pipelines are loaded")
def shipped_loaded(context: Context) -> None:
    configs = context.origin / "configs"
    found = {
        "": load_pipeline(None),
        **{name: load_pipeline(configs / name) for name in ("pipeline.yaml", "rust.yaml")},
    }
    whole(context).configs = found


@given("files of a pipeline, an experiment and a sweep")
def files_of_kinds(_context: Context) -> None:
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")


@when('"foundry {words}" is run on them')
def run_on_files(context: Context, words: str) -> None:
    whole(context).finished = run_warm(shlex.split(words))


@then("the model was trained as long as the real counts say, not the estimated ones")
def trained_as_long(context: Context) -> None:
    manifest = pipelines(context).manifest
    real, estimated = manifest.training_parameters.real, manifest.training_parameters.estimated
    assert real is not None and estimated is not None
    steps = manifest.phases["train"].results["steps"]
    counted = manifest.phases["tokenize"].results["sequences"]["training"]
    assert sum(counted.values()) == real["sequences"], (counted, real)
    assert steps == real["total_steps"] != estimated["total_steps"], (steps, real, estimated)


@then("no phase was done, and these libraries were not imported: {names}")
def nothing_imported(context: Context, names: str) -> None:
    finished = pipelines(context).finished
    done = [name for name, (status, _) in pipelines(context).done().items() if status == "done"]
    imported = {module.split(".")[0] for module in finished.imported_modules}
    assert "foundry" in imported, "the trace holds no imports"
    loaded = sorted(imported & set(names.split(", ")))
    assert finished.exit_code == 0 and not done and not loaded, f"done: {done}, imported: {loaded}"


@then(
    "the launch before had ended with {code:d} after step {step:d}, "
    "and the manifest said interrupted, as did its phase train"
)
def launch_had_ended(context: Context, code: int, step: int) -> None:
    launch, before = whole(context).launch, pipelines(context).manifest_before
    assert launch is not None and before is not None
    assert launch.exit_code == code and f"after step {step}," in launch.problem, launch
    assert (before.status, before.phases["train"].status) == ("interrupted", "interrupted"), before
    pipelines(context).manifest_before = whole(context).then


@then("the one without a file equals configs/pipeline.yaml, and configs/rust.yaml trains the same experiment on Rust")
def shipped_equal(context: Context) -> None:
    found = whole(context).configs
    assert found[""] == found["pipeline.yaml"], f"{found['']}\n{found['pipeline.yaml']}"
    rust = found["rust.yaml"]
    assert rust.experiment == found[""].experiment and rust.analyze == found[""].analyze, rust
    assert "rust" in rust.scrape.languages, rust.scrape


@then('it ends with exit code {code:d} and says "{message}"')
def ends_and_says(context: Context, code: int, message: str) -> None:
    finished = whole(context).finished
    said = (finished.stdout + finished.stderr).strip()
    assert (finished.exit_code, said) == (code, message), f"{finished.exit_code}: {said}"


@then("the manifest says complete, with all tokens to learn from and no perplexity")
def all_is_learned_from(context: Context) -> None:
    finished, manifest = pipelines(context).finished, pipelines(context).manifest
    tokens = manifest.phases["tokenize"].results["tokens_before_packing"]
    perplexity = manifest.phases["evaluate"].results["perplexity"]
    done = {name: record.status for name, record in manifest.phases.items()}
    assert set(done.values()) == {"complete", "skipped"} and done["embed"] == "skipped", done
    assert list(tokens) == ["training"] and perplexity is None, (tokens, perplexity)
    assert f"{tokens['training']:,} tokens in " in finished.stdout, finished.stdout
    assert manifest.status == "complete", f"{manifest.status}: {manifest.problem}"


@given("a repository with every oddity as that of a tiny pipeline")
def odd(_context: Context) -> None:
    odd_repository(Path("sample"))
    write_tiny_config()


@then("every commit of the repository is among the records and the analysis, once")
def each_once(context: Context) -> None:
    found = pipelines(context)
    known = SampleRepository(Path("sample")).git("rev-list", "--all").split()
    scraped = [record["hash"] for record in read_commits(found.folder / "history" / COMMITS_FILE)]
    assert sorted(scraped) == sorted(known), set(scraped) ^ set(known)
    assert found.manifest.statistics["commits"] == len(known) > 50, found.manifest.statistics["commits"]


@when("the model of {place} is evaluated without a choice of prompts")
def evaluated_at(context: Context, place: str) -> None:
    folder = next(Path().glob(place))
    options = ["--samples", "1", "--max-new-tokens", "4", "--base", "none", "--problems", "0", "--json"]
    pipelines(context).finished = run_warm(["evaluate", str(folder), *options])


@then("it has continued prompts of {language}")
def continued(context: Context, language: str) -> None:
    finished = pipelines(context).finished
    assert finished.exit_code == 0, finished.stderr
    found = list(json.loads(finished.stdout)["languages"])
    assert found == [language], found


@then("{name} tells no time of its making")
def tells_no_time(context: Context, name: str) -> None:
    page = (pipelines(context).folder / name).read_text(encoding="utf-8")
    told = re.findall(r"\d{4}-\d\d-\d\d|\b\d\d:\d\d\b", page)
    assert "<html" in page and not told, f"it tells {told}"
