"""Steps about the behavioural evaluation of models, after their training and during it."""

from __future__ import annotations

import html
import json
import math
import random
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import torch
from behave import given, then, when
from behave.runner import Context

from foundry.data.tokenizers import load_tokenizer
from foundry.evaluation.behaviour.evaluation import Evaluation
from foundry.generation import Generator, SamplingRule
from foundry.testing.evaluated_models import NEW_TOKENS, small_evaluation, texts_of, write_small_prompts
from foundry.testing.finetuned import Tuning
from foundry.testing.runs import Runs
from foundry.training.lifecycle import BEHAVIOUR_NAME
from foundry.training.metrics import read_metrics


@dataclass
class Evaluated:
    """The evaluations of a scenario, the first one first."""

    found: list[Evaluation] = field(default_factory=list)

    @property
    def first(self) -> Any:
        return self.found[0].content

    @property
    def second(self) -> Any:
        return self.found[1].content


def evaluated(context: Context) -> Evaluated:
    state: Evaluated = context.world.of(Evaluated)
    return state


def runs_of(context: Context) -> Runs:
    found: Runs = context.world.of(Runs)
    assert found.error is None, f"the launch failed: {found.error}"
    return found


@given("a document of its corpus has changed, and the prepared data is gone")
def corpus_changed(context: Context) -> None:
    document = sorted(Path("corpus").iterdir())[0]
    document.write_text(document.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    shutil.rmtree(runs_of(context).folder.parent / ".data")


@given("it is to be evaluated every {count:d} epochs")
def to_be_evaluated(context: Context, count: int) -> None:
    paths = [str(path) for path in write_small_prompts(Path())]
    settings = {"every_epochs": count, "prompts": paths, "max_new_tokens": 4}
    context.world.of(Runs).settings.update({f"evaluation.{name}": value for name, value in settings.items()})


@when("it is evaluated")
def is_evaluated(context: Context) -> None:
    evaluated(context).found.append(small_evaluation(runs_of(context).folder))


@when("it is evaluated with the seed {seed:d}, and again after others have drawn random numbers")
def evaluated_twice(context: Context, seed: int) -> None:
    for _ in range(2):
        evaluated(context).found.append(small_evaluation(runs_of(context).folder, seed=seed))
        torch.rand(3)
        numpy.random.rand()
        random.random()


@when("the run and its published model are evaluated")
def run_and_model_evaluated(context: Context) -> None:
    published = runs_of(context).finished.record.published
    assert published is not None, "nothing was published"
    for reference in (runs_of(context).folder, published.location):
        evaluated(context).found.append(small_evaluation(reference))


@when("it is evaluated beside itself, and beside none")
def evaluated_beside(context: Context) -> None:
    folder = runs_of(context).folder
    for base in (str(folder), "none"):
        evaluated(context).found.append(small_evaluation(folder, base=base))


def expect_equal(found: Any, expected: Any) -> None:
    assert found == expected, f"found:    {found!r}\nexpected: {expected!r}"


@then("both evaluations are equal to the last character")
def evaluations_equal(context: Context) -> None:
    first, second = (json.dumps(evaluation.content, indent=1) for evaluation in evaluated(context).found)
    assert len(first) > 1000
    expect_equal(first.split("\n"), second.split("\n"))


@then("with the seed {seed:d} its texts differ")
def other_seed_differs(context: Context, seed: int) -> None:
    other = texts_of(small_evaluation(runs_of(context).folder, seed=seed).content)
    assert other != texts_of(evaluated(context).first), other


@then("with {count:d} texts for each prompt the first {kept:d} are the same")
def more_texts(context: Context, count: int, kept: int) -> None:
    seed = evaluated(context).first["settings"]["seed"]
    more = texts_of(small_evaluation(runs_of(context).folder, seed=seed, num_samples=count).content)
    expect_equal([texts[:kept] for texts in more], texts_of(evaluated(context).first))
    assert all(len(texts) == count for texts in more), more


@then("both have written the same texts, and so have their bases")
def same_texts(context: Context) -> None:
    state = evaluated(context)
    for key in ("samples", "base_samples"):
        expect_equal(texts_of(state.second, key), texts_of(state.first, key))
    assert texts_of(state.first) != texts_of(state.first, "base_samples")


@then("only the run has a perplexity, and for the other it is said why")
def only_run_has_perplexity(context: Context) -> None:
    state = evaluated(context)
    assert state.first["held_out"]["perplexity"] > 1, state.first["held_out"]
    expect_equal(list(state.second["held_out"]), ["left_out"])


@then("its held-out loss is the best validation loss of the run, to the bit")
def loss_is_best(context: Context) -> None:
    expected = runs_of(context).record.best_validation_loss
    assert expected is not None
    expect_equal(evaluated(context).first["held_out"].get("loss"), expected)


@then("its perplexity is the exponential of that, and that of single blocks averages to it")
def perplexity_is_exponential(context: Context) -> None:
    held_out = evaluated(context).first["held_out"]
    expect_equal(held_out["perplexity"], math.exp(held_out["loss"]))
    single = held_out["single_blocks"]
    expect_equal(len(single), held_out["blocks"])
    mean = sum(math.log(value) for value in single) / len(single)
    assert abs(mean - held_out["loss"]) < 0.15, f"{mean} and {held_out['loss']}: the last block is shorter, no more"
    assert 0 < held_out["bits_per_byte"] < held_out["loss"] / math.log(2) * 1.5, held_out


@then('the perplexity is left out because "{reason}"')
def perplexity_left_out(context: Context, reason: str) -> None:
    held_out = evaluated(context).first["held_out"]
    assert reason in held_out.get("left_out", ""), held_out


@then("there are {count:d} texts")
def so_many_texts(context: Context, count: int) -> None:
    content = evaluated(context).first
    expect_equal((sum(map(len, texts_of(content))), content["summary"]["samples"]), (count, count))


@then('the model and its base, "{name}", have written the same texts')
def base_wrote_the_same(context: Context, name: str) -> None:
    content = evaluated(context).first
    expect_equal(content["base"].get("name"), name)
    expect_equal(texts_of(content, "base_samples"), texts_of(content))


@then('the model and its base, "{name}", have written different texts')
def base_wrote_others(context: Context, name: str) -> None:
    content = evaluated(context).first
    expect_equal(content["base"].get("name"), name)
    own, base = texts_of(content), texts_of(content, "base_samples")
    assert [len(texts) for texts in own] == [len(texts) for texts in base] and own != base, (own, base)


@then("the texts of the base are those that the pretrained model writes by itself")
def base_is_pretrained(context: Context) -> None:
    content, base = evaluated(context).first, context.world.of(Tuning).base
    generator = Generator.load(base)
    generator.context = runs_of(context).config().data.max_sequence_length
    generator.tokenizer = load_tokenizer(runs_of(context).folder / "tokenizer")
    rule = SamplingRule(1.0, None, content["settings"]["top_p"])
    prompts = [prompt["text"] for prompt in content["prompts"] if prompt["language"] == "c"]
    written = generator.generate(prompts, NEW_TOKENS, rule, seed=0, num_samples=2)
    expect_equal(texts_of(content, "base_samples")[-1], [text.text for text in written])


@then("beside itself the texts are twice the same")
def twice_the_same(context: Context) -> None:
    content = evaluated(context).first
    expect_equal(texts_of(content, "base_samples"), texts_of(content))


@then("beside none there are no others")
def no_others(context: Context) -> None:
    content = evaluated(context).second
    expect_equal(texts_of(content, "base_samples"), [[]] * len(content["prompts"]))
    assert "left_out" in content["base"] and texts_of(content) == texts_of(evaluated(context).first)


@then("the page shows the figures and the texts of report/evaluation.json, and each of them as text")
def page_shows_all(context: Context) -> None:
    content = json.loads(Path("report/evaluation.json").read_text(encoding="utf-8"))
    page = Path("report/evaluation.html").read_text(encoding="utf-8")
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    summary = content["summary"]
    wanted = [f"{summary['success_rate']:.0%}", f"of {summary['samples']} texts succeed", "pass@1 on 1 functions"]
    wanted += [
        f"{content['held_out']['perplexity']:,.4g}",
        content["prompts"][0]["name"],
        content["prompts"][0]["text"],
    ]
    missing = [text for text in wanted if text not in shown]
    assert not missing, f"{missing} not in\n{shown}"
    for hostile in ("<script", "<img", "<b>alert"):
        assert hostile not in page, f"{hostile} stands in the page"
    expect_equal(page.count("<article"), 2 * summary["samples"])


@then("report/evaluation.json holds no time, and report/timings.json does")
def no_time_in_figures(context: Context) -> None:
    figures = Path("report/evaluation.json").read_text(encoding="utf-8")
    assert "seconds" not in figures and "2026-" not in figures
    timings = json.loads(Path("report/timings.json").read_text(encoding="utf-8"))
    assert timings["samples_seconds"] > 0 and timings["base_samples_seconds"] > 0, timings


# --- during training ---


def evaluations_of(folder: Path) -> list[dict[str, Any]]:
    """The evaluations of a run, without the time that they took."""
    return [
        {key: value for key, value in row.items() if key != "time"} for row in read_metrics(folder / BEHAVIOUR_NAME)
    ]


@then("only the other run has no behaviour.jsonl")
def only_watched_run_has_log(context: Context) -> None:
    runs = runs_of(context)
    assert evaluations_of(runs.folder), "it was not evaluated"
    assert not (runs.uninterrupted.run_folder / BEHAVIOUR_NAME).exists()


@then("it was evaluated after the epochs {epochs}, and each time the model wrote {count:d} texts")
def evaluated_after(context: Context, epochs: str, count: int) -> None:
    rows = evaluations_of(runs_of(context).folder)
    expect_equal([int(row["epoch"]) for row in rows], [int(number) for number in epochs.split(", ")])
    expect_equal([row["samples"] for row in rows], [count] * len(rows))
    expect_equal(rows[-1]["step"], runs_of(context).record.steps_done)


@then("its evaluations are those of the uninterrupted run, times aside")
def evaluations_as_uninterrupted(context: Context) -> None:
    runs = runs_of(context)
    expected = evaluations_of(runs.uninterrupted.run_folder)
    assert len(expected) >= 3, expected
    expect_equal(evaluations_of(runs.folder), expected)


@then("the page {name} tells of the texts that the model wrote")
def page_tells_of_texts(context: Context, name: str) -> None:
    page = Path(name).read_text(encoding="utf-8")
    assert "Texts that the model wrote" in page and "share of texts" in page
