"""Earlier runs in the form of Allure's own history file, from which it draws trends and the past of each scenario.

The history itself is ours (`foundry.acceptance.history`), so that one file in the bundle tells of the past. What is
written here is read by one run of Allure and then gone; it holds as little as Allure needs, because Allure puts it
into its page with each scenario.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

from foundry.acceptance.history import History
from foundry.acceptance.record import AcceptanceRecord, ScenarioRecord

SHOWN_RUNS = 10


def write_allure_history(history: History, path: Path) -> None:
    """Write the newest runs of `history`, the oldest first, one JSON object a line."""
    path.write_text("".join(json.dumps(_point(run)) + "\n" for run in history.runs[-SHOWN_RUNS:]), encoding="utf-8")


def allure_history_id(key: str) -> str:
    """The history id that Allure makes of a test case `key` without parameters of its own: two digests."""
    return f"{_md5(key)}.{_md5('')}"


def milliseconds(moment: str) -> int:
    """A time in UTC, ISO 8601, as Allure counts: milliseconds since 1970."""
    time = datetime.datetime.fromisoformat(moment)
    return round((time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp() * 1000)


def _point(run: AcceptanceRecord) -> dict[str, Any]:
    start = milliseconds(run.started)
    return {
        "uuid": _md5(run.started + run.shard),
        "name": f"{run.started} {run.commit}",
        "timestamp": start,
        "knownTestCaseIds": [_md5(scenario.key) for scenario in run.scenarios],
        "testResults": {allure_history_id(scenario.key): _result(scenario, start) for scenario in run.scenarios},
        "metrics": {},
        "url": "",
    }


def _result(scenario: ScenarioRecord, run_start: int) -> dict[str, Any]:
    start = run_start + round(scenario.started * 1000)
    duration = round(scenario.seconds * 1000)
    result: dict[str, Any] = {"id": _md5(f"{run_start} {scenario.key}"), "status": scenario.status}
    result |= {"start": start, "stop": start + duration, "duration": duration}
    result["historyId"] = allure_history_id(scenario.key)  # by which trends tell what is new from what has changed
    if scenario.failure:
        result["message"] = scenario.failure.message
    return result


def _md5(text: str) -> str:
    """A digest that Allure makes, too; nothing is kept secret by it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
