"""Pretrained weights into memory: one way for every place that they come from.

The weights are read in the type that they will be held in, checked to be all there, then quantised layer by layer on
the device, so that a GPU never holds more than one matrix beside the quantised ones.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoModelForCausalLM, GgufConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import logging
from transformers.utils.import_utils import is_flash_attn_2_available

from foundry.config_model import LoraConfig, ModelConfig
from foundry.errors import FoundryError, UserError
from foundry.hardware import give_back_memory
from foundry.models.plausibility import require_weights_beside
from foundry.models.pretrained import PretrainedFiles

Tell = Callable[[str], None]
ATTENTION = {"flash": "flash_attention_2", "sdpa": "sdpa", "eager": "eager"}
"""From the fastest to the one that every architecture has; the values are the names that `transformers` uses."""


def load_pretrained(
    files: PretrainedFiles, config: ModelConfig, lora: LoraConfig | None, device: torch.device, tell: Tell
) -> nn.Module:
    """The model on `device`: quantised if asked for, and with a fresh adapter where there is `lora`.

    Without `lora` every weight is trainable, and float32. The adapter is drawn from torch's global generator.

    Args:
        tell: takes a line on the attention implementation that was chosen.

    Raises:
        UserError: the weights are of a kind that cannot be loaded, or a setting does not suit them.
        FoundryError: a file is damaged.
    """
    dtype = held_dtype(config, lora)
    model = _load(files, dtype, _attention(files, config, dtype, device, tell))
    _mark_plain_head(model)
    if config.quantization != "none":
        from foundry.models.quantization import quantize

        quantize(model, config, device)
    model.to(device)
    give_back_memory()
    if lora is not None:
        from foundry.models.adapter import add_adapter

        add_adapter(model, lora, dtype)
    return model


def load_unchanged(files: PretrainedFiles) -> nn.Module:
    """The model as it is published, float32, on the CPU.

    Raises:
        UserError, FoundryError: see `load_pretrained`.
    """
    return _load(files, torch.float32, ATTENTION["sdpa"])


def require_fit(model: nn.Module, vocab_size: int, max_sequence_length: int) -> None:
    """Check that every token has an embedding, and that a block fits into the context.

    Raises:
        UserError: a token number or a position is beyond what the model has learned.
    """
    rows = cast(Any, model).get_input_embeddings().weight.shape[0]
    if vocab_size > rows:
        raise UserError(
            f"the tokenizer has {vocab_size:,} tokens, and the model's embedding {rows:,} rows; use the model's own "
            "tokenizer: remove the section tokenizer"
        )
    context = getattr(cast(Any, model).config, "max_position_embeddings", None)
    if context is not None and max_sequence_length > context:
        raise UserError(
            f"data.max_sequence_length ({max_sequence_length:,}) exceeds the {context:,} positions of the pretrained "
            "model; lower it"
        )


def held_dtype(config: ModelConfig, lora: LoraConfig | None) -> torch.dtype:
    """The type that weights are held in where they are not quantised: what is trained whole is float32."""
    return torch.float32 if lora is None else cast(torch.dtype, getattr(torch, config.compute_dtype))


def _load(files: PretrainedFiles, dtype: torch.dtype, attention: str) -> nn.Module:
    content = files.config_dict()
    require_own_architecture(files, content)
    load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        if files.gguf is None:
            require_weights_beside(files.folder)
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):  # a bar that cannot be turned off
            warnings.simplefilter("ignore")
            model, found = load(
                files.folder,
                gguf_file=files.gguf,
                quantization_config=GgufConfig(dequantize=True) if files.gguf else None,
                dtype=dtype,
                attn_implementation=attention,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # whatever a damaged file makes of the libraries' many readers
        raise FoundryError(f"{files.place}: cannot be loaded: {_one_line(error)}") from error
    if missing := sorted(found["missing_keys"]):
        raise FoundryError(
            f"{files.reference}: lacks {len(missing)} of the weights that its configuration calls for, such as "
            f"{missing[0]}; get a whole copy"
        )
    return _without_origin(model)


def require_own_architecture(files: PretrainedFiles, content: dict[str, Any]) -> None:
    """Refuse what only code from elsewhere could load, and weights that another library has quantised.

    Args:
        content: of the model's `config.json`.

    Raises:
        UserError: names the kind of model, and what to do.
    """
    if files.gguf:
        return
    kind = content.get("model_type")
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        why = (
            "needs code that comes with the weights, and trust_remote_code is off here and stays off"
            if "auto_map" in content
            else "is no causal language model that transformers knows"
        )
        raise UserError(f"model.pretrained: {files.reference} (model_type {kind}) {why}; choose another model")
    if isinstance(quantized := content.get("quantization_config"), dict):
        raise UserError(
            f"model.pretrained: {files.reference} is quantised already ({quantized.get('quant_method')}); name the "
            "unquantised weights, and set model.quantization"
        )


def _without_origin(model: Any) -> nn.Module:
    """Forget that the weights came from GGUF: they are plain numbers now, and can be saved as such."""
    if getattr(model.config, "quantization_config", None) is not None:
        del model.config.quantization_config
        model.hf_quantizer = None
        model.is_quantized = False
    return cast(nn.Module, model)


def _attention(
    files: PretrainedFiles, config: ModelConfig, dtype: torch.dtype, device: torch.device, tell: Tell
) -> str:
    """The fastest attention that works here, from the one asked for downwards; what is left out is told."""
    wanted = config.attention
    candidates = list(ATTENTION)[0 if wanted == "auto" else list(ATTENTION).index(wanted) :]
    model_class = _model_class(files)
    for name in candidates:
        reason = _reason_against(name, model_class, dtype, device)
        if reason is None:
            if name != wanted and device.type == "cuda":  # gpu-only
                tell(f"attention: {name}")
            return ATTENTION[name]
        if wanted != "auto" or device.type == "cuda":
            tell(f"attention: not {name}, {reason}")
    return ATTENTION["eager"]


def _model_class(files: PretrainedFiles) -> Any:
    if files.gguf:
        return None  # known once the file has been read; those that transformers reads from GGUF have all of them
    return AutoModelForCausalLM._model_mapping[_config_class(files)]


def _config_class(files: PretrainedFiles) -> Any:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    content = files.config_dict()
    require_own_architecture(files, content)
    return CONFIG_MAPPING[content["model_type"]]


def _reason_against(name: str, model_class: Any, dtype: torch.dtype, device: torch.device) -> str | None:
    if name == "flash":
        if device.type != "cuda":
            return f"which needs a CUDA GPU, and this is {device.type}"
        if dtype == torch.float32:
            return "which computes in bfloat16 or float16, and the weights are float32"
        if not is_flash_attn_2_available():
            return "because the package flash-attn is not installed"
        if not getattr(model_class, "_supports_flash_attn", True):
            return "which this architecture does not support"
    if name == "sdpa" and not getattr(model_class, "_supports_sdpa", True):
        return "which this architecture does not support"
    return None


@torch.no_grad()
def _mark_plain_head(model: Any) -> None:
    """Note whether the logits are nothing but the last hidden states times the output matrix.

    Some architectures scale or cap them. Where they do not, the loss can be computed from the hidden states in pieces,
    see `foundry.models.loss`.
    """
    head, body = model.get_output_embeddings(), model.get_decoder()
    model.has_plain_head = False
    has_bias = getattr(head, "bias", None) is not None
    if type(head) is not nn.Linear or has_bias or body is None or body is model:
        return
    was_training = model.training
    model.eval()
    ids = torch.tensor([[0, 1, 0]], device=head.weight.device)
    logits = model(input_ids=ids, use_cache=False).logits
    hidden = body(input_ids=ids, use_cache=False).last_hidden_state
    model.train(was_training)
    model.has_plain_head = torch.equal(logits, head(hidden))


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:299] + "…"
