"""What can be seen of a fine-tuned model: what is trained, how its base is held, what other libraries make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from foundry import files
from foundry.artifacts.download import Fetching
from foundry.config import ExperimentConfig
from foundry.model_files import opened_model
from foundry.models.loading import load_pretrained
from foundry.models.pretrained import locate
from foundry.models.restoring import restored_model

CPU = torch.device("cpu")


@dataclass
class Tuning:
    """What the fine-tuning steps of one scenario share."""

    base: Path = Path()
    base_bytes: dict[str, str] = field(default_factory=dict)
    model: nn.Module | None = None
    printed: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, str, str]] = field(default_factory=list)


def model_of(config: ExperimentConfig, seed: int = 0) -> nn.Module:
    """The model of an experiment before its first step, on the CPU."""
    torch.manual_seed(seed)
    return load_pretrained(locate(config.model), config.model, config.lora, CPU, print)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder."""
    return {path.name: files.sha256_of(path) for path in sorted(folder.iterdir()) if path.is_file()}


def quantized_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers whose matrices are held in 8 or 4 bits."""
    return [(name, layer) for name, layer in model.named_modules() if hasattr(layer, "dense_weight")]


def held_bits(layer: nn.Module) -> float:
    """Bits in memory for each number of the matrix, its scales left out."""
    weight = cast(Tensor, layer.weight)
    numbers = cast(int, layer.in_features) * cast(int, layer.out_features)
    return 8 * weight.numel() * weight.element_size() / numbers


def relative_error(layer: nn.Module, original: Tensor) -> float:
    """Root mean square of the rounding, as a share of that of the numbers."""
    dense = cast(Callable[[torch.dtype], Tensor], layer.dense_weight)(torch.float32)
    return float((dense - original).pow(2).mean().sqrt() / original.pow(2).mean().sqrt())


def original_matrices(base: Path) -> dict[str, Tensor]:
    """The unquantised tensors of a pretrained model by name."""
    from safetensors.torch import load_file

    return load_file(base / "model.safetensors")


def trainable_names(model: nn.Module) -> list[str]:
    """The parameters that an optimizer would update."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def without_gradient(model: nn.Module) -> list[str]:
    """Trainable parameters that a backward pass gives no gradient but zeros, once B is not zero."""
    from foundry.models.loss import loss_sum

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    model.train()
    ids = torch.randint(0, 290, (2, 24), generator=torch.Generator().manual_seed(1))
    loss_sum(model, ids, ids)[0].backward()  # type: ignore[no-untyped-call]
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]


def probe_logits(model: nn.Module) -> Tensor:
    """The logits of a fixed text, float32, shape (1, tokens, vocabulary)."""
    ids = torch.randint(0, 290, (1, 24), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return cast(Tensor, cast(Any, model.eval())(input_ids=ids).logits).float()


def base_logits(model: nn.Module) -> Tensor:
    """The probe's logits of an adapted model whose adapter is made to change nothing."""
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.zero_()
    return probe_logits(model)


def logits_of_run(folder: Path, *, with_adapter: bool = True) -> Tensor:
    """The probe's logits by the model that generates from a run."""
    with opened_model(folder, Fetching()) as found:
        return probe_logits(restored_model(found, CPU, with_adapter=with_adapter))


def logits_by_transformers(folder: Path) -> Tensor:
    """The probe's logits by the model that plain `transformers` loads from a folder."""
    from transformers import AutoModelForCausalLM

    load: Callable[..., nn.Module] = AutoModelForCausalLM.from_pretrained
    return probe_logits(load(folder, dtype=torch.float32))


def logits_by_peft(base: Path, adapter: Path) -> Tensor:
    """The probe's logits by `peft` with an adapter on the unquantised base."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    load: Callable[..., nn.Module] = AutoModelForCausalLM.from_pretrained
    return probe_logits(PeftModel.from_pretrained(load(base, dtype=torch.float32), adapter))


def saved_again(folder: Path, target: Path) -> Path:
    """What `transformers` writes of a model that it has loaded."""
    from transformers import AutoModelForCausalLM

    load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
    load(folder).save_pretrained(target)
    return target


def largest_difference(first: Tensor, second: Tensor) -> float:
    """The largest absolute difference of two tensors."""
    return float((first - second).abs().max())
