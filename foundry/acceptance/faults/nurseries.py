"""Drives warm processes: an order in, what the scenarios of a trial showed out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import psutil

import foundry
from foundry.acceptance.faults import nursery
from foundry.errors import FoundryError

SOURCES = Path(foundry.__file__).parent.parent
"""Where the running suite was imported from."""
LOADING_SECONDS = 120.0

Ended = Literal["passed", "failed", "broken", "skipped", "timed out", "died"]


@dataclass(frozen=True)
class ScenarioOutcome:
    """What one scenario showed in a trial.

    Attributes:
        message: why it did not pass.
    """

    status: Ended
    seconds: float = 0.0
    step: str = ""
    message: str = ""

    @property
    def is_red(self) -> bool:
        """Whether the scenario has noticed something."""
        return self.status not in ("passed", "skipped")


@dataclass(frozen=True)
class TrialResult:
    """What a trial showed.

    Attributes:
        trouble: why the suite could not be loaded, or stopped outside its scenarios; empty where it did not.
        outcomes: of the scenarios that ran, by their places, in the order in which they ended.
        libraries: the modules of other libraries that the suite imports, where that was asked for.
    """

    loaded: bool
    trouble: str
    outcomes: Mapping[str, ScenarioOutcome]
    libraries: tuple[str, ...] = ()


class Nursery:
    """A warm process that runs one trial at a time."""

    def __init__(self) -> None:
        hidden = ("PYTHONPATH", "FOUNDRY_SCENARIO", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(nursery.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        if kind is not None:
            self._process.kill()
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def kill(self) -> None:
        """End it at once, with everything that its trial has started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid)
            for process in [*family.children(recursive=True), family]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    def libraries(self, shadow: Path, feature: str) -> tuple[str, ...]:
        """The modules of other libraries that the suite imports when it is loaded for `feature`."""
        return _result(self._ask(_order(shadow, {feature: 0.0}, only_load=True)), {}).libraries

    def warm_up(self, libraries: Sequence[str]) -> None:
        """Import modules of other libraries, which the children then find imported."""
        self._ask({"warm": libraries})

    def run(
        self, shadow: Path, scenarios: Mapping[str, float], *, module: str = "", stop_at_first_red: bool = False
    ) -> TrialResult:
        """Run scenarios of the project that `Shadows.shadow` has made, in a process of their own.

        Args:
            scenarios: by their places (`features/x.feature:12`), how many seconds each may take.
            module: the path of a source file that must be importable.
        """
        order = _order(shadow, scenarios, module=module, stop_at_first_red=stop_at_first_red)
        return _result(self._ask(order), scenarios)

    def _ask(self, order: Mapping[str, Any]) -> Any:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise FoundryError("the process that runs trials has died; run it again") from None
        answer = self._process.stdout.readline()
        if not answer:
            raise FoundryError("the process that runs trials has died; run it again")
        return json.loads(answer)


def _order(shadow: Path, scenarios: Mapping[str, float], *, module: str = "", **how: bool) -> dict[str, Any]:
    sources = [str(shadow / "project"), str(SOURCES)]
    inherited = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {
        "folder": sources[0],
        "log": str(shadow / "log"),
        "workspaces": str(shadow / "tmp"),
        "sources": sources,
        "environment": {
            "PYTHONPATH": os.pathsep.join(dict.fromkeys([*sources, *inherited])),
            "TMPDIR": str(shadow / "tmp"),
        },
        "places": list(scenarios),
        "seconds": dict(scenarios),
        "loading_seconds": LOADING_SECONDS,
        "module": module.removesuffix(".py").replace("/", ".").removesuffix(".__init__"),
        "only_load": how.get("only_load", False),
        "stop_at_first_red": how.get("stop_at_first_red", False),
    }


def _result(answer: dict[str, Any], scenarios: Mapping[str, float]) -> TrialResult:
    outcomes: dict[str, ScenarioOutcome] = {}
    loaded, trouble, running, libraries = False, "", "", ()
    for news in answer["news"]:
        match news.pop("subject"):
            case "loaded":
                loaded, libraries = True, tuple(news["libraries"])
            case "began":
                running = news["place"]
            case "ended":
                running = ""
                place = news.pop("place")
                outcomes[place] = ScenarioOutcome(**news)
            case "trouble":
                trouble = news["text"].splitlines()[-1]
    if running:
        outcomes[running] = _cut_off(answer, scenarios[running], trouble)
    elif answer["timed_out"]:
        trouble = trouble or "it took too long to load the suite" if not loaded else "the suite did not end"
    elif answer["exit_code"] != 0 and not trouble:
        trouble = _how_it_ended(answer["exit_code"])
    return TrialResult(loaded, trouble, outcomes, libraries)


def _cut_off(answer: dict[str, Any], seconds: float, trouble: str) -> ScenarioOutcome:
    if answer["timed_out"]:
        return ScenarioOutcome("timed out", seconds, message=f"it did not end within {seconds:.0f} s")
    return ScenarioOutcome("died", message=trouble or _how_it_ended(answer["exit_code"]))


def _how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        return f"its process was ended by {signal.Signals(-exit_code).name}"
    return f"its process ended with exit code {exit_code}"
