"""Our decoder: RMSNorm, rotary embedding, grouped-query attention and SwiGLU, before each residual addition.

Shape suffixes:
    B batch, T new tokens, S all tokens attended to (cached and new), V vocabulary,
    D width of the residual stream, E width of the token embedding, F inner width of the feed-forward layer,
    H query heads, K key/value heads, G query and key heads together, N width of one head.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from foundry.config_model import ModelConfig
from foundry.models.cache import KeyValueCache
from foundry.models.operations import rms_norm, rotary_tables, rotate

GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "relu": functional.relu,
}
INITIAL_STANDARD_DEVIATION = 0.02


class DecoderOutput(NamedTuple):
    """What the decoder returns, with the attribute names that `transformers` uses."""

    logits: Tensor
    past_key_values: KeyValueCache | None


class RotaryPositions(NamedTuple):
    """Cosines and signed sines of the positions at hand, of shape (T, 1, N) or (B, T, 1, N)."""

    cos: Tensor
    sin: Tensor


def inner_width(config: ModelConfig) -> int:
    """The width F of the feed-forward layer: as configured, or 8/3 of the hidden size, rounded up to 32."""
    return config.intermediate_hidden_size or math.ceil(config.hidden_size * 8 / 3 / 32) * 32


class Linear(nn.Linear):
    """A matrix product without bias; `Decoder` draws its weights, so they are not drawn twice."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)

    def reset_parameters(self) -> None:
        """Leave the weights to `Decoder`."""


class Embedding(nn.Embedding):
    """A row for each token; `Decoder` draws its weights, so they are not drawn twice."""

    def reset_parameters(self) -> None:
        """Leave the weights to `Decoder`."""


class RootMeanSquareNorm(nn.Module):
    """Scales each token's vector to a root mean square of 1, then by a learned weight."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x_BTD: Tensor) -> Tensor:
        return rms_norm(x_BTD, self.weight, self.epsilon)


class Attention(nn.Module):
    """Causal self-attention in which H / K query heads share a key/value head (Ainslie et al. 2023)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.query_heads = config.attention_heads
        self.key_value_heads = config.key_value_heads or config.attention_heads
        self.head_width = config.hidden_size // config.attention_heads
        self.dropout = config.attention_dropout
        heads = self.query_heads + 2 * self.key_value_heads
        self.query_key_value = Linear(config.hidden_size, heads * self.head_width)
        self.output = Linear(config.hidden_size, config.hidden_size)

    def forward(
        self,
        x_BTD: Tensor,
        positions: RotaryPositions,
        mask_BHTS: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
    ) -> Tensor:
        batch, tokens, width = x_BTD.shape
        rotated_heads = self.query_heads + self.key_value_heads
        heads = self.query_key_value(x_BTD).view(batch, tokens, -1, self.head_width)
        query_and_key_BTGN, value_BTKN = torch.split(heads, [rotated_heads, self.key_value_heads], dim=2)
        query_and_key_BGTN = rotate(query_and_key_BTGN, *positions).transpose(1, 2)
        query_BHTN, key_BKSN = torch.split(query_and_key_BGTN, [self.query_heads, self.key_value_heads], dim=1)
        value_BKSN = value_BTKN.transpose(1, 2)
        if cache is not None:
            key_BKSN, value_BKSN = cache.extend(layer, key_BKSN, value_BKSN)
        attended_BHTN = functional.scaled_dot_product_attention(
            query_BHTN,
            key_BKSN,
            value_BKSN,
            attn_mask=mask_BHTS,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=mask_BHTS is None and tokens > 1,
            enable_gqa=self.key_value_heads != self.query_heads,
        )
        output: Tensor = self.output(attended_BHTN.transpose(1, 2).reshape(batch, tokens, width))
        return output


