"""Text from a trained model: a batch of prompts in, their continuations out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from foundry.artifacts.download import Fetching
from foundry.data.tokenizers import Tokenizer, load_tokenizer
from foundry.errors import UserError
from foundry.generation.reader import BatchReader
from foundry.generation.sampling import SamplingRule, next_token, random_generator
from foundry.generation.text import NewText
from foundry.hardware import choose_device
from foundry.model_files import ModelFiles, opened_model
from foundry.models.decoder import Decoder
from foundry.models.decoding import WeightFormat, prepare_for_decoding
from foundry.models.factory import create_model
from foundry.models.io import load_weights
from foundry.models.plausibility import require_weights_beside, require_weights_for
from foundry.models.pretrained import CONFIG, located, names_file_or_package

OnText = Callable[[int, str], None]
"""Is given the number of a generation, in the order of the result, and the text that it has grown by."""


@dataclass(frozen=True)
class Generation:
    """One continuation of one prompt.

    Attributes:
        text: what the model added; special tokens do not show.
        full_text: the whole prompt, however much of it the model saw, and the text.
        tokens: the added token numbers, without the one that ended the text.
        finish_reason: `eos`: the model ended the text; `length`: `max_new_tokens` were added.
        prompt_tokens: tokens in the whole prompt.
        sample: which of the prompt's samples this is, from 0.
        seconds: how long the whole batch took.
    """

    prompt: str
    text: str
    full_text: str
    tokens: list[int]
    finish_reason: Literal["eos", "length"]
    prompt_tokens: int
    sample: int
    seed: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return asdict(self)


@dataclass
class _Row:
    """A generation in the making: prompt and new tokens, and where its chance and its text come from."""

    number: int
    prompt: str
    sample: int
    ids: list[int]
    prompt_tokens: int
    chance: torch.Generator
    new_text: NewText
    ended: bool = field(default=False)

    @property
    def new_ids(self) -> list[int]:
        return self.ids[self.prompt_tokens :]


class Generator:
    """A model, its tokenizer and the context that the model was trained for.

    Each token is predicted from the last `context - 1` tokens before it: a block of `context` tokens trains that many
    predictions. Longer prompts lose their beginning, and the window slides on as the text grows.

    Args:
        model: from `foundry.models.create_model` or `transformers`, on the device that shall compute.
        context: tokens in a training block, at least 2.
    """

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, context: int) -> None:
        if context < 2:
            raise ValueError(f"context ({context}) must be at least 2: one token that is read and one that follows")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.context = context
        embedding = model.embedding if isinstance(model, Decoder) else cast(Any, model).get_input_embeddings()
        self._vocab_size = cast(nn.Embedding, embedding).num_embeddings

    @classmethod
    def load(
        cls,
        reference: str | Path,
        device: str = "auto",
        how: Fetching | None = None,
        weights: WeightFormat = "stored",
        base: str | None = None,
        with_adapter: bool = True,
    ) -> Generator:
        """The generator of a run folder, an artifact folder, a pretrained model, or a model in the registry.

        Args:
            reference: a folder, a `.gguf` file, `package:NAME`, or `wandb://entity/project/artifact:alias`, which is
                fetched once.
            device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
            how: how models in the registry are fetched.
            weights: `stored`: as they are; `int8`: in 8 bits, for the CPU: faster and smaller, and slightly different
                (see `foundry.models.decoding`).
            base: where the pretrained model of an adapter is now, if not where its experiment said.
            with_adapter: false leaves a fine-tuned model's adapter out, for comparison.

        Raises:
            UserError: there is no model at `reference`, or no such device, or it has no product with such weights.
            FoundryError: a file of the model is damaged, or it cannot be fetched.
        """
        place = choose_device(device)
        if is_pretrained(reference):
            if base is not None or not with_adapter:
                raise _no_adapter(base)
            return cls._load_pretrained(str(reference), place)._for_decoding(weights)
        with opened_model(reference, how or Fetching()) as found:
            return cls.of_files(found, device, weights, base, with_adapter)

    @classmethod
    def of_files(
        cls,
        found: ModelFiles,
        device: str = "auto",
        weights: WeightFormat = "stored",
        base: str | None = None,
        with_adapter: bool = True,
    ) -> Generator:
        """The generator of a model that has been opened; see `load`."""
        place = choose_device(device)
        tokenizer = load_tokenizer(found.tokenizer)
        context = found.config.data.max_sequence_length
        if found.base is not None:
            from foundry.models.restoring import restored_model

            model = restored_model(found, place, base=base, with_adapter=with_adapter)
        elif base is not None or not with_adapter:
            raise _no_adapter(base)
        else:
            model = fresh_model(found, tokenizer.vocab_size, context).to(place)
        return cls(model, tokenizer, context)._for_decoding(weights)

    @classmethod
    def _load_pretrained(cls, reference: str, device: torch.device) -> Generator:
        folder = Path(reference)
        if (folder / CONFIG).is_file():
            return cls._load_hugging_face(folder, device)
        from foundry.data.fast_tokenizer import FastTokenizer
        from foundry.models.loading import load_unchanged

        found = located(reference)
        tokenizer = FastTokenizer.of_pretrained_model(found.place)
        model = load_unchanged(found)
        return cls(model.to(device), tokenizer, cast(Any, model).config.max_position_embeddings)

    @classmethod
    def _load_hugging_face(cls, folder: Path, device: torch.device) -> Generator:
        from transformers import AutoModelForCausalLM

        load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
        tokenizer = load_tokenizer(folder)
        try:
            require_weights_beside(folder)
            model = load(folder, local_files_only=True, use_safetensors=True, trust_remote_code=False)
        except Exception as error:  # whatever a folder's content makes of the library's many readers
            raise UserError(f"{folder}: not a causal model of transformers: {' '.join(str(error).split())}") from error
        context = getattr(model.config, "max_position_embeddings", None)
        if context is None:
            raise UserError(f"{folder}: config.json names no context length (max_position_embeddings); add it")
        return cls(model.to(device), tokenizer, context)

    def _for_decoding(self, weights: WeightFormat) -> Generator:
        prepare_for_decoding(self.model, weights)
        return self

    @torch.inference_mode()
    def generate(
        self,
        prompts: Sequence[str],
        max_new_tokens: int,
        rule: SamplingRule,
        seed: int = 0,
        num_samples: int = 1,
        use_cache: bool = True,
        on_text: OnText | None = None,
    ) -> list[Generation]:
        """Continue each prompt, `num_samples` times, in one batch.

        A sample's random numbers depend on the seed and its own number alone, so that a prompt gives the same text
        by itself and among others.

        Args:
            max_new_tokens: the most tokens to add to each prompt; an end-of-text token ends it earlier.
            use_cache: keep the keys and values of tokens read before; the text is the same without.
            on_text: is called with each new piece of text as it comes.

        Returns:
            The samples of the first prompt, then those of the second, and so on.

        Raises:
            UserError: a prompt is empty, or a number is out of its range.
            FoundryError: the model's logits are not finite.
        """
        started = time.perf_counter()
        _require_positive("max_new_tokens", max_new_tokens)
        _require_positive("num_samples", num_samples)
        rows = self._rows(prompts, seed, num_samples)
        reader = BatchReader(self.model, self.context - 1, use_cache)
        active = list(rows)
        for remaining in range(max_new_tokens - 1, -1, -1):
            logits_BV = self._forbid_padding(reader.next_logits([row.ids for row in active]))
            for row, logits_V in zip(active, logits_BV.unbind(), strict=True):
                self._grow(row, next_token(logits_V, rule, row.chance))
                if on_text is not None:
                    _show(row, on_text, finished=row.ended or not remaining)
            going_on = [place for place, row in enumerate(active) if not row.ended]
            if not going_on:
                break
            if len(going_on) < len(active):
                reader.keep(going_on)
                active = [active[place] for place in going_on]
        seconds = time.perf_counter() - started
        return [_generation(row, seed, seconds) for row in rows]

    def _rows(self, prompts: Sequence[str], seed: int, num_samples: int) -> list[_Row]:
        rows: list[_Row] = []
        for prompt in prompts:
            ids = self.tokenizer.encode_prompt(prompt)
            if not ids:
                raise UserError(
                    "the prompt is empty: give at least one character, or <|endoftext|> to begin a new text"
                )
            if max(ids) >= self._vocab_size:
                raise UserError("the prompt holds a special token that the model's vocabulary lacks: leave it out")
            for sample in range(num_samples):
                chance, new_text = random_generator(seed, sample), NewText(self.tokenizer, ids)
                rows.append(_Row(len(rows), prompt, sample, list(ids), len(ids), chance, new_text))
        if not rows:
            raise UserError("there is no prompt: give at least one")
        return rows

    def _forbid_padding(self, logits_BV: Tensor) -> Tensor:
        """Padding is no text, unless the same token ends texts, as in some pretrained tokenizers."""
        if self.tokenizer.eos_id != self.tokenizer.pad_id < self._vocab_size:
            logits_BV[:, self.tokenizer.pad_id] = -torch.inf
        return logits_BV

    def _grow(self, row: _Row, token: int) -> None:
        if token == self.tokenizer.eos_id:
            row.ended = True
        else:
            row.ids.append(token)


def fresh_model(found: ModelFiles, vocab_size: int, context: int) -> nn.Module:
    """A model that was trained from fresh weights, on the CPU."""
    require_weights_for(found.config.model, vocab_size, context, found.weights)
    model = create_model(found.config.model, vocab_size, context)
    load_weights(model, found.weights)
    return model


def is_pretrained(reference: str | Path) -> bool:
    """Whether a model is named that foundry has not trained: a package, a GGUF file, or a Hugging Face folder."""
    return names_file_or_package(str(reference)) or (Path(reference) / CONFIG).is_file()


def _no_adapter(base: str | None) -> UserError:
    option = "--base" if base is not None else "--without-adapter"
    return UserError(f"{option}: is for a fine-tuned model, and this one has no adapter; leave it out")


def _show(row: _Row, on_text: OnText, finished: bool) -> None:
    piece = row.new_text.next_piece(row.new_ids, finished)
    if piece:
        on_text(row.number, piece)


def _generation(row: _Row, seed: int, seconds: float) -> Generation:
    text = row.new_text.decode(row.new_ids)
    return Generation(
        prompt=row.prompt,
        text=text,
        full_text=row.prompt + text,
        tokens=row.new_ids,
        finish_reason="eos" if row.ended else "length",
        prompt_tokens=row.prompt_tokens,
        sample=row.sample,
        seed=seed,
        seconds=seconds,
    )


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise UserError(f"{name} {value}: must be at least 1")
