"""One self-contained HTML page of Allure results: what was promised, what was kept, on which machine and version."""

from __future__ import annotations

import base64
import datetime
import importlib.metadata
import itertools
import json
import os
import pkgutil
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

import foundry
from foundry import files
from foundry.acceptance.allure import find_node, installed_allure
from foundry.acceptance.allure_history import SHOWN_RUNS, write_allure_history
from foundry.acceptance.history import History
from foundry.errors import FoundryError, UserError

REPORT_NAME = "Foundry acceptance report"
SHOWN_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "behave", "allure-behave")

_PRODUCT_MODULES = sorted({it.name for it in pkgutil.iter_modules(foundry.__path__)} - {"acceptance", "testing"})
PRODUCT_FRAME = rf"/foundry/({'|'.join(_PRODUCT_MODULES)})(/[\w/]+)?\.py\", line \d+"
"""In a traceback: a line of the product itself, not of its test kit."""

CATEGORIES: list[dict[str, Any]] = [
    {
        "name": "Hardware missing",
        "matchers": [{"statuses": ["skipped"], "message": "^needs a .*this machine"}],
        "groupByMessage": True,
        "expand": True,
    },
    {
        "name": "Not asked for",
        "matchers": [{"statuses": ["skipped"]}],
        "groupByMessage": True,
    },
    {
        "name": "Promise broken",
        "matchers": [{"statuses": ["failed"]}, {"statuses": ["broken"], "trace": PRODUCT_FRAME}],
        "groupByMessage": True,
        "expand": True,
    },
    {
        "name": "Harness error",
        "matchers": [{"statuses": ["broken", "unknown"]}],
        "groupByMessage": True,
        "expand": True,
    },
]

CHARTS: list[dict[str, Any]] = [
    {"type": "currentStatus", "title": "Promises kept"},
    {"type": "testResultSeverities", "title": "By importance", "levels": ["blocker", "critical", "normal", "minor"]},
    {"type": "statusDynamics", "title": "Promises kept, run by run", "limit": SHOWN_RUNS},
    {"type": "statusTransitions", "title": "Mended and broken, run by run", "limit": SHOWN_RUNS},
    {"type": "testBaseGrowthDynamics", "title": "Promises made and dropped, run by run", "limit": SHOWN_RUNS},
    {"type": "durations", "title": "How long scenarios take"},
    {"type": "durationDynamics", "title": "How long runs take", "limit": SHOWN_RUNS},
]

ANALYTICS = re.compile(
    r'<script async src="https://www\.googletagmanager\.com/[^"]*"></script>\s*<script>.*?</script>', re.DOTALL
)
EMBEDDED = re.compile(r'd\("([^"]+)","([^"]*)"\)')
"""A piece of data in the page of Allure: its name, and its content in base64."""
NEVER_READ = re.compile(r"widgets/(tree|search-index)\.json$|data/history/")
"""Data that Allure writes and its page never asks for: it stands below `widgets/default/`, or in the results, too."""
CHARTS_WIDGET = "widgets/charts.json"
RANDOM_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
EXTERNAL_RESOURCE = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)


def build_report(
    results: Path,
    destination: Path,
    *,
    about: Mapping[str, str] | None = None,
    history: History | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Write the report of the Allure results in the folder `results` to the file `destination`, and return its path.

    Args:
        about: lines that the report has about its own making, beside those of `environment` or in their place.
        history: of earlier runs, for trends and the past of each scenario.

    Raises:
        UserError: the folder holds no results.
        FoundryError: Allure cannot be installed, or fails.
    """
    if not any(results.glob("*-result.json")):
        raise UserError(f"{results}: no Allure results here; run `foundry accept` or `behave` first")
    allure, node = installed_allure(say), find_node()
    with tempfile.TemporaryDirectory(prefix="foundry-report-") as folder:
        settings, past = Path(folder, "allurerc.json"), Path(folder, "history.jsonl")
        write_allure_history(history or History(), past)
        content = _settings({**environment(), **(about or {})}) | {"historyPath": str(past), "appendHistory": False}
        settings.write_text(json.dumps(content), encoding="utf-8")
        command: list[str | Path] = [node.program, allure, "generate", results.resolve()]
        command += ["--config", settings, "--output", Path(folder, "out")]
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        page = next(Path(folder, "out").rglob("index.html"), None)
        if answer.returncode != 0 or page is None:
            raise FoundryError(f"Allure made no report: {(answer.stderr or answer.stdout).strip()}")
        files.write_text(destination, self_contained(page.read_text(encoding="utf-8")))
    return destination


def self_contained(page: str) -> str:
    """The page without the visitor statistics that Allure loads from the network, and without data it never reads.

    What it holds stands in an order that does not change from one making to the next.

    Raises:
        FoundryError: something else would be loaded from the network.
    """
    page = _in_order(ANALYTICS.sub("", page))
    leak = EXTERNAL_RESOURCE.search(page)
    if leak:
        raise FoundryError(f"the report would load from the network: {leak.group()}")
    return page


def _in_order(page: str) -> str:
    """The page with its data sorted by name, charts numbered instead of named at random, and no idle data."""
    found = list(EMBEDDED.finditer(page))
    if not found:
        return page
    data = {entry[1]: entry[2] for entry in found if not NEVER_READ.match(entry[1])}
    data[CHARTS_WIDGET] = _numbered(data[CHARTS_WIDGET])
    entries = ",".join(f'd("{name}","{content}")' for name, content in sorted(data.items()))
    return page[: found[0].start()] + entries + page[found[-1].end() :]


def _numbered(content: str) -> str:
    ids = itertools.count(1)
    numbers: dict[str, str] = {}
    text = base64.b64decode(content).decode()
    text = RANDOM_ID.sub(lambda it: numbers.setdefault(it.group(), f"chart-{next(ids)}"), text)
    return base64.b64encode(text.encode()).decode()


def environment() -> dict[str, str]:
    """The machine and the versions that the results stand for."""
    return {
        "Foundry": importlib.metadata.version("foundry-lm"),
        "Commit": source_version(Path.cwd()),
        "Date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Python": platform.python_version(),
        "System": platform.platform(),
        "Processor": f"{_processor()}, {os.cpu_count()} cores",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "GPU": _gpus(),
        **{name: importlib.metadata.version(name) for name in SHOWN_PACKAGES},
    }


def source_version(folder: Path) -> str:
    """The commit checked out in `folder`, with a mark where files differ from it."""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty"]
    return _answer(command) or "not a git repository"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found.group(1)
    return _answer(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.machine()


def _gpus() -> str:
    names = _answer(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    return "; ".join(names.splitlines()) or "none"


def _answer(command: list[str]) -> str:
    """What a program of the system prints; empty where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return ""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _settings(variables: Mapping[str, str]) -> dict[str, Any]:
    awesome = {
        "reportName": REPORT_NAME,
        "singleFile": True,
        "reportLanguage": "en",
        "groupBy": ["epic", "feature", "story"],
        "sections": ["charts", "timeline"],
        "charts": CHARTS,
    }
    return {
        "name": REPORT_NAME,
        "variables": dict(variables),
        "hideLabels": ["framework", "language", "host", "thread"],
        "categories": CATEGORIES,
        "plugins": {"awesome": {"options": awesome}},
    }
