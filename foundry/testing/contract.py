"""The experiment whose model a team signs: its short trainings in real processes, and what is found of its model.

What is expensive is done once a process for the same options, and shared by the scenarios.
"""

from __future__ import annotations

import contextlib
import functools
import json
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundry.acceptance.contract import ContractOptions, scaled_down
from foundry.artifacts.download import Fetching
from foundry.artifacts.references import is_reference
from foundry.config import ExperimentConfig
from foundry.config_file import load_experiment, to_yaml
from foundry.evaluation.prompts import load_prompts
from foundry.hardware import choose_device
from foundry.model_files import opened_model
from foundry.testing.faults import launch_and_signal
from foundry.testing.finetuned import held_bits, quantized_layers
from foundry.testing.forking import Ended, in_a_fork
from foundry.testing.measured import Measured, run_measured
from foundry.testing.repositories import python_project
from foundry.training.lifecycle import Run
from foundry.training.metrics import read_metrics

if TYPE_CHECKING:
    from foundry.generation import Generator

SHIPPED = Path("configs/tiny.yaml")
"""In the project: what is tried where no experiment is named, on a repository of the test kit."""
LONGEST_SECONDS = 7200.0
"""Of one short training: that of a large model may last."""
PROMPTS = ("def ", "class Shape:\n    def area(self):\n        return ", "# ")
NEW_TOKENS = 16
WORSENING = (30.0, 300.0)
"""Times the team's learning rate: where it rises to that, the loss rises in the end."""
NOTHING_LEARNED = 1e-30


@dataclass
class Signing:
    """What the steps of one scenario share."""

    killed: Run | None = None
    again: Ended | None = None
    run: Run | None = None
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    texts: list[list[str]] = field(default_factory=list)
    command: Measured | None = None
    figures: dict[str, float | str] = field(default_factory=dict)


class TeamExperiment:
    """One experiment under acceptance.

    Args:
        options: what was named on the command line.
        origin: the folder in which that was; relative paths begin there.
    """

    def __init__(self, options: ContractOptions, origin: Path) -> None:
        import torch

        options.require_usable(origin)
        self._held = tempfile.TemporaryDirectory(prefix="contract-")
        self.folder = Path(self._held.name).resolve()
        self.asked = options.experiment(origin) if options.config else self._shipped(origin / SHIPPED, options.device)
        self.device = self.asked.training.device
        self._model = options.model
        self._origin = origin
        if options.config:
            torch.set_num_threads(torch.multiprocessing.cpu_count())
        self.num_threads = torch.get_num_threads()

    def _shipped(self, path: Path, device: str) -> ExperimentConfig:
        repository = python_project(self.folder / "project", num_commits=12)
        overrides = [f"data.git.repository={json.dumps(str(repository.folder))}"]
        return load_experiment(path, [*overrides, *([f"training.device={device}"] if device else [])])

    def short(self, folder: Path) -> ExperimentConfig:
        """The experiment scaled down, with its run and its artifact in `folder`."""
        return scaled_down(self.asked, folder.resolve(), self.folder / "data")

    @functools.cached_property
    def training(self) -> Measured:
        """The short training without interruption, by the command in a process of its own."""
        self.file.write_text(to_yaml(self.short(self.folder)), encoding="utf-8")
        return self.command("train", str(self.file), "--quiet")

    @property
    def file(self) -> Path:
        """The experiment scaled down, as the command reads it."""
        return self.folder / "contract.yaml"

    @property
    def run(self) -> Run:
        """The run of the short training."""
        assert self.training.exit_code == 0, (
            f"the training ended with {self.training.exit_code}: {self.training.stderr}"
        )
        [record] = (self.folder / "runs").glob("*/run.json")
        return Run.open(record.parent)

    def command(self, *arguments: str) -> Measured:
        """A `foundry` command in a process of its own, in the folder where relative paths begin."""
        with contextlib.chdir(self._origin):
            return run_measured(arguments, self.num_threads, LONGEST_SECONDS)

    def kill(self, folder: Path) -> Run:
        """Launch the short training in `folder`, and kill its process in the step before the last one."""
        config = self.short(folder)
        moment = f"step {self.asked.acceptance.steps - 1}"
        code = launch_and_signal(config, moment, signal.SIGKILL, timeout=LONGEST_SECONDS)
        assert code == -signal.SIGKILL, f"the process ended with {code}, and was to be killed"
        [record] = (folder / "runs").glob("*/run.json")
        return Run.open(record.parent)

    def launch(self, config: ExperimentConfig) -> Ended:
        """Launch a training in a process of its own; the answer is its run folder, and its first and last step."""
        return in_a_fork(_train, config, self.num_threads, timeout=LONGEST_SECONDS)

    def launch_that_gets_worse(self, folder: Path) -> Run:
        """A short training whose last step is not its best: its learning rate rises to its end, far too high.

        Where the loss falls all the same, nothing is learned, and of equal losses the first is the best.

        Raises:
            AssertionError: even then the last step is the best.
        """
        short, warmup = self.short(folder), self.asked.acceptance.steps - 1
        for rate in (*(factor * short.training.learning_rate for factor in WORSENING), NOTHING_LEARNED):
            changed = {"learning_rate": rate, "warmup_steps": warmup, "evaluation_interval": 1}
            ended = self.launch(short.model_copy(update={"training": short.training.model_copy(update=changed)}))
            if ended.answer is not None and best_step(run := Run.open(Path(ended.answer[0]))) < run.record.steps_done:
                return run
        raise AssertionError(f"each training was at its best in its last step; the last one ended with {ended}")

    @property
    def model(self) -> str:
        """The model that is to be signed: the one that was named, else that of the short training."""
        if not self._model:
            return str(self.run.folder)
        return self._model if is_reference(self._model) else str(self._origin / Path(self._model).expanduser())

    def generator(self) -> Generator:
        """The model that is to be signed, loaded anew."""
        from foundry.generation import Generator

        with contextlib.chdir(self._origin):
            return Generator.load(self.model, self.device)

    @functools.cached_property
    def writing(self) -> Measured:
        """What the command writes for the prompts, as JSON, in a process of its own."""
        prompts = [part for prompt in PROMPTS for part in ("--prompt", prompt)]
        how = ["--max-new-tokens", str(NEW_TOKENS), "--temperature", "1", "--top-k", "0", "--top-p", "1", "--seed", "3"]
        return self.command("generate", self.model, *prompts, *how, "--device", self.device, "--json")

    @functools.cached_property
    def evaluation(self) -> dict[str, Any]:
        """What is found of the model by the prompts and thresholds of the section `acceptance`."""
        from foundry.evaluation.behaviour.evaluation import Request, evaluate

        asked = self.asked.acceptance
        request = Request(
            self.model,
            load_prompts(asked.prompts),
            asked.samples,
            asked.max_new_tokens,
            asked.temperature,
            base="none",
            device=self.device,
            max_problems=0 if asked.min_pass_at_1 is None else None,
        )
        with contextlib.chdir(self._origin):
            return dict(evaluate(request).content)


