"""Our decoder's weights in the names and shapes of `transformers`' Llama, and back.

The two compute the same function; ours holds query, key and value in one matrix, and gate and up in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from foundry.config_model import ModelConfig
from foundry.models.decoder import Decoder, inner_width

EQUAL_PARTS = {
    "attention_norm.weight": "input_layernorm.weight",
    "attention.output.weight": "self_attn.o_proj.weight",
    "feed_forward_norm.weight": "post_attention_layernorm.weight",
    "feed_forward.down.weight": "mlp.down_proj.weight",
}


def llama_config(config: ModelConfig, vocab_size: int, max_sequence_length: int) -> Any:
    """The `transformers.LlamaConfig` of the model that computes what our decoder of this shape computes.

    Raises:
        ValueError: Llama has no factorised embedding.
    """
    from transformers import LlamaConfig

    if config.embedding_size not in (None, config.hidden_size):
        raise ValueError(
            f"embedding_size ({config.embedding_size}) must equal hidden_size ({config.hidden_size}) in a Llama"
        )
    return LlamaConfig(
        vocab_size=vocab_size,
        max_position_embeddings=max_sequence_length,
        hidden_size=config.hidden_size,
        intermediate_size=inner_width(config),
        num_hidden_layers=config.layers,
        num_attention_heads=config.attention_heads,
        num_key_value_heads=config.key_value_heads or config.attention_heads,
        hidden_act=config.activation_function,
        attention_dropout=config.attention_dropout,
        rms_norm_eps=config.rms_norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        tie_word_embeddings=config.tie_embeddings,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )


def to_llama(decoder: Decoder) -> dict[str, Tensor]:
    """The decoder's weights as a state for `LlamaForCausalLM`, sharing memory with the decoder."""
    state = decoder.state_dict()
    heads = decoder.config.attention_heads
    key_value_heads = decoder.config.key_value_heads or heads
    head_width = decoder.config.hidden_size // heads
    sizes = [heads * head_width, key_value_heads * head_width, key_value_heads * head_width]
    llama = {
        "model.embed_tokens.weight": state["embedding.weight"],
        "model.norm.weight": state["norm.weight"],
        "lm_head.weight": state["head.weight"],
    }
    for layer in range(decoder.config.layers):
        ours, theirs = f"layers.{layer}.", f"model.layers.{layer}."
        query, key, value = state[f"{ours}attention.query_key_value.weight"].split(sizes)
        gate, up = state[f"{ours}feed_forward.gate_and_up.weight"].chunk(2)
        llama |= {
            f"{theirs}self_attn.q_proj.weight": query,
            f"{theirs}self_attn.k_proj.weight": key,
            f"{theirs}self_attn.v_proj.weight": value,
            f"{theirs}mlp.gate_proj.weight": gate,
            f"{theirs}mlp.up_proj.weight": up,
        }
        llama |= {f"{theirs}{name}": state[f"{ours}{own_name}"] for own_name, name in EQUAL_PARTS.items()}
    return llama


def load_llama(decoder: Decoder, llama: Mapping[str, Tensor]) -> None:
    """Give the decoder the weights of a `LlamaForCausalLM` of its shape.

    Raises:
        KeyError: a weight is missing.
        RuntimeError: a shape differs.
    """
    state = {
        "embedding.weight": llama["model.embed_tokens.weight"],
        "norm.weight": llama["model.norm.weight"],
        "head.weight": llama["model.embed_tokens.weight" if decoder.config.tie_embeddings else "lm_head.weight"],
    }
    for layer in range(decoder.config.layers):
        ours, theirs = f"layers.{layer}.", f"model.layers.{layer}."
        attention = [llama[f"{theirs}self_attn.{name}_proj.weight"] for name in ("q", "k", "v")]
        feed_forward = [llama[f"{theirs}mlp.{name}_proj.weight"] for name in ("gate", "up")]
        state[f"{ours}attention.query_key_value.weight"] = torch.cat(attention)
        state[f"{ours}feed_forward.gate_and_up.weight"] = torch.cat(feed_forward)
        state |= {f"{ours}{own_name}": llama[f"{theirs}{name}"] for own_name, name in EQUAL_PARTS.items()}
    decoder.load_state_dict(state)
