"""The GPU with driver, CUDA, bfloat16 and NCCL, and the library behind 4-bit weights.

`python -m foundry.acceptance.checks.gpu` prints its checks as JSON: importing torch takes seconds, and a driver that
does not fit may end the process, so that a run asks another process for them.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foundry.acceptance.checks.check import NOTHING, Check

NAME = "GPU"
TAG = "gpu"
DRIVER_LIBRARY = "libcuda.so.1"
ANSWER_SECONDS = 60
NONE_HERE = Check(NAME, "missing", NOTHING, "this machine has none", tag=TAG)


def check_gpus_apart() -> list[Check]:
    """The checks of the GPU and of bitsandbytes; imports torch in a process of its own, and only for a driver."""
    if not has_driver():
        return [NONE_HERE, check_bitsandbytes(None)]
    command = [sys.executable, "-m", "foundry.acceptance.checks.gpu"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        return [_unusable(f"torch does not answer within {ANSWER_SECONDS} s"), check_bitsandbytes(None)]
    if answer.returncode < 0:
        name = signal.Signals(-answer.returncode).name
        return [_unusable(f"{name} ends a process that asks torch for it"), check_bitsandbytes(None)]
    if answer.returncode != 0:
        last = next(reversed(answer.stderr.strip().splitlines()), "no word")
        return [_unusable(f"torch cannot be asked: {last}"), check_bitsandbytes(None)]
    return [Check(**told) for told in json.loads(answer.stdout.splitlines()[-1])]


def check_gpu() -> Check:
    """Whether torch can compute on a GPU; imports torch where there is a driver."""
    if not has_driver():
        return NONE_HERE
    import torch

    if torch.cuda.is_available():
        return Check(NAME, "ok", _gpus(torch), tag=TAG)
    if torch.version.cuda is None:
        return _unusable(f"torch {torch.__version__} is built without CUDA")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = "" if visible is None else f", CUDA_VISIBLE_DEVICES={visible!r}"
    return _unusable(f"torch, built for CUDA {torch.version.cuda}, sees no device{hidden}")


def has_driver() -> bool:
    """Whether the driver of NVIDIA is installed."""
    try:
        ctypes.CDLL(DRIVER_LIBRARY)
    except OSError:
        return False
    return True


def _unusable(reason: str) -> Check:
    remedy = "nvidia-smi; pip install --constraint constraints.txt torch"
    return Check(
        NAME, "failed", f"a driver ({DRIVER_LIBRARY})", f"this machine's is of no use: {reason}", remedy, tag=TAG
    )


def _gpus(torch: Any) -> str:
    names = [torch.cuda.get_device_properties(index).name for index in range(torch.cuda.device_count())]
    driver = f"driver for CUDA {_driver_version()}"
    return f"{', '.join(names)}, {driver}, torch for CUDA {torch.version.cuda}"


def _driver_version() -> str:
    """The newest CUDA that the driver serves; it gives `12080` for 12.8."""
    number = ctypes.c_int()
    ctypes.CDLL(DRIVER_LIBRARY).cuDriverGetVersion(ctypes.byref(number))
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


def check_gpus() -> Iterator[Check]:
    """The checks of the GPU and of bitsandbytes, made in this process."""
    gpu = check_gpu()
    yield gpu
    if not gpu.is_ok:
        yield check_bitsandbytes(None)
        return
    import torch

    if torch.cuda.is_bf16_supported():
        yield Check("bfloat16", "ok", "on the GPU")
    else:
        yield Check("bfloat16", "missing", NOTHING, "this GPU computes in float16 only", "training.amp_dtype: float16")
    if torch.distributed.is_available() and torch.distributed.is_nccl_available():
        yield Check("NCCL", "ok", ".".join(map(str, torch.cuda.nccl.version())))  # type: ignore[no-untyped-call]
    else:
        yield Check("NCCL", "missing", NOTHING, "torch is built without it: one process computes on a GPU")
    yield check_bitsandbytes(torch.version.cuda)


def check_bitsandbytes(cuda: str | None) -> Check:
    """The native library that computes with 4-bit weights, for the version `cuda`, or for the processor."""
    name, remedy = "bitsandbytes", "pip install 'foundry-lm[finetuning]'"
    spec = importlib.util.find_spec("bitsandbytes")
    if spec is None or spec.origin is None:
        return Check(name, "missing", NOTHING, "4-bit weights cannot be trained", remedy)
    backend = f"cuda{cuda.replace('.', '')}" if cuda else "cpu"
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    library = Path(spec.origin).parent / f"libbitsandbytes_{backend}{suffix}"
    if not library.is_file():
        return Check(name, "failed", NOTHING, f"it has no library for {backend}: {library} is missing", remedy)
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return Check(name, "failed", library.name, f"it cannot be loaded: {error}", remedy)
    return Check(name, "ok", f"backend {backend} ({library.parent})")


if __name__ == "__main__":
    print(json.dumps([asdict(check) for check in check_gpus()]))
