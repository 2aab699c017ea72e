"""The behavioural evaluation of one model: what it writes, what its base writes, and how well it predicts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foundry.artifacts.download import Fetching
from foundry.data.progress import Report
from foundry.errors import FoundryError
from foundry.evaluation.behaviour.figures import figures_by_language, figures_of
from foundry.evaluation.behaviour.grammars import require_grammars
from foundry.evaluation.behaviour.held_out import data_of_run, predicted
from foundry.evaluation.behaviour.judge import Judge
from foundry.evaluation.behaviour.problems import problem_figures
from foundry.evaluation.behaviour.prompt_tokens import seen_tokens, token_statistics
from foundry.evaluation.behaviour.samples import Answer, Asked, Plan, answers_of, asked_in
from foundry.evaluation.behaviour.subject import Base, Subject, base_of, open_subject
from foundry.evaluation.prompts import PromptFile
from foundry.generation.sampling import SamplingRule
from foundry.hardware import give_back_memory

if TYPE_CHECKING:
    from foundry.data.processor import PreparedData
    from foundry.generation import Generator

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Request:
    """What is to be evaluated, and how.

    Attributes:
        reference: a run folder, a published model, or what else `foundry generate` takes.
        base: what to compare with: a reference, `none`, or None for what the training began with.
        max_problems: so many of the built-in functions with unit tests are tried; 0 tries none, None all.
    """

    reference: str
    prompts: Sequence[PromptFile]
    num_samples: int = 2
    max_new_tokens: int = 64
    temperature: float = 0.8
    top_p: float | None = 0.95
    seed: int = 0
    base: str | None = None
    device: str = "auto"
    max_problems: int | None = 0

    @property
    def plan(self) -> Plan:
        """How texts are written."""
        rule = SamplingRule(self.temperature, None, self.top_p)
        return Plan(self.num_samples, self.max_new_tokens, rule, self.seed)


@dataclass(frozen=True)
class Evaluation:
    """What was found out.

    Attributes:
        content: plain values, equal for equal models, prompts and settings.
        timings: seconds, by what was done.
    """

    content: Mapping[str, Any]
    timings: Mapping[str, Any] = field(default_factory=dict)


def evaluate(request: Request, report: Report | None = None, how: Fetching | None = None) -> Evaluation:
    """Evaluate a model.

    Args:
        report: takes lines of progress.
        how: how a model in a registry is fetched.

    Raises:
        UserError: there is no such model, a value is out of its range, or a library is missing.
        FoundryError: a file of the model is damaged, or its logits are not finite.
    """
    plan, asked = request.plan, asked_in(request.prompts)
    require_grammars({item.language for item in asked})
    how = how or Fetching()
    with contextlib.ExitStack() as held:
        judge = held.enter_context(Judge())
        subject = open_subject(request.reference, request.device, how, held)
        base = base_of(subject, request.base, request.device, how)
        timings: dict[str, Any] = {}
        with _timed(timings, "held_out"):
            data, held_out = _held_out(subject, report)
        writing = _Writing(asked, plan, judge, report)
        with _timed(timings, "samples"):
            generator = subject.load()
            own = writing.answers(generator, subject.name)
            statistics = _prompt_statistics(asked, generator, data)
        with _timed(timings, "problems"):
            problems = problem_figures(generator, plan, request.max_problems, report)
        del generator
        give_back_memory()
        with _timed(timings, "base_samples"):
            compared, base_content = _compared(base, request.base is not None, writing)
    timings["prompts"] = {f"{item.asked.language}: {item.asked.prompt.name}": item.seconds for item in own}
    return Evaluation(
        {
            "format_version": FORMAT_VERSION,
            "model": _described(subject),
            "settings": _settings(request),
            "summary": figures_of(own),
            "languages": figures_by_language(own),
            "held_out": held_out,
            "problems": problems,
            "base": base_content,
            "prompts": _prompts(own, statistics, compared),
        },
        timings,
    )


@dataclass(frozen=True)
class _Writing:
    """What both models are asked, in the same way."""

    asked: Sequence[Asked]
    plan: Plan
    judge: Judge
    report: Report | None

    def answers(self, generator: Generator, who: str) -> list[Answer]:
        return answers_of(generator, self.asked, self.plan, self.judge, self.report, who)


@contextlib.contextmanager
def _timed(timings: dict[str, Any], name: str) -> Any:
    started = time.perf_counter()
    yield
    timings[f"{name}_seconds"] = round(time.perf_counter() - started, 3)


def _held_out(subject: Subject, report: Report | None) -> tuple[PreparedData | None, dict[str, Any]]:
    """The data of the run, and how well its validation blocks are predicted, or why that is left out."""
    if subject.run is None or subject.files is None:
        return None, {"left_out": "only a run folder says which texts were held out; this is a model by itself"}
    try:
        data = data_of_run(subject.run, subject.files.config, report)
        if data.validation is None:
            return data, {"left_out": "the run keeps no documents for validation (data.validation_fraction is 0)"}
        found = predicted(subject.trained_form(), data.validation, data.tokenizer, subject.files.config, report)
    except FoundryError as error:
        return None, {"left_out": f"its data cannot be had: {error}"}
    give_back_memory()
    return data, found.as_dict()


def _compared(base: Base | None, is_required: bool, writing: _Writing) -> tuple[list[Answer] | None, dict[str, Any]]:
    """What the model to compare with writes, or why that is left out.

    Args:
        is_required: the user has named it, so that it is an error if it is not there.
    """
    if base is None:
        return None, {"left_out": "nothing was named to compare with"}
    try:
        generator = base.load()
    except FoundryError as error:
        if is_required:
            raise
        return None, {"name": base.name, "left_out": str(error)}
    answers = writing.answers(generator, base.name)
    return answers, {"name": base.name, "summary": figures_of(answers), "languages": figures_by_language(answers)}


def _prompt_statistics(asked: Sequence[Asked], generator: Generator, data: PreparedData | None) -> list[dict[str, Any]]:
    tokenizer, context = generator.tokenizer, generator.context
    seen = None if data is None else seen_tokens(data.training.tokens, tokenizer.vocab_size)
    return [token_statistics(item.prompt.text, tokenizer, context, seen) for item in asked]


def _described(subject: Subject) -> dict[str, Any]:
    files, run = subject.files, subject.run
    return {
        "name": subject.name,
        "step": None if files is None else files.step,
        "steps_done": None if run is None else run.record.steps_done,
        "best_validation_loss": None if run is None else run.record.best_validation_loss,
        "pretrained": None if files is None or files.base is None else files.base.reference,
        "device": subject.device.type,
    }


def _settings(request: Request) -> dict[str, Any]:
    names = ("num_samples", "max_new_tokens", "temperature", "top_p", "seed", "max_problems")
    return {name: getattr(request, name) for name in names}


def _prompts(
    own: Sequence[Answer], statistics: Sequence[dict[str, Any]], compared: Sequence[Answer] | None
) -> list[dict[str, Any]]:
    described = []
    for number, answer in enumerate(own):
        prompt = answer.asked.prompt
        described.append(
            {
                "language": answer.asked.language,
                "name": prompt.name,
                "text": prompt.text,
                "expect": list(prompt.expect),
                "tokens": statistics[number],
                "samples": [sample.as_dict() for sample in answer.samples],
                "base_samples": None if compared is None else [s.as_dict() for s in compared[number].samples],
            }
        )
    return described
