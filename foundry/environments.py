"""What each launch of a run was made with, for whoever asks later why two runs differ.

`environment.json` describes the newest launch, and under `earlier_launches` those before it: a run that moved to
another machine, or went on under another version, shows which of its steps were made where. No secret goes in: of the
environment variables only those that are listed here, and no URL with its password. Imports nothing heavy by itself.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import foundry
from foundry import files
from foundry.config import ExperimentConfig
from foundry.data.git import GitRepository
from foundry.errors import FoundryError
from foundry.reproducibility import without_password
from foundry.settings import weightless_settings
from foundry.untrusted import read_json

ENVIRONMENT_NAME = "environment.json"
EARLIER_LAUNCHES = "earlier_launches"
RECORDED_PACKAGES = ("torch", "transformers", "tokenizers", "sentencepiece", "safetensors", "numpy", "pydantic")
MAX_BYTES = 16_000_000
"""Some thousand launches."""
ANSWER_SECONDS = 20
RECORDED_VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "KMP_AFFINITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""Environment variables that may change numbers, or the memory that is left for them."""


def record_environment(run_folder: Path, config: ExperimentConfig, next_step: int) -> None:
    """Put a snapshot of this launch before those that the run folder holds already.

    Args:
        config: of this launch; what two launches of one run may disagree on is kept.
        next_step: the first step that this launch makes.
    """
    launch = {"time": _now(), "next_step": next_step, "settings": weightless_settings(config), **environment_snapshot()}
    files.write_json(run_folder / ENVIRONMENT_NAME, {**launch, EARLIER_LAUNCHES: read_launches(run_folder)})


def read_launches(run_folder: Path) -> list[dict[str, Any]]:
    """The snapshots of a run's launches, the newest first; empty where there are none, or the file is damaged."""
    try:
        newest = read_json(run_folder / ENVIRONMENT_NAME, MAX_BYTES)
        earlier = newest.pop(EARLIER_LAUNCHES, [])
    except (OSError, ValueError, AttributeError):
        return []
    return [newest, *(launch for launch in earlier if isinstance(launch, dict))] if isinstance(earlier, list) else []


def software_snapshot(packages: Sequence[str]) -> dict[str, Any]:
    """The versions of foundry, Python and `packages`, and the machine; imports none of them.

    A package that is not installed is null.
    """
    return {
        "foundry": foundry.__version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "platform": platform.platform(),
        "host": socket.gethostname(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def environment_snapshot() -> dict[str, Any]:
    """What this process computes with: versions, commit of the working folder, machine, and what decides kernels."""
    return {
        **software_snapshot(RECORDED_PACKAGES),
        **_processor(),
        **_gpus(),
        "kernels": _kernels(),
        "variables": {name: os.environ[name] for name in RECORDED_VARIABLES if name in os.environ},
        **_working_folder(),
        "command": [Path(sys.argv[0]).name, *map(without_password, sys.argv[1:])],
    }


def _processor() -> dict[str, Any]:
    import psutil
    import torch

    return {
        "processor": _processor_name(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "cpu_count": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "torch_threads": torch.get_num_threads(),
        "torch_interop_threads": torch.get_num_interop_threads(),
    }


def _processor_name() -> str:
    """The model, which Linux tells in a file alone."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _gpus() -> dict[str, Any]:
    """The GPUs that this process sees, and the versions between them and torch."""
    import torch

    seen = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return {
        "gpus": [
            {"name": gpu.name, "compute_capability": f"{gpu.major}.{gpu.minor}", "memory_bytes": gpu.total_memory}
            for gpu in seen
        ],
        "gpu_driver": _answer("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if seen else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if seen else None,  # type: ignore[no-untyped-call]
    }


def _kernels() -> dict[str, Any]:
    """The switches of torch that decide which kernels compute."""
    import torch

    return {
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "onednn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
    }


def _working_folder() -> dict[str, Any]:
    """The commit that is checked out, and how many paths differ from it; nothing outside a git repository."""
    try:
        repository = GitRepository.open(Path.cwd(), ".")
        return {
            "git_commit": repository.resolve("HEAD"),
            "git_uncommitted_changes": repository.num_uncommitted_changes(),
        }
    except FoundryError:
        return {}


def _answer(*command: str) -> str | None:
    """The first line that a program prints; None where there is none, or it fails, or hangs."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.partition("\n")[0].strip() or None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