def best_step(run: Run) -> int:
    """The step of the lowest validation loss in the metrics, ties to the earlier."""
    evaluated = [row for row in read_metrics(run.metrics) if "validation_loss" in row]
    return int(min(evaluated, key=lambda row: (row["validation_loss"], row["step"]))["step"])


def figures_of(evaluation: Mapping[str, Any]) -> dict[str, float | str]:
    """The figures that have a threshold; in place of one that cannot be had, why."""
    summary, held_out, problems = (evaluation[name] for name in ("summary", "held_out", "problems"))
    samples = summary["samples"]
    return {
        "share of good texts": summary["successes"] / samples if samples else "no prompt was continued",
        "share of texts that parse": summary["parse_rate"] if samples else "no prompt was continued",
        "perplexity": held_out.get("perplexity", held_out.get("left_out")),
        "share of passed tests": problems["pass_at"]["1"] if "pass_at" in problems else problems["left_out"],
    }


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted keys."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def held_weights(run: Run, device: str) -> tuple[set[float], bool]:
    """How a run's model is held while it is trained: the bits of its quantised numbers, and whether it is adapted."""
    with opened_model(run.folder, Fetching()) as found:
        if found.base is None:
            return set(), False
        from foundry.models.restoring import restored_model

        model = restored_model(found, choose_device(device), is_to_write=False)
    bits = {held_bits(layer) for _, layer in quantized_layers(model)}
    return bits, any("lora_A" in name for name, _ in model.named_parameters())


@functools.cache
def team_experiment(options: ContractOptions, origin: Path) -> TeamExperiment:
    """The experiment of this process; see `TeamExperiment`."""
    return TeamExperiment(options, origin)


def _train(config: ExperimentConfig, num_threads: int) -> tuple[str, int | None, int | None]:
    import torch

    from foundry.trainer import Trainer

    torch.set_num_threads(num_threads)
    report = Trainer(config).train()
    return str(report.run_folder), report.first_step, report.last_step
