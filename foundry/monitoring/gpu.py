"""What is read of a CUDA GPU: its memory from torch, the rest from NVIDIA's management library, where that is there."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

import torch

from foundry.monitoring.meters import Reading


class GpuMemoryMeter:  # gpu-only
    """What the tensors of this process take on a GPU (allocated), and what torch keeps for them (reserved)."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._total = torch.cuda.get_device_properties(device).total_memory
        self._peaks_at_start = self._of("peak")

    def read(self) -> Reading:
        """See `foundry.monitoring.meters.Meter`."""
        # Torch keeps its peaks for the whole process. Those from before this launch say nothing of it.
        peaks = {name: peak for name, peak in self._of("peak").items() if peak > self._peaks_at_start[name]}
        return Reading(dict(self._of("current")), dict(peaks), {"gpu_total_bytes": self._total})

    def close(self) -> None:
        """Nothing is held."""

    def _of(self, which: str) -> dict[str, int]:
        statistics = torch.cuda.memory_stats_as_nested_dict(self._device)
        return {
            f"gpu_{name}_bytes": int(statistics.get(f"{name}_bytes", {}).get("all", {}).get(which, 0))
            for name in ("allocated", "reserved")
        }


class ManagementMeter:  # gpu-only
    """How busy, how hot and how hungry a GPU is, by NVML (the package `nvidia-ml-py`).

    Raises:
        ImportError: the package is missing.
        Exception: of the library, where the driver does not answer or does not know the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._library: Any = importlib.import_module("pynvml")
        self._library.nvmlInit()
        try:
            uuid = torch.cuda.get_device_properties(device).uuid
            self._handle = self._library.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        except Exception:
            self.close()
            raise

    def read(self) -> Reading:
        """See `foundry.monitoring.meters.Meter`; what this GPU does not tell is None."""
        library, handle = self._library, self._handle
        return Reading(
            {
                "gpu_utilisation_percent": self._told(lambda: library.nvmlDeviceGetUtilizationRates(handle).gpu),
                "gpu_power_watts": self._told(lambda: library.nvmlDeviceGetPowerUsage(handle) / 1000),
                "gpu_temperature_celsius": self._told(
                    lambda: library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU)
                ),
            }
        )

    def close(self) -> None:
        """Let go of the library."""
        with contextlib.suppress(self._library.NVMLError):
            self._library.nvmlShutdown()

    def _told(self, ask: Callable[[], float]) -> float | None:
        try:
            return ask()
        except self._library.NVMLError:
            return None