class FeedForward(nn.Module):
    """A gated linear unit, `down(gate(x W) * x U)`, with W and U in one matrix (Shazeer 2020, equation 6)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_and_up = Linear(config.hidden_size, 2 * inner_width(config))
        self.down = Linear(inner_width(config), config.hidden_size)
        self.activation = GATES[config.activation_function]

    def forward(self, x_BTD: Tensor) -> Tensor:
        gate_BTF, up_BTF = self.gate_and_up(x_BTD).chunk(2, dim=-1)
        output: Tensor = self.down(self.activation(gate_BTF) * up_BTF)
        return output


class Block(nn.Module):
    """Attention, then feed-forward, each on a normalised copy of the residual stream and added to it."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.dropout = config.dropout
        self.attention_norm = RootMeanSquareNorm(config.hidden_size, config.rms_norm_epsilon)
        self.attention = Attention(config)
        self.feed_forward_norm = RootMeanSquareNorm(config.hidden_size, config.rms_norm_epsilon)
        self.feed_forward = FeedForward(config)

    def forward(
        self, x_BTD: Tensor, positions: RotaryPositions, mask_BHTS: Tensor | None, cache: KeyValueCache | None
    ) -> Tensor:
        attended_BTD = self.attention(self.attention_norm(x_BTD), positions, mask_BHTS, cache, self.layer)
        x_BTD = x_BTD + functional.dropout(attended_BTD, self.dropout, self.training)
        fed_BTD = self.feed_forward(self.feed_forward_norm(x_BTD))
        return x_BTD + functional.dropout(fed_BTD, self.dropout, self.training)


