"""Python and the installed packages, against what foundry requires and what the project pins."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from foundry.acceptance.checks.check import NOTHING, Check

PRODUCT = "foundry-lm"
NEEDED_EXTRA = "acceptance"
NOT_FOR_SCENARIOS = ("benchmarks", "development", "gpu")
"""Extras of which no scenario makes use; `gpu` only shows more figures of a GPU."""
PINS_FILE = Path("constraints.txt")
CLASSIFIER = "Programming Language :: Python :: "
SHOWN = 4


def check_packages() -> Iterator[Check]:
    """Python, what foundry and its acceptance suite require, its other extras, and the pins of the current folder."""
    try:
        product = importlib.metadata.distribution(PRODUCT)
    except importlib.metadata.PackageNotFoundError:
        remedy = f"pip install '{PRODUCT}[{NEEDED_EXTRA}]'"
        yield Check("packages", "failed", NOTHING, f"{PRODUCT} is not installed", remedy, needed=True)
        return
    requirements = [Requirement(text) for text in product.requires or ()]
    extras = set(product.metadata.get_all("Provides-Extra") or ()) - {*NOT_FOR_SCENARIOS, NEEDED_EXTRA}
    yield _python(product)
    yield _required(requirements)
    yield _extras(requirements, sorted(extras))
    if PINS_FILE.is_file():
        yield _pins()


def _python(product: importlib.metadata.Distribution) -> Check:
    version, asked = platform.python_version(), product.metadata["Requires-Python"]
    found = f"{version} ({sys.executable})"
    if asked and not Requirement(f"python{asked}").specifier.contains(version, prereleases=True):
        remedy = "make PYTHON=python3.12 install"
        return Check("Python", "failed", found, f"foundry needs {asked}", remedy, needed=True)
    lines = [text.removeprefix(CLASSIFIER) for text in product.metadata.get_all("Classifier") or ()]
    tried = [line for line in lines if line.count(".") == 1]
    if tried and version.rpartition(".")[0] not in tried:
        reason = f"foundry was tried on {', '.join(tried)}"
        return Check("Python", "failed", found, reason, f"make PYTHON=python{tried[-1]} install")
    return Check("Python", "ok", found, needed=True)


def _required(requirements: Iterable[Requirement]) -> Check:
    wanted = _of_extra(requirements, "") + _of_extra(requirements, NEEDED_EXTRA)
    wrong = [problem for requirement in wanted if (problem := _problem(requirement))]
    if wrong:
        remedy = f"pip install '{PRODUCT}[{NEEDED_EXTRA}]'"
        return Check("packages", "failed", _few(wrong), "not what foundry requires", remedy, needed=True)
    return Check("packages", "ok", f"{len(wanted)} as foundry and its acceptance suite require", needed=True)


def _extras(requirements: Iterable[Requirement], extras: Iterable[str]) -> Check:
    problems = {extra: list(filter(None, map(_problem, _of_extra(requirements, extra)))) for extra in extras}
    lacking = {extra: wrong for extra, wrong in problems.items() if wrong}
    if not lacking:
        return Check("extras", "ok", ", ".join(problems) or NOTHING)
    found = _few([problem for wrong in lacking.values() for problem in wrong])
    reason = f"scenarios about {', '.join(lacking)} cannot pass"
    return Check("extras", "missing", found, reason, f"pip install '{PRODUCT}[{','.join(lacking)}]'")


def _of_extra(requirements: Iterable[Requirement], extra: str) -> list[Requirement]:
    """Those that hold with `extra` and not without any, or with `""` those that hold always."""
    with_it = [it for it in requirements if it.marker is None or it.marker.evaluate({"extra": extra})]
    without = [it for it in requirements if it.marker is None or it.marker.evaluate({"extra": ""})]
    return without if not extra else [it for it in with_it if it not in without]


def _problem(requirement: Requirement) -> str:
    """What is installed in place of what is required; empty where that is right."""
    version = _installed(requirement.name)
    if version is None:
        return f"no {requirement.name}"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{requirement.name} {version} (required {requirement.specifier})"


def _pins() -> Check:
    pins = list(_read_pins(PINS_FILE))
    versions = {pin.name: _installed(pin.name) for pin in pins}
    present = [pin for pin in pins if versions[pin.name] is not None]
    other = [
        f"{pin.name} {versions[pin.name]} (pinned {pin.specifier})"
        for pin in present
        if not pin.specifier.contains(versions[pin.name] or "", prereleases=True)
    ]
    if other:
        reason = f"not what {PINS_FILE} pins, so this run does not stand for those versions"
        remedy = f"pip install --constraint {PINS_FILE} '{PRODUCT}[{NEEDED_EXTRA}]'"
        return Check("pins", "failed", _few(other), reason, remedy)
    return Check("pins", "ok", f"{len(present)} as in {PINS_FILE}")


def _read_pins(path: Path) -> Iterator[Requirement]:
    """The pins that hold on this machine; what is no requirement is left to pip to complain about."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            pin = Requirement(line.partition("#")[0].strip())
        except InvalidRequirement:
            continue
        if pin.marker is None or pin.marker.evaluate():
            yield pin


def _installed(name: str) -> str | None:
    """The version that Python would import: of the first folder on its path that has the package."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _few(texts: list[str]) -> str:
    more = len(texts) - SHOWN
    return ", ".join(texts[:SHOWN]) + (f" and {more} more" if more > 0 else "")
