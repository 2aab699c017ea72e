"""The thread that looks at the hardware while a run trains, and what the training thread hears of it."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import torch

from foundry import files
from foundry.config_monitoring import MonitoringConfig
from foundry.monitoring.gpu import GpuMemoryMeter, ManagementMeter
from foundry.monitoring.meters import DiskMeter, HostMeter, Meter, Reading
from foundry.monitoring.record import HARDWARE_NAME, HardwareRecord
from foundry.monitoring.thresholds import Watch
from foundry.training.events import Listener, Message

SECONDS_BETWEEN_WRITES = 10.0
PATIENCE_SECONDS = 10.0
"""For the last look; a driver that hangs must not keep the run from ending."""
SHOWN_IN_METRICS = (
    "resident_bytes",
    "process_cpu_percent",
    "memory_used_bytes",
    "gpu_allocated_bytes",
    "gpu_utilisation_percent",
    "gpu_power_watts",
)


class Monitor:
    """Looks at the hardware from entering it until `finish`; with `enabled: false` it does nothing.

    Nothing that happens in its thread ends the training but a threshold that is meant to.

    Args:
        folder: of the run.
        device: that the run trains on.
        is_writer: whether the figures go into the run folder; one process of a launch writes for all.
        listen: is told what there is to tell, by `tell` and `finish` in the thread that calls them.
    """

    def __init__(
        self, settings: MonitoringConfig, folder: Path, device: torch.device, is_writer: bool, listen: Listener
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._device = device
        self._is_writer = is_writer
        self._listen = listen
        self._news: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._failed: set[str] = set()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._watch = Watch(settings)
        self._latest: dict[str, float] = {}

    # --- for the training thread ---

    def __enter__(self) -> Monitor:
        if self._settings.enabled:
            thread = threading.Thread(target=self._work, name="hardware", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._say(f"the hardware is not looked at: {error}", warning=True)
            else:
                self._thread = thread
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.finish()

    def finish(self) -> None:
        """Take the last look, write the record, and end the thread; when it has ended, this does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._over.set()
            thread.join(PATIENCE_SECONDS)
            if thread.is_alive():
                self._say("the hardware does not answer, so its last figures are not written", warning=True)
        with contextlib.suppress(OSError):  # the log file may lie on the disk that is full
            self.tell()

    def tell(self) -> None:
        """Tell the listener what was found since this was last called."""
        while not self._news.empty():
            self._listen(self._news.get_nowait())

    @property
    def may_stop(self) -> bool:
        """Whether `limit` may ever be set; the same in all processes of a launch."""
        return self._settings.enabled and self._watch.may_stop

    @property
    def limit(self) -> str | None:
        """Why the run is to end after its step, in words."""
        return self._watch.limit

    @property
    def latest(self) -> dict[str, float]:
        """What a row of metrics says of the hardware: the figures of the latest sample that are known."""
        return self._latest

    # --- in the thread of the monitor ---

    def _work(self) -> None:
        try:
            with contextlib.ExitStack() as held:
                self._look_until_over(self._meters(held))
        except Exception as error:  # noqa: BLE001 (training goes on without the figures)
            self._say(f"the hardware is looked at no more: {type(error).__name__}: {error}", warning=True)

    def _look_until_over(self, meters: dict[str, Meter]) -> None:
        record = self._begun_record()
        written_at = time.monotonic()
        record, is_over = self._look(meters, record), False
        while not is_over:
            is_over = self._over.wait(self._settings.interval)
            record = self._look(meters, record)
            if self._is_writer and (is_over or time.monotonic() - written_at >= SECONDS_BETWEEN_WRITES):
                self._write(record)
                written_at = time.monotonic()

    def _begun_record(self) -> HardwareRecord:
        """The record of the launches before this one, if there is one that can be read."""
        earlier = None
        try:
            earlier = HardwareRecord.read(self._folder)
        except ValueError as problem:
            self._say(f"{self._folder / HARDWARE_NAME} {problem}; its figures begin anew", warning=True)
        gpu = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else None
        return HardwareRecord.of_launch(earlier, self._settings.interval, gpu)

    def _meters(self, held: contextlib.ExitStack) -> dict[str, Meter]:
        """The meters that can be had here, by what they read; they are closed where `held` ends."""
        wanted: dict[str, Callable[[], Meter]] = {
            "memory and processor": HostMeter,
            "the disk": lambda: DiskMeter(self._folder),
        }
        if self._device.type == "cuda":  # gpu-only
            wanted["GPU memory"] = lambda: GpuMemoryMeter(self._device)
            wanted["GPU utilisation, power and temperature"] = lambda: ManagementMeter(self._device)
        meters = {}
        for name, make in wanted.items():
            try:
                meters[name] = make()
                held.callback(meters[name].close)
            except Exception as error:  # noqa: BLE001 (whatever a driver raises)
                self._say_not_measured(name, error)
        return meters

    def _look(self, meters: dict[str, Meter], record: HardwareRecord) -> HardwareRecord:
        """Take one sample, hold it against the thresholds, and add it to the record."""
        begun = time.thread_time()
        whole = Reading({}, {}, {})
        for name, meter in meters.items():
            try:
                read = meter.read()
            except Exception as error:  # noqa: BLE001 (whatever a driver raises)
                self._say_not_measured(name, error)
                continue
            whole = Reading(
                {**whole.figures, **read.figures}, {**whole.peaks, **read.peaks}, {**whole.totals, **read.totals}
            )
        for warning in self._watch.look(whole.figures, whole.totals):
            self._say(warning, warning=True)
        self._latest = {name: value for name in SHOWN_IN_METRICS if (value := whole.figures.get(name)) is not None}
        milliseconds = 1000 * (time.thread_time() - begun)
        return record.with_sample(whole.figures, whole.peaks, whole.totals, round(milliseconds, 3))

    def _write(self, record: HardwareRecord) -> None:
        try:
            files.write_json(self._folder / HARDWARE_NAME, record.model_dump())
        except OSError as error:
            if HARDWARE_NAME not in self._failed:
                self._failed.add(HARDWARE_NAME)
                self._say(f"{self._folder / HARDWARE_NAME}: cannot be written: {error.strerror or error}", warning=True)

    def _say_not_measured(self, name: str, error: Exception) -> None:
        if name not in self._failed:
            self._failed.add(name)
            remedy = "; `pip install nvidia-ml-py` reads them" if isinstance(error, ImportError) else ""
            self._say(f"{name} cannot be measured: {type(error).__name__}: {error}{remedy}")

    def _say(self, text: str, warning: bool = False) -> None:
        self._news.put(Message(text, warning))
