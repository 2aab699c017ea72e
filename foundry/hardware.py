"""Which device computes, and what it can do."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from typing import cast

import torch

from foundry.config import ExperimentConfig, TrainingConfig
from foundry.errors import UserError


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` takes a GPU where there is one.

    Raises:
        UserError: the name is unknown, or this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"device {name}: unknown; use auto, cpu, cuda, cuda:<number> or mps") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device {name}: this machine has {torch.cuda.device_count()} CUDA devices; use auto or cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError(f"device {name}: Metal is not available on this machine; use auto or cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UserError(f"device {name}: training on {device.type} is not supported; use auto, cpu, cuda or mps")
    return device


def computing_dtype(config: ExperimentConfig) -> torch.dtype:
    """What a training step computes in; matrix products of weights that are trained whole, under autocast."""
    if config.lora is not None:
        return cast(torch.dtype, getattr(torch, config.model.compute_dtype))
    return cast(torch.dtype, getattr(torch, config.training.amp_dtype)) if config.training.use_amp else torch.float32


def check_precision(config: ExperimentConfig, device: torch.device) -> None:
    """Refuse a precision that `device` cannot train in.

    Raises:
        UserError: float16 without a GPU, or bfloat16 on a GPU that lacks it.
    """
    key = "training.amp_dtype" if config.lora is None else "model.compute_dtype"
    dtype = computing_dtype(config)
    if dtype == torch.float16 and device.type != "cuda":
        raise UserError(f"{key}: float16 needs a CUDA GPU, and this run uses {device}; use bfloat16")
    if dtype == torch.bfloat16 and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise UserError(f"{key}: this GPU has no bfloat16; use float16")


def prepare_backend(training: TrainingConfig, device: torch.device) -> None:
    """Choose reproducible kernels, and the float32 precision that the experiment asks for."""
    if device.type == "cuda":  # gpu-only
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cuda.matmul.allow_tf32 = training.use_tf32
    torch.backends.cudnn.allow_tf32 = training.use_tf32
    torch.backends.cudnn.benchmark = False


def give_back_memory() -> None:
    """Return to the system what was freed: the C library of Linux keeps it, hundreds of megabytes after a loading."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


OUT_OF_MEMORY_TEXTS = ("can't allocate memory", "not enough memory", "bad_alloc", "out of memory", "could not create a")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on a GPU or on the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in OUT_OF_MEMORY_TEXTS)