class Decoder(nn.Module):
    """The language model, from token numbers to the logits of the next token.

    Weights are drawn from torch's global generator: normal with standard deviation 0.02, and 0.02 / sqrt(2 * layers)
    for the matrices that write to the residual stream (Radford et al. 2019, section 2.3).

    Args:
        max_sequence_length: positions that the rotary tables hold, and the most tokens that fit.
    """

    rotary_cos: Tensor
    rotary_sin: Tensor

    def __init__(self, config: ModelConfig, vocab_size: int, max_sequence_length: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.max_sequence_length = max_sequence_length
        self.gradient_checkpointing = False
        embedding_size = config.embedding_size or config.hidden_size
        factorised = embedding_size != config.hidden_size
        self.embedding = Embedding(vocab_size, embedding_size)
        self.embedding_up = Linear(embedding_size, config.hidden_size) if factorised else nn.Identity()
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = RootMeanSquareNorm(config.hidden_size, config.rms_norm_epsilon)
        down = factorised and config.tie_embeddings
        self.embedding_down = Linear(config.hidden_size, embedding_size) if down else nn.Identity()
        self.head = Linear(embedding_size if config.tie_embeddings else config.hidden_size, vocab_size)
        if config.tie_embeddings:
            self.head.weight = self.embedding.weight
        head_width = config.hidden_size // config.attention_heads
        cos, sin = rotary_tables(max_sequence_length, head_width, config.rope_theta)
        self.register_buffer("rotary_cos", cos, persistent=False)
        self.register_buffer("rotary_sin", sin, persistent=False)
        self._draw_weights()

    def _draw_weights(self) -> None:
        residual = INITIAL_STANDARD_DEVIATION / math.sqrt(2 * self.config.layers)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                writes_to_residual = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
                nn.init.normal_(parameter, std=residual if writes_to_residual else INITIAL_STANDARD_DEVIATION)

    def forward(
        self,
        input_ids: Tensor,
        past_key_values: KeyValueCache | None = None,
        use_cache: bool = False,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        logits_to_keep: int = 0,
    ) -> DecoderOutput:
        """Logits of the token after each of the given ones.

        Args:
            input_ids: token numbers, shape (B, T).
            past_key_values: tokens read before, from `new_cache`; the given ones are added to it.
            use_cache: make a cache where none is given.
            attention_mask: 1 for a token and 0 for padding, shape (B, S), cached tokens included; None: no padding.
            position_ids: the position of each token, shape (B, T); None: they follow the cached ones. Without cache and
                `attention_mask`, a position that does not follow the one before it begins another document, and no
                token sees another document than its own.
            logits_to_keep: compute only the logits of so many last tokens; 0 means all.

        Returns:
            `logits` of shape (B, T or logits_to_keep, V), and `past_key_values`.

        Raises:
            ValueError: the cached and the given tokens together exceed the model or the cache.
        """
        batch, tokens = input_ids.shape
        if use_cache and past_key_values is None:
            past_key_values = self.new_cache(batch, self.max_sequence_length)
        past = past_key_values.length if past_key_values is not None else 0
        self._require_room(past, tokens, past_key_values)
        positions = self._positions(past, tokens, position_ids)
        mask_BHTS = _attention_mask(past, tokens, attention_mask, input_ids.device)
        if position_ids is not None and attention_mask is None and past_key_values is None:
            mask_BHTS = _document_mask(position_ids)
        x_BTE = self.embedding(input_ids)
        x_BTD = functional.dropout(self.embedding_up(x_BTE), self.config.dropout, self.training)
        for block in self.layers:
            if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
                x_BTD = checkpoint(block, x_BTD, positions, mask_BHTS, past_key_values, use_reentrant=False)
            else:
                x_BTD = block(x_BTD, positions, mask_BHTS, past_key_values)
        if past_key_values is not None:
            past_key_values.advance(tokens)
        x_BTD = self.norm(x_BTD[:, -logits_to_keep:])
        return DecoderOutput(self.head(self.embedding_down(x_BTD)), past_key_values)

    def new_cache(self, batch_size: int, length: int) -> KeyValueCache:
        """An empty cache for `length` tokens a row, on the model's device and in its number format."""
        key_value_heads = self.config.key_value_heads or self.config.attention_heads
        shape_BKSN = (batch_size, key_value_heads, length, self.config.hidden_size // self.config.attention_heads)
        return KeyValueCache.allocate(self.config.layers, shape_BKSN, self.norm.weight.dtype, self.norm.weight.device)

    def _require_room(self, past: int, tokens: int, cache: KeyValueCache | None) -> None:
        room = self.max_sequence_length if cache is None else min(cache.capacity, self.max_sequence_length)
        if past + tokens > room:
            raise ValueError(
                f"{past} cached and {tokens} new tokens exceed the room for {room}; give the last tokens only"
            )

    def _positions(self, past: int, tokens: int, position_ids: Tensor | None) -> RotaryPositions:
        if position_ids is None:
            return RotaryPositions(self.rotary_cos[past : past + tokens], self.rotary_sin[past : past + tokens])
        return RotaryPositions(self.rotary_cos[position_ids], self.rotary_sin[position_ids])


def _document_mask(position_ids_BT: Tensor) -> Tensor | None:
    """True where a query may look: in its document, up to itself, shape (B, 1, T, T); None for one document a row."""
    begins_BT = torch.zeros_like(position_ids_BT)
    begins_BT[:, 1:] = position_ids_BT.diff(dim=1) != 1
    if not begins_BT.any():
        return None
    document_BT = begins_BT.cumsum(dim=1)
    is_same_BTT = document_BT[:, :, None] == document_BT[:, None, :]
    return is_same_BTT.tril()[:, None]


def _attention_mask(past: int, tokens: int, attention_mask_BS: Tensor | None, device: torch.device) -> Tensor | None:
    """True where a query may look, shape (1 or B, 1, T, S); None where plain causal attention says it all.

    A token always sees itself, so that padding in front of a row meets no softmax over nothing.
    """
    if attention_mask_BS is None and (past == 0 or tokens == 1):
        return None
    query_T1 = torch.arange(past, past + tokens, device=device)[:, None]
    key_S = torch.arange(past + tokens, device=device)
    causal_TS = key_S <= query_T1
    if attention_mask_BS is None:
        return causal_TS[None, None]
    return ((causal_TS & attention_mask_BS[:, None].bool()) | (key_S == query_T1))[:, None]
