"""A small suite of features whose scenarios use a registry: the acceptance suite sees how they are reported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FEATURE = """\
Feature: A registry is asked

  @normal
  Scenario: A client asks for weather
    Given a Weights & Biases service
    When a client asks "{ weather }"
    Then all is well

  @normal
  Scenario: A client asks who it is
    Given a Weights & Biases service
    When a client asks "{ viewer { id } }"
    Then all is well

  @minor @wandb_cloud
  Scenario: The real service answers
    Given a Weights & Biases service
    Then all is well
"""

STEPS = """\
import json
import os
import urllib.request
from base64 import b64encode

from behave import then, when


@when('a client asks "{selection}"')
def client_asks(context, selection):
    key = b64encode(f"api:{os.environ['WANDB_API_KEY']}".encode()).decode()
    body = json.dumps({"query": f"query GetViewer {selection}"}).encode()
    request = urllib.request.Request(f"{os.environ['WANDB_BASE_URL']}/graphql", body, {"Authorization": f"Basic {key}"})
    try:
        urllib.request.urlopen(request).close()
    except OSError as error:
        print(error)


@then("all is well")
def all_is_well(context):
    pass
"""


@dataclass(frozen=True)
class Reported:
    """A scenario as the report shows it."""

    status: str
    reason: str


def run_registry_suite(project: Path, folder: Path, tags: str) -> dict[str, Reported]:
    """Run the suite in `folder` with the hooks and the configuration of `project`: each scenario's result, by name."""
    for place, content in {"features/asking.feature": FEATURE, "steps/asking_steps.py": STEPS}.items():
        (folder / place).parent.mkdir(parents=True)
        (folder / place).write_text(content, encoding="utf-8")
    for name in ("environment.py", "pyproject.toml"):
        shutil.copy(project / name, folder)
    shutil.copy(project / "steps" / "wandb_registry_steps.py", folder / "steps")
    kept = {name: value for name, value in os.environ.items() if name != "WANDB_API_KEY"}
    subprocess.run(
        [sys.executable, "-m", "behave", f"--tags={tags}"],
        cwd=folder,
        env={**kept, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        timeout=100,
        check=False,
    )
    results = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("allure-results/*-result.json")]
    return {
        result["name"]: Reported(result["status"], (result.get("statusDetails") or {}).get("message", ""))
        for result in results
    }
