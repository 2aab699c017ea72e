"""The architectures of `transformers`, built from the same fields as our own decoder.

Each configuration class of `transformers` has its own words for the same thing; the tables here say which of our fields
stands behind which of them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from foundry.config_model import ModelConfig
from foundry.errors import UserError

KEY_VALUE_HEADS = ("num_key_value_heads", "num_kv_heads")
INNER_WIDTH = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")
ACTIVATION = ("hidden_act", "activation_function", "hidden_activation", "activation")
DROPOUT = (
    "dropout",
    "resid_pdrop",
    "embd_pdrop",
    "emb_pdrop",
    "resid_dropout",
    "embed_dropout",
    "residual_dropout",
    "embedding_dropout",
    "hidden_dropout",
    "hidden_dropout_prob",
)
ATTENTION_DROPOUT = ("attention_dropout", "attn_pdrop", "attention_probs_dropout_prob")
EPSILON = ("rms_norm_eps",)
CAUSAL = ("is_decoder",)
"""Says of an architecture that also exists as an encoder that its tokens do not see the ones after them."""
ROUNDING = 1e-4
"""What two computations of the same number may differ by, as a share of a real difference beside them."""
UNUSED = ("bos_token_id", "eos_token_id", "pad_token_id")
"""Defaults that belong to some published tokenizer, and may lie outside our vocabulary."""


def hugging_face_model(config: ModelConfig, vocab_size: int, max_sequence_length: int) -> nn.Module:
    """A causal language model of `transformers` with fresh weights.

    Raises:
        UserError: see `hugging_face_config`; or the architecture cannot be made, cannot read token numbers alone, or
            sees the future.
    """
    built = hugging_face_config(config, vocab_size, max_sequence_length)
    build: Callable[[Any], nn.Module] = AutoModelForCausalLM.from_config
    try:
        model = build(built)
        on_trial = not next(model.parameters()).is_meta
        sees_the_future = on_trial and _sees_the_future(model)
    except Exception as error:  # each architecture raises its own
        raise UserError(
            f"model.architecture {config.architecture} cannot be used with these settings: "
            f"{type(error).__name__}: {_one_line(error)}"
        ) from error
    if sees_the_future:
        raise UserError(
            f"model.architecture {config.architecture} sees the tokens that it has to predict; choose a causal one"
        )
    return model


@torch.no_grad()
def _sees_the_future(model: nn.Module) -> bool:
    """Whether a changed second token changes the logits after the first, by more than rounding does."""
    was_training = model.training
    model.eval()
    ids_BT = torch.tensor([[0, 0], [0, 1]])
    logits_BTV = model(input_ids=ids_BT, use_cache=False).logits.float()
    model.train(was_training)
    before, after = (logits_BTV[0] - logits_BTV[1]).abs().amax(dim=-1).tolist()
    return bool(before > ROUNDING * after)


def hugging_face_config(config: ModelConfig, vocab_size: int, max_sequence_length: int) -> Any:
    """The `transformers` configuration with our sizes, dropouts, activation and options.

    Raises:
        UserError: the architecture is unknown, cannot express one of our fields, or has no key of an option's name.
    """
    config_class = _config_class(config.architecture)
    known = {field.name for field in dataclasses.fields(config_class)}
    settings = _settings(config, config_class, known, vocab_size, max_sequence_length)
    _check_options(config, known, settings)
    try:
        built = config_class(**settings | config.architecture_options)
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise UserError(
            f"model.architecture_options does not suit {config.architecture}: {_one_line(error)}"
        ) from error
    rotary = getattr(built, "rope_parameters", None)
    if isinstance(rotary, dict) and "rope_theta" in rotary and "rope_parameters" not in config.architecture_options:
        rotary["rope_theta"] = config.rope_theta
    return built


def _config_class(architecture: str) -> Any:
    if architecture in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return CONFIG_MAPPING[architecture]
    near = difflib.get_close_matches(architecture, ["decoder", *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES], n=1, cutoff=0.0)
    raise UserError(
        f"model.architecture {architecture!r} is neither decoder nor a causal architecture of transformers; "
        f"did you mean {near[0]!r}?"
    )


def _settings(
    config: ModelConfig, config_class: Any, known: set[str], vocab_size: int, max_sequence_length: int
) -> dict[str, Any]:
    """Our fields under the architecture's own names."""
    sizes = {
        "vocab_size": vocab_size,
        "max_position_embeddings": max_sequence_length,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.attention_heads,
        "head_dim": config.hidden_size // config.attention_heads,
        "tie_word_embeddings": config.tie_embeddings,
    }
    own_names = {config_class.attribute_map.get(name, name): value for name, value in sizes.items()}
    settings: dict[str, Any] = {name: value for name, value in own_names.items() if name in known}
    settings |= {name: None for name in UNUSED if name in known}
    settings |= {name: True for name in CAUSAL if name in known}
    grouped = config.key_value_heads not in (None, config.attention_heads)
    for field, value, names, needed in (
        ("key_value_heads", config.key_value_heads or config.attention_heads, KEY_VALUE_HEADS, grouped),
        (
            "intermediate_hidden_size",
            config.intermediate_hidden_size or 4 * config.hidden_size,
            INNER_WIDTH,
            config.intermediate_hidden_size is not None,
        ),
        ("activation_function", config.activation_function, ACTIVATION, False),
        ("dropout", config.dropout, DROPOUT, config.dropout > 0),
        ("attention_dropout", config.attention_dropout, ATTENTION_DROPOUT, config.attention_dropout > 0),
        ("rms_norm_epsilon", config.rms_norm_epsilon, EPSILON, False),
    ):
        present = [name for name in names if name in known]
        if needed and not present:
            raise UserError(
                f"model.{field} ({value}) has no counterpart in architecture {config.architecture}; remove it"
            )
        settings |= dict.fromkeys(present, value)
    return settings


def _check_options(config: ModelConfig, known: set[str], settings: dict[str, Any]) -> None:
    """Options may add keys and choose another activation or special token, but not contradict our own fields."""
    for option in config.architecture_options:
        if option not in known:
            near = difflib.get_close_matches(option, sorted(known), n=1, cutoff=0.0)
            raise UserError(
                f"model.architecture_options.{option} is not a key of architecture {config.architecture}; "
                f"did you mean {near[0]!r}?"
            )
        if option in settings and option not in (*ACTIVATION, *UNUSED, "head_dim"):
            raise UserError(
                f"model.architecture_options.{option} is decided by a field of model already ({settings[option]}); "
                "change that field and remove the option"
            )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
