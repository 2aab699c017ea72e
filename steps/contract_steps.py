"""Steps about the experiment whose model a team signs: its own under `foundry accept --config`, else a shipped one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry import manifests
from foundry.acceptance.contract import ContractOptions, shortfall
from foundry.config import weight_settings
from foundry.config_file import load_experiment
from foundry.evaluation.verification import verify_run
from foundry.files import sha256_of
from foundry.generation import Generator, SamplingRule
from foundry.testing.comparison import assert_identical_runs
from foundry.testing.contract import (
    NEW_TOKENS,
    PROMPTS,
    Signing,
    TeamExperiment,
    best_step,
    figures_of,
    flat,
    held_weights,
    team_experiment,
)
from foundry.testing.runs import contents_of
from foundry.training.lifecycle import CONFIG_NAME

FREE = SamplingRule(temperature=1.0)


def team(context: Context) -> TeamExperiment:
    return team_experiment(ContractOptions.of_userdata(context.config.userdata), context.origin)


def signing(context: Context) -> Signing:
    state: Signing = context.world.of(Signing)
    return state


@given("the team's experiment")
def the_experiment(context: Context) -> None:
    context.world.attach("The experiment's demands", team(context).asked.acceptance.model_dump_json(indent=2), "json")


@given("a limit acceptance.{threshold}")
def limit_is_set(context: Context, threshold: str) -> None:
    if getattr(team(context).asked.acceptance, threshold) is None:
        context.scenario.skip(f"acceptance.{threshold} is not set")


@given("it keeps documents for validation")
def keeps_validation(context: Context) -> None:
    if not team(context).asked.has_validation:
        context.scenario.skip("data.validation_fraction is 0, so that no step is better than another")


@given("its short training is complete")
@when("its short training is over")
def training_over(context: Context) -> None:
    signing(context).run = team(context).run


@then("it was trained with the team's settings, apart from")
def trained_alike(context: Context) -> None:
    run = signing(context).run
    assert run is not None
    asked, trained = (
        flat(weight_settings(config)) for config in (team(context).asked, load_experiment(run.folder / CONFIG_NAME))
    )
    different = {key for key in asked.keys() | trained.keys() if asked.get(key) != trained.get(key)}
    unexpected = different - {row["setting"] for row in context.table} - {"data.git.revision", "model.revision"}
    assert not unexpected, {key: (asked.get(key), trained.get(key)) for key in sorted(unexpected)}


BITS = {"none": set(), "int8": {8.0}, "nf4": {4.0}, "fp4": {4.0}}


@then("its weights are held and adapted as the team's experiment says")
def weights_held(context: Context) -> None:
    run, asked = signing(context).run, team(context).asked
    assert run is not None
    bits, is_adapted = held_weights(run, team(context).device)
    expected = BITS[asked.model.quantization], asked.lora is not None
    assert (bits, is_adapted) == expected, f"bits and adapter: {bits, is_adapted}, expected {expected}"


@given("its short training was killed before its last step")
def training_killed(context: Context) -> None:
    signing(context).killed = team(context).kill(Path().resolve())


@when("the killed training is launched again")
def killed_launched(context: Context) -> None:
    signing(context).again = team(context).launch(team(context).short(Path()))


@then("it goes on after a checkpoint of the killed process")
def goes_on(context: Context) -> None:
    again, steps = signing(context).again, team(context).asked.acceptance.steps
    assert again is not None and again.answer is not None, f"the launch ended with {again}"
    _, first, last = again.answer
    assert 1 < first < steps == last, f"it made the steps {first} to {last} of {steps}, and began anew with step 1"


@then("its metrics, checkpoints and publication are bit-identical to those of the uninterrupted training")
def bit_identical(context: Context) -> None:
    killed = signing(context).killed
    assert killed is not None
    assert_identical_runs(team(context).run.folder, killed.folder)


@when("a short training of it gets worse in the end")
def gets_worse(context: Context) -> None:
    signing(context).run = run = team(context).launch_that_gets_worse(Path())
    assert best_step(run) < run.record.steps_done, f"the best step is the last one, {run.record.steps_done}"


@then("the published model is its best checkpoint, byte for byte")
def best_published(context: Context) -> None:
    run = signing(context).run
    assert run is not None and run.record.published is not None, f"nothing is published: {run and run.record}"
    best = best_step(run) if team(context).asked.has_validation else run.record.steps_done
    published, checkpoint = Path(run.record.published.location), manifests.checkpoint_folder(run.checkpoints, best)
    steps = run.record.published.step, manifests.read_manifest(published).step
    assert steps == (best, best), f"published is step {steps}, the best is step {best}"
    digests = [sha256_of(folder / manifests.WEIGHTS_NAME) for folder in (published, checkpoint)]
    assert digests[0] == digests[1], f"SHA-256 of the published weights and of step {best}: {digests}"


@when("the complete training is launched again")
def complete_launched(context: Context) -> None:
    state, experiment = signing(context), team(context)
    state.before = contents_of(experiment.folder / "runs", experiment.folder / "artifacts")
    state.command = experiment.command("train", str(experiment.file))


@then("the launch says that nothing was left to train")
def nothing_left(context: Context) -> None:
    command = signing(context).command
    assert command is not None and command.exit_code == 0, f"the launch failed: {command}"
    assert "is complete, nothing was left to train" in command.stdout, command.stdout


@then("no file of the run and its publication has changed")
def nothing_changed(context: Context) -> None:
    folder, before = team(context).folder, signing(context).before
    after = contents_of(folder / "runs", folder / "artifacts")
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert before and not changed, f"changed: {changed}"


@then("its run and its publication verify")
def run_verifies(context: Context) -> None:
    run = signing(context).run
    assert run is not None
    found = verify_run(run.folder, print)
    published = [finding for finding in found.findings if finding.subject.startswith("publi")]
    assert found.is_whole and published, found.rows()


@when("the published model is copied elsewhere and continues a prompt")
def copied(context: Context) -> None:
    published = team(context).run.record.published
    assert published is not None
    copy = shutil.copytree(published.location, "copied-model")
    generator = Generator.load(copy, team(context).device)
    signing(context).texts = [texts_of(generator, [PROMPTS[0]])]


@then("it has written a text")
def has_written(context: Context) -> None:
    [[text]] = signing(context).texts
    assert text.startswith(PROMPTS[0]) and len(text) > len(PROMPTS[0]), repr(text)


def texts_of(generator: Generator, prompts: list[str], rule: SamplingRule = FREE, seed: int = 3) -> list[str]:
    return [text.full_text for text in generator.generate(prompts, NEW_TOKENS, rule, seed=seed)]


@when("its model continues prompts in this process and in another, with the same seed")
def same_seed(context: Context) -> None:
    here = [texts_of(team(context).generator(), list(PROMPTS)) for _ in range(2)]
    other = team(context).writing
    assert other.exit_code == 0, f"the other process ended with {other.exit_code}: {other.stderr}"
    signing(context).texts = [*here, [text["full_text"] for text in json.loads(other.stdout)]]


@when("its model continues prompts together and one by one")
def together_and_alone(context: Context) -> None:
    generator = team(context).generator()
    alone = [texts_of(generator, [prompt])[0] for prompt in PROMPTS]
    signing(context).texts = [texts_of(generator, list(PROMPTS)), alone]


@when("its model continues prompts with the likeliest tokens, with several seeds")
def without_chance(context: Context) -> None:
    generator = team(context).generator()
    rules = (SamplingRule(temperature=0), SamplingRule(temperature=0), SamplingRule(temperature=1.0, top_k=1))
    signing(context).texts = [
        texts_of(generator, list(PROMPTS), rule, seed) for rule, seed in zip(rules, (1, 2, 3), strict=True)
    ]


@then("the texts are the same")
def texts_same(context: Context) -> None:
    first, *others = signing(context).texts
    context.world.attach("Texts", "\n---\n".join(first))
    assert others and all(other == first for other in others), f"texts: {signing(context).texts}"


@when("its model is evaluated")
def evaluated(context: Context) -> None:
    signing(context).figures = figures_of(team(context).evaluation)
    context.world.attach("Evaluation", json.dumps(team(context).evaluation, indent=2), "json")


@then("the {figure} is within acceptance.{threshold}")
def figure_is_within(context: Context, figure: str, threshold: str) -> None:
    found = signing(context).figures[figure]
    assert isinstance(found, float), f"acceptance.{threshold} is set, and the {figure} cannot be had: {found}"
    problem = shortfall(team(context).asked.acceptance, threshold, found)
    assert not problem, problem


@when("the memory of {act} is measured in a process of its own")
def memory_measured(context: Context, act: str) -> None:
    measured = team(context).training if act == "training" else team(context).writing
    assert measured.exit_code == 0, f"{act} ended with {measured.exit_code}: {measured.stderr}"
    signing(context).figures = {"memory": measured.peak_bytes / 1e6}
    context.world.attach(f"Memory of {act}", f"{measured.peak_bytes / 1e6:,.0f} MB")
