"""The schema of the sections `model` and `lora`: a network with fresh weights, or a pretrained one and its adapter.

Imports nothing heavy, see `foundry.config`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from foundry.config_fields import (
    MAX_LAYERS,
    Dimension,
    PositiveFloat,
    PositiveInt,
    Probability,
    Section,
    Text,
    as_whole_number,
    does_not_change_weights,
    rule,
)

SHAPE = (
    "architecture",
    "layers",
    "hidden_size",
    "embedding_size",
    "intermediate_hidden_size",
    "attention_heads",
    "key_value_heads",
    "activation_function",
    "dropout",
    "attention_dropout",
    "tie_embeddings",
    "rope_theta",
    "rms_norm_epsilon",
    "architecture_options",
)
"""What a pretrained model brings with it."""


class ModelConfig(Section):
    """A pretrained model and how it is held in memory; or the shape of a network that begins with fresh weights."""

    pretrained: Text | None = None
    """Begin with these weights: a name on the model hub, a folder, a `.gguf` file, or `package:NAME` for an installed
    Python package that carries weights. Null begins with fresh weights of the shape that the other keys give."""
    revision: Text | None = None
    """The branch, tag or commit of a model on the hub. A run's own `config.yaml` holds the resolved commit."""
    quantization: Literal["none", "int8", "nf4", "fp4"] = "none"
    """Hold the matrices of the pretrained model in 8 or 4 bits (bitsandbytes); needs `lora`, as they cannot be trained.
    The numbers of nf4 are spaced like a normal distribution (Dettmers et al. 2023, section 3)."""
    double_quantization: StrictBool = True
    """Quantise the scales of 4-bit matrices, too: 0.37 bits a parameter less."""
    compute_dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    """With `lora`: what the frozen weights that are not quantised are held in, and what is computed in."""
    attention: Annotated[Literal["auto", "flash", "sdpa", "eager"], does_not_change_weights] = "auto"
    """The implementation of a pretrained model's attention; `auto` takes the fastest that works here, and says so."""
    architecture: Text = "decoder"
    """`decoder` is our own; any other value is a model type of `transformers`, such as `gpt2` or `llama`."""
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS), BeforeValidator(as_whole_number)] = 4
    """Transformer blocks."""
    hidden_size: Dimension = 256
    """The width of the residual stream."""
    embedding_size: Dimension | None = None
    """The width of the token embedding; null means `hidden_size`. A smaller one is projected up (decoder only)."""
    intermediate_hidden_size: Dimension | None = None
    """The inner width of the feed-forward layer; null means 8/3 of `hidden_size`, rounded up to 32 (others: 4)."""
    attention_heads: Dimension = 4
    """Query heads."""
    key_value_heads: PositiveInt | None = None
    """Key and value heads, for grouped-query attention; null means `attention_heads`."""
    activation_function: Literal["silu", "gelu", "relu"] = "silu"
    """The gate of the feed-forward layer (decoder), or its activation (others)."""
    dropout: Probability = 0.0
    """Dropout on the embedding and on each residual branch."""
    attention_dropout: Probability = 0.0
    """Dropout on the attention weights."""
    tie_embeddings: StrictBool = True
    """The output layer shares the matrix of the token embedding."""
    rope_theta: PositiveFloat = 10_000.0
    """The base of the rotary embedding's wavelengths (Su et al. 2021, section 3.2.2)."""
    rms_norm_epsilon: PositiveFloat = 1e-5
    """Added to the mean square before the root is taken."""
    architecture_options: dict[str, Any] = Field(default_factory=dict)
    """Further keys of the `transformers` configuration; not for `decoder`."""

    @rule("pretrained", *SHAPE)
    def _shape_is_not_decided_twice(self) -> str | None:
        if self.pretrained is None:
            return None
        fields = type(self).model_fields
        changed = [name for name in SHAPE if getattr(self, name) != fields[name].get_default(call_default_factory=True)]
        if not changed:
            return None
        return f"{changed[0]} ({getattr(self, changed[0])}) is decided by the pretrained model; remove one of them"

    @rule("pretrained", "revision", "quantization")
    def _loading_has_weights(self) -> str | None:
        if self.pretrained is not None or (self.revision is None and self.quantization == "none"):
            return None
        key = "quantization" if self.revision is None else "revision"
        return f"{key} ({getattr(self, key)}) is for pretrained weights; name them in pretrained, or remove it"

    @rule("hidden_size", "attention_heads")
    def _heads_divide_the_width(self) -> str | None:
        if self.hidden_size % self.attention_heads == 0:
            return None
        return f"hidden_size ({self.hidden_size}) must be divisible by attention_heads ({self.attention_heads})"

    @rule("attention_heads", "key_value_heads")
    def _key_value_heads_divide_heads(self) -> str | None:
        if self.key_value_heads is None or self.attention_heads % self.key_value_heads == 0:
            return None
        return f"attention_heads ({self.attention_heads}) must be divisible by key_value_heads ({self.key_value_heads})"

    @rule("architecture", "hidden_size", "attention_heads")
    def _rotary_heads_are_even(self) -> str | None:
        width, remainder = divmod(self.hidden_size, self.attention_heads)
        if self.architecture != "decoder" or remainder or width % 2 == 0:
            return None
        return f"hidden_size / attention_heads is {width}; rotary embedding needs an even number: change one of them"

    @rule("architecture", "architecture_options")
    def _options_are_for_others(self) -> str | None:
        if self.architecture != "decoder" or not self.architecture_options:
            return None
        return "architecture_options is read only with a transformers architecture; remove it"

    @rule("architecture", "embedding_size", "hidden_size")
    def _only_the_decoder_projects(self) -> str | None:
        if self.architecture == "decoder" or self.embedding_size in (None, self.hidden_size):
            return None
        return (
            f"embedding_size ({self.embedding_size}) must equal hidden_size ({self.hidden_size}) "
            f"for architecture {self.architecture}"
        )


class LoraConfig(Section):
    """A low-rank adapter (Hu et al. 2021): the only weights that are trained, beside matrices that stay as they are."""

    r: Dimension = 8
    """The rank: an adapted matrix of shape (a, b) gets `r * (a + b)` trainable weights."""
    alpha: PositiveFloat = 16
    """The adapter's output is multiplied by `alpha / r`."""
    dropout: Probability = 0.0
    """Dropout on the adapter's input."""
    target_modules: Literal["all-linear"] | tuple[Text, ...] = "all-linear"
    """Which matrices are adapted: names, or ends of names, such as `[q_proj, v_proj]`; `all-linear` means every one but
    the output layer."""
    bias: Literal["none", "all", "lora_only"] = "none"
    """Which bias vectors are trained, too."""
    rslora: StrictBool = False
    """Multiply by `alpha / sqrt(r)` instead, which suits high ranks (Kalajdzievski 2023)."""
    dora: StrictBool = False
    """Train the lengths of the matrices' columns apart from their directions (Liu et al. 2024); slower."""

    @rule("target_modules")
    def _something_is_adapted(self) -> str | None:
        if self.target_modules:
            return None
        return "target_modules is empty, so nothing would be trained; name modules, or set it to all-linear"
