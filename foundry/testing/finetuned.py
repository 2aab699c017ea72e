"""What can be seen of a fine-tuned model: what is trained, how its base is held, what other libraries make of it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import foundry
from foundry import files
from foundry.artifacts.download import Fetching
from foundry.config import ExperimentConfig
from foundry.data.batches import IGNORED_LABEL
from foundry.model_files import opened_model
from foundry.models.loading import load_pretrained
from foundry.models.loss import loss_sum
from foundry.models.pretrained import locate
from foundry.models.restoring import restored_model

CPU = torch.device("cpu")


@dataclass
class Tuning:
    """What the fine-tuning steps of one scenario share."""

    base: Path = Path()
    base_bytes: dict[str, str] = field(default_factory=dict)
    model: nn.Module | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    losses: Losses | None = None
    gradients: tuple[dict[str, Tensor], dict[str, Tensor]] = field(default_factory=lambda: ({}, {}))


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
    return load_file(base / "model.safetensors")


def trainable_names(model: nn.Module) -> list[str]:
    """The parameters that an optimizer would update."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def without_gradient(model: nn.Module) -> list[str]:
    """Trainable parameters that a backward pass gives no gradient but zeros, once B is not zero."""
    awaken_adapter(model)
    model.train()
    ids = torch.randint(0, 290, (2, 24), generator=torch.Generator().manual_seed(1))
    loss_sum(model, ids, ids)[0].backward()  # type: ignore[no-untyped-call]
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]


def gradients_here_and_by_peft(config: ExperimentConfig, base: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The gradients of an adapter by name, from the pass of foundry and from that of `peft` with the same weights."""
    from peft import get_peft_model, set_peft_model_state_dict
    from transformers import AutoModelForCausalLM

    from foundry.models.adapter import adapter_tensors, peft_config

    assert config.lora is not None
    load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
    plain = load(base, dtype=torch.float32)
    theirs, ours = get_peft_model(plain, peft_config(plain, config.lora)), model_of(config)
    awaken_adapter(ours)
    held = {name: tensor.detach().clone() for name, tensor in adapter_tensors(ours).items()}
    set_peft_model_state_dict(theirs, held)
    return _gradients(ours, adapter_tensors(ours)), _gradients(
        theirs, {name.replace(".default.", "."): each for name, each in theirs.named_parameters() if "lora_" in name}
    )


def _gradients(model: nn.Module, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    ids = torch.randint(0, 290, (2, 24), generator=torch.Generator().manual_seed(1))
    loss_sum(model.train(), ids, ids)[0].backward()  # type: ignore[no-untyped-call]
    return {name: parameter.grad for name, parameter in parameters.items() if parameter.grad is not None}


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


def files_of_this_package(folder: Path, names: tuple[str, ...]) -> Path:
    """A corpus of real Python: modules of foundry itself."""
    folder.mkdir()
    for name in names:
        shutil.copyfile(Path(foundry.__file__).parent / name, folder / Path(name).name)
    return folder


def damage_pretrained(base: Path, damage: str) -> None:
    """Do to a folder with pretrained weights what a bad copy, or another maker, may have done.

    Args:
        damage: `the header is damaged`, `the second half is missing`, `one tensor is missing`, and the like below.
    """
    weights = base / "model.safetensors"
    if damage == "a damaged header":
        content = bytearray(weights.read_bytes())
        content[8:16] = b"\xff" * 8
        weights.write_bytes(content)
    elif damage == "a missing half":
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    elif damage == "a missing tensor":
        tensors = load_file(weights)
        del tensors["model.layers.1.self_attn.q_proj.weight"]
        save_file(tensors, weights, metadata={"format": "pt"})
    elif damage == "a pickled copy instead":
        weights.rename(base / "pytorch_model.bin")
    else:
        config = json.loads((base / "config.json").read_text(encoding="utf-8"))
        config |= {
            "code of their own instead": {"model_type": "my-model", "auto_map": {"AutoModelForCausalLM": "code.Model"}},
            "a quantised copy instead": {"quantization_config": {"quant_method": "gptq", "bits": 4}},
            "a shorter context": {"max_position_embeddings": 16},
            "a smaller embedding": {"vocab_size": 100},
        }[damage]
        (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
        if damage == "a smaller embedding":
            tensors = load_file(weights)
            short = {name: tensor[:100] if tensor.shape[0] == 320 else tensor for name, tensor in tensors.items()}
            save_file({name: part.contiguous() for name, part in short.items()}, weights, metadata={"format": "pt"})


def epoch_table(rows: list[dict[str, Any]], steps_in_epoch: int) -> str:
    """Loss, perplexity, gradient norm, peak of memory and time of each epoch, a line each under a heading."""
    lines = ["epoch  loss     perplexity  gradient norm  memory MB  seconds"]
    seconds_before = 0.0
    for first in range(0, len(rows), steps_in_epoch):
        epoch = rows[first : first + steps_in_epoch]
        loss = sum(row["loss"] for row in epoch) / len(epoch)
        norm = sum(row["gradient_norm"] for row in epoch) / len(epoch)
        memory = max(row["hardware"].get("gpu_allocated_bytes") or 0 for row in epoch) / 1e6
        seconds = epoch[-1]["time"]["seconds"]
        lines.append(
            f"{first // steps_in_epoch + 1:<6} {loss:<8.4f} {math.exp(loss):<11.2f} {norm:<14.4f} {memory:<10,.0f} "
            f"{seconds - seconds_before:.1f}"
        )
        seconds_before = seconds
    return "\n".join(lines)


@dataclass(frozen=True)
class Losses:
    """The loss of one batch, computed in two ways.

    Attributes:
        gradient_size: the norm of the adapter's gradient.
        gradient_difference: the norm of what the two ways differ by.
        with_other_masked_labels: the loss in pieces, after masked positions were given other tokens as targets, and
            masked again.
    """

    in_pieces: float
    at_once: float
    gradient_size: float
    gradient_difference: float
    with_other_masked_labels: float
    num_targets: int
    num_unmasked: int


def losses_in_pieces_and_at_once(model: Any, apart: bool) -> Losses:
    """Compute the loss of a batch whose first third of targets is masked.

    Args:
        apart: every row holds two documents that do not attend to each other.
    """
    draw = torch.Generator().manual_seed(4)
    ids = torch.randint(0, 65536, (3, 120), generator=draw)
    labels = ids.clone()
    labels[:, :40] = IGNORED_LABEL
    positions = torch.cat([torch.arange(50), torch.arange(70)]).expand(3, -1) if apart else None
    awaken_adapter(model)
    results = []
    for in_pieces in (True, False):
        model.has_plain_head = in_pieces
        model.zero_grad()
        total, count = loss_sum(model, ids, labels, positions)
        total.backward()  # type: ignore[no-untyped-call]
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad])
        results.append((float(total.detach()), int(count), gradient))
    model.has_plain_head = True
    relabelled = ids.flip(0)
    relabelled[:, 40:] = labels[:, 40:]
    relabelled[:, :40] = IGNORED_LABEL
    again = float(loss_sum(model, ids, relabelled, positions)[0].detach())
    (first, num_targets, gradient), (second, _, other) = results
    size, difference = float(other.norm()), float((gradient - other).norm())
    return Losses(first, second, size, difference, again, num_targets, int((labels[:, 1:] != IGNORED_LABEL).sum()))


def awaken_adapter(model: nn.Module) -> None:
    """Move B away from zero, where the gradient of A would be zero."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05, generator=torch.Generator().manual_seed(5))
