"""What a run has taken of the hardware, in words."""

from __future__ import annotations

from foundry.monitoring.record import Figure, HardwareRecord


def hardware_facts(record: HardwareRecord) -> list[tuple[str, str]]:
    """The peaks of a run over all its launches, as names and values; what was not measured is left out."""
    found = record.figures.get
    facts = [
        ("peak memory", _memory(found("resident_bytes"), found("memory_used_bytes"), record.memory_total_bytes)),
        ("processor", _processor(found("process_cpu_percent"), found("cpu_percent"))),
        ("least free disk", _megabytes(figure.lowest) if (figure := found("disk_free_bytes")) else ""),
        (
            "peak GPU memory",
            _gpu_memory(found("gpu_allocated_bytes"), found("gpu_reserved_bytes"), record.gpu_total_bytes),
        ),
        ("GPU", _gpu(record)),
    ]
    return [(name, value) for name, value in facts if value]


def _memory(resident: Figure | None, used: Figure | None, total: int | None) -> str:
    if resident is None or used is None or total is None:
        return ""
    return f"{_megabytes(resident.peak)} of this run; of the machine {_megabytes(used.peak)} of {_megabytes(total)}"


def _processor(own: Figure | None, machine: Figure | None) -> str:
    if own is None or machine is None:
        return ""
    return f"{own.mean:.0f} % of a core on average; all cores of the machine {machine.mean:.0f} %"


def _gpu_memory(allocated: Figure | None, reserved: Figure | None, total: int | None) -> str:
    if allocated is None or reserved is None or total is None:
        return ""
    return f"{_megabytes(allocated.peak)} allocated, {_megabytes(reserved.peak)} reserved of {_megabytes(total)}"


def _gpu(record: HardwareRecord) -> str:
    """Its name, and what is known of how it was used."""
    found = record.figures.get
    parts = [record.gpu] if record.gpu else []
    if busy := found("gpu_utilisation_percent"):
        parts.append(f"{busy.mean:.0f} % busy on average")
    if power := found("gpu_power_watts"):
        parts.append(f"{power.mean:.0f} W on average, at most {power.peak:.0f}")
    if heat := found("gpu_temperature_celsius"):
        parts.append(f"at most {heat.peak:.0f} °C")
    return "; ".join(parts)


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f} MB"
