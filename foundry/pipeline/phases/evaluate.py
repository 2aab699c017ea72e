"""The phase `evaluate`: what the trained model writes, see `foundry.evaluation.behaviour`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.errors import FoundryError
from foundry.evaluation.prompts import prompts_of_languages, shipped_prompts
from foundry.files import sha256_of
from foundry.pipeline.config import PipelineConfig
from foundry.pipeline.phase import EVALUATION_FOLDER, RUNS_FOLDER, PhaseOutcome, PhaseSkipped, Pipeline

MOST_LANGUAGES = 2
LEAST_SHARE = 0.1
"""Of the bytes in languages with shipped prompts; a language with less is not asked for."""


class Evaluate:
    """Lets the model of the run continue prompts, and writes the report about it."""

    name = "evaluate"

    def settings(self, config: PipelineConfig) -> Mapping[str, Any]:
        """See `Phase.settings`."""
        return config.evaluate.model_dump(mode="json")

    def inputs(self, pipeline: Pipeline) -> Mapping[str, str]:
        """See `Phase.inputs`."""
        trained = _trained(pipeline)
        found = {name: str(trained[name]) for name in ("run", "weights", "data") if trained.get(name)}
        for path in prompt_files(pipeline):
            if not path.is_file():
                raise FoundryError(f"evaluate.prompts: {path}: no such file; name one, or a shipped language")
            found[f"prompts {path.name}"] = sha256_of(path)
        return found

    def run(self, pipeline: Pipeline) -> PhaseOutcome:
        """See `Phase.run`."""
        paths = prompt_files(pipeline)
        if not paths:
            raise PhaseSkipped(
                f"there are prompts for {', '.join(shipped_prompts())}, and the repository is in none of these "
                "languages; name a file in evaluate.prompts"
            )
        from foundry.evaluation.behaviour.evaluation import Request, evaluate
        from foundry.evaluation.behaviour.files import EVALUATION_NAME, PAGE_NAME, write_evaluation
        from foundry.evaluation.prompts import load_prompts

        settings = pipeline.config.evaluate
        request = Request(
            reference=str(pipeline.folder / RUNS_FOLDER / _trained(pipeline)["run"]),
            prompts=load_prompts(paths),
            num_samples=settings.samples,
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_problems=settings.max_problems if "python" in {path.stem for path in paths} else 0,
        )
        evaluation = evaluate(request, pipeline.report)
        write_evaluation(evaluation, pipeline.folder / EVALUATION_FOLDER)
        timings = {name: value for name, value in evaluation.timings.items() if isinstance(value, float)}
        outputs = tuple(Path(EVALUATION_FOLDER) / name for name in (EVALUATION_NAME, PAGE_NAME))
        return PhaseOutcome(figures_for_manifest(evaluation.content), outputs, timings=timings)


def _trained(pipeline: Pipeline) -> Mapping[str, Any]:
    """What the phase `train` has found.

    Raises:
        FoundryError: it has not been done.
    """
    trained = pipeline.results.get("train", {})
    if not trained.get("run"):
        raise FoundryError("there is no trained model; the phase train makes it: run the pipeline from there")
    return trained


def prompt_files(pipeline: Pipeline) -> list[Path]:
    """The files that the configuration names, else the shipped ones of the main languages of the repository."""
    if pipeline.config.evaluate.prompts:
        return named_prompt_files(pipeline.config, pipeline.base)
    return prompts_of_languages(main_languages(pipeline.results.get("analyze", {}).get("languages", {})))


def named_prompt_files(config: PipelineConfig, base: Path) -> list[Path]:
    """The files that the configuration names; `base` is the folder that relative paths in it begin at."""
    shipped = shipped_prompts()
    beside = [(path, base / path) for path in config.evaluate.prompts]
    return [shipped.get(str(path), full) if not full.exists() else full for path, full in beside]


def main_languages(languages: Mapping[str, int]) -> list[str]:
    """Of the languages with shipped prompts the largest, at most two, each with a tenth of the bytes of all of them.

    Args:
        languages: bytes by language.
    """
    sizes = {name: size for name, size in languages.items() if name.lower() in shipped_prompts()}
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_LANGUAGES]
    return [name for name in largest if sizes[name] >= LEAST_SHARE * sum(sizes.values())]


def figures_for_manifest(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest keeps of an evaluation, as plain values."""
    summary, held_out, base, problems = (content[name] for name in ("summary", "held_out", "base", "problems"))
    names = ("prompts", "samples", "success_rate", "parse_rate", "complete_functions")
    return {
        **{name: summary[name] for name in names},
        "success_by_language": {name: found["success_rate"] for name, found in content["languages"].items()},
        "base": base.get("name"),
        "base_success_rate": base.get("summary", {}).get("success_rate"),
        "perplexity": held_out.get("perplexity"),
        "bits_per_byte": held_out.get("bits_per_byte"),
        "pass_at_1": problems.get("pass_at", {}).get("1"),
    }
