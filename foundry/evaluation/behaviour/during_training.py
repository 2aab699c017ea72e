"""The behavioural evaluation while a model is trained: a line in `behaviour.jsonl` after every so many epochs.

It draws no random number that training draws, and changes no weight.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from foundry.config_evaluation import EvaluationConfig
from foundry.errors import FoundryError
from foundry.evaluation.behaviour.figures import figures_by_language, figures_of
from foundry.evaluation.behaviour.judge import Judge
from foundry.evaluation.behaviour.samples import Answer, Plan, answers_of, asked_in
from foundry.generation.generator import Generator
from foundry.generation.sampling import SamplingRule
from foundry.training.events import Message
from foundry.training.lifecycle import BEHAVIOUR_NAME
from foundry.training.metrics import MetricsLog, NoMetrics

if TYPE_CHECKING:
    from torch import nn

    from foundry.training.session import Session


def plan_of(settings: EvaluationConfig, seed: int) -> Plan:
    """How the texts of a run are written."""
    rule = SamplingRule(settings.temperature, None, settings.top_p)
    return Plan(settings.samples, settings.max_new_tokens, rule, seed)


class BehaviourLog:
    """Evaluates the model of a run when that is due, and keeps what was found.

    Args:
        done: the steps that are done; what was written after them is made again.
    """

    def __init__(self, session: Session, done: int) -> None:
        self._session = session
        self._settings = session.config.evaluation
        self._log = self._opened(done)

    def _opened(self, done: int) -> MetricsLog:
        if self._settings.every_epochs is None or not self._session.processes.is_first:
            return NoMetrics()
        return MetricsLog(self._session.run.folder / BEHAVIOUR_NAME, resume_after_step=done)

    def rewind(self, done: int) -> None:
        """Go back to where `done` steps are done."""
        self.close()
        self._log = self._opened(done)

    def close(self) -> None:
        """Close the file."""
        self._log.close()

    def is_due(self, step: int, is_last: bool) -> bool:
        """Whether an epoch that is to be evaluated ends with this step, or the run does."""
        every = self._settings.every_epochs
        return every is not None and (is_last or self._epochs(step) // every > self._epochs(step - 1) // every)

    def _epochs(self, step: int) -> int:
        """The whole epochs that are done after a step."""
        order = self._session.preparation.order
        return step * order.global_batch_size // order.num_blocks

    def evaluate(self, step: int, model: nn.Module) -> None:
        """Let the model write, judge it, and write a line down, which is on disk afterwards.

        Every process of a launch writes the same texts, because a pass through the model may be an affair of all.
        """
        session, started = self._session, time.perf_counter()
        plan = plan_of(self._settings, session.config.random_seed)
        data = session.preparation.data
        try:
            generator = Generator(model, data.tokenizer, session.config.data.max_sequence_length)
            with Judge() as judge:
                answers = answers_of(generator, asked_in(session.preparation.prompts), plan, judge, None, "")
        except FoundryError as error:
            session.warn(f"step {step}: the texts could not be evaluated: {error}")
            return
        row = {"step": step, "epoch": round(self._exact_epochs(step), 4), **row_of(answers)}
        self._log.append({**row, "time": {"seconds": round(time.perf_counter() - started, 3)}})
        self._log.flush_to_disk()
        session.listen(Message(sentence_of(row)))

    def _exact_epochs(self, step: int) -> float:
        order = self._session.preparation.order
        return step * order.global_batch_size / order.num_blocks


def row_of(answers: list[Answer]) -> dict[str, Any]:
    """What is kept of an evaluation during training."""
    figures = figures_of(answers)
    names = ("samples", "success_rate", "parse_rate", "failures", "complete_functions", "ended", "expected_rate")
    return {
        **{name: figures[name] for name in names},
        "median_tokens": figures["tokens"]["median"],
        "success_by_language": {name: found["success_rate"] for name, found in figures_by_language(answers).items()},
    }


def sentence_of(row: dict[str, Any]) -> str:
    """A line of the log in words."""
    return (
        f"step {row['step']}: {row['success_rate']:.0%} of {row['samples']} texts succeed, "
        f"{row['parse_rate']:.0%} parse"
    )
