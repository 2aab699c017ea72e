"""A small product with a suite of its own, to see what coverage tells of it: which lines, branches and scenarios.

Each module is executed in another kind of process. `prices` in the worker, `labels` in a program that a step starts,
`stock` in a fork of the worker, `parcels` in a program that ends without clearing up, `orders` in a process forked from
a server that was there before the scenario, `archive` nowhere.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from foundry.acceptance.coverage_data import lines_by_scenario
from foundry.acceptance.coverage_figures import FIGURES_NAME, CoverageFigures, read_figures
from foundry.acceptance.coverage_report import FOLDER_NAME
from foundry.acceptance.record import RECORD_NAME, AcceptanceRecord, read_record

PRICES = """\
def total(prices, voucher=0):
    amount = sum(prices)
    if voucher:
        amount -= voucher
    if amount < 0:
        amount = 0
    return amount


def refund(prices):
    return -total(prices)
"""

LABELS = """\
import sys


def label(name):
    if len(name) > 20:
        return name[:20]
    return name


print(label(sys.argv[1]))
"""

STOCK = """\
def take(shelf):
    shelf.pop()
    return len(shelf)
"""

PARCELS = """\
def send(weight):
    if weight > 30:
        return "van"
    return "post"
"""

ORDERS = """\
def next_number(last):
    if last is None:
        return 1
    return last + 1
"""

ARCHIVE = """\
def search(words):
    for word in words:
        if word == "gold":
            return word
    return None


def search_fast(words):  # MARKER
    import torch

    return torch.isin(words, torch.tensor([1]))
""".replace("MARKER", "gpu-only")

STEPS = """\
import os
import signal
import subprocess
import sys

from behave import then, when

from shop.prices import total


@when("a basket is paid")
def pay(context):
    context.answer = total([3, 4])


@when("a basket is paid with a voucher")
def pay_with_voucher(context):
    context.answer = total([3, 4], voucher=2)


@when("a label is printed")
def print_label(context):
    command = [sys.executable, "-m", "shop.labels", "tea"]
    context.answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@when("the last piece is taken")
def take(context):
    child = os.fork()
    if child == 0:
        from shop.stock import take

        os._exit(take(["tea"]))
    context.answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@when("a parcel is sent")
def send(context):
    code = "import os; from shop.parcels import send; os._exit(len(send(5)))"
    context.answer = subprocess.run([sys.executable, "-c", code]).returncode


@when("an order is numbered after {last}")
def number(context, last):
    from foundry.testing.forking import in_a_fork
    from shop.orders import next_number

    context.answer = in_a_fork(next_number, None if last == "none" else int(last)).answer


@when("the power fails")
def power_fails(context):
    os.kill(os.getpid(), signal.SIGKILL)


@then("the answer is {answer}")
def answer_is(context, answer):
    assert str(context.answer) == answer, f"{context.answer}, expected {answer}"
"""

SHOP = """\
@critical @REQ-SHOP-01
Feature: The shop sells tea

  Scenario: A basket costs what is in it
    When a basket is paid
    Then the answer is 7

  Scenario: A voucher makes a basket cheaper
    When a basket is paid with a voucher
    Then the answer is 5
"""

STORE = """\
@normal @REQ-SHOP-02
Feature: The store sends tea

  Scenario: A label has a name
    When a label is printed
    Then the answer is tea

  Scenario: The last piece leaves an empty shelf
    When the last piece is taken
    Then the answer is 0

  Scenario: A light parcel goes by post
    When a parcel is sent
    Then the answer is 4
"""

OFFICE = """\
@normal @REQ-SHOP-03
Feature: The office counts orders

  Scenario: The first order has number 1
    When an order is numbered after none
    Then the answer is 1

  Scenario: Orders are numbered one after the other
    When an order is numbered after 7
    Then the answer is 8
"""

OUTAGE = """\
@normal @REQ-SHOP-04
Feature: The power fails in the shop

  Scenario: A basket is paid before the power fails
    When a basket is paid
    Then the answer is 7

  Scenario: The power fails
    When the power fails
    Then the answer is 7
"""

CONFIGURATION = """\
[tool.coverage.run]
source = ["shop"]
branch = true

[tool.coverage.report]
exclude_also = ["# gpu-only$"]

[tool.behave]
capture_hooks = false
tag_expression_protocol = "v2"

[tool.foundry.coverage]
"""

EVERYTHING = ("features", "office", "outage")
"""All features of the sample product; the last scenario of them kills its worker."""

NO_FLOORS = "lines = 0\nbranches = 0"


@dataclass(frozen=True)
class MeasuredRun:
    """What a run of the sample product's suite left: what it printed, and its coverage where it measured any.

    Attributes:
        scenarios: the names of the scenarios that ran through each line of each module.
        files: what is in the folder of the coverage.
        remains: what is left of the measurement outside of that folder.
        results: the key of the scenario of each of Allure's results.
    """

    exit_code: int
    output: str
    record: AcceptanceRecord | None = None
    figures: CoverageFigures | None = None
    scenarios: dict[str, dict[int, frozenset[str]]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


def write_sample_product(folder: Path, floors: str = NO_FLOORS, source: str = '["shop"]') -> None:
    """Write the product, its features and steps, and a configuration with these floors and source into `folder`."""
    for place, content in {
        "shop/__init__.py": "",
        "shop/archive.py": ARCHIVE,
        "shop/labels.py": LABELS,
        "shop/orders.py": ORDERS,
        "shop/parcels.py": PARCELS,
        "shop/prices.py": PRICES,
        "shop/stock.py": STOCK,
        "features/shop.feature": SHOP,
        "features/store.feature": STORE,
        "office/office.feature": OFFICE,
        "outage/outage.feature": OUTAGE,
        "steps/shop_steps.py": STEPS,
        "pyproject.toml": CONFIGURATION.replace('["shop"]', source) + floors + "\n",
    }.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def run_in(folder: Path, *arguments: str, out: str = "release") -> MeasuredRun:
    """Run `foundry accept` in `folder`, where the sample product is, and read what it has left in `out`."""
    command = [sys.executable, "-m", "foundry", "accept", *arguments, "--out", out]
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary)}
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=170)
    remains = (*temporary.glob("foundry-coverage*"), *folder.rglob(".coverage*"))
    run = _read(folder / out, answer.returncode, answer.stdout + answer.stderr)
    results = (json.loads(path.read_bytes())["testCaseId"] for path in folder.glob("allure-results/*-result.json"))
    return replace(run, remains=tuple(map(str, remains)), results=tuple(results))


def _read(bundle: Path, exit_code: int, output: str) -> MeasuredRun:
    pages = bundle / FOLDER_NAME
    record = read_record(bundle / RECORD_NAME) if (bundle / RECORD_NAME).exists() else None
    if record is None or not pages.exists():
        return MeasuredRun(exit_code, output, record)
    names = {scenario.key: scenario.name for scenario in record.scenarios}
    lines = {
        module: {line: frozenset(names[key] for key in keys) for line, keys in found.items()}
        for module, found in lines_by_scenario(pages).items()
    }
    left = tuple(sorted(path.name for path in pages.iterdir()))
    return MeasuredRun(exit_code, output, record, read_figures(pages / FIGURES_NAME), lines, left)


@functools.cache
def measured_run(*arguments: str, floors: str = NO_FLOORS) -> MeasuredRun:
    """Run the sample product's suite with coverage once, however many scenarios look at it."""
    with tempfile.TemporaryDirectory(prefix="sample-product-") as name:
        folder = Path(name).resolve()
        write_sample_product(folder, floors)
        return run_in(folder, *arguments, "--coverage")


@functools.cache
def merged_run(option: str, number: int, floors: str = NO_FLOORS) -> tuple[MeasuredRun, ...]:
    """Run the sample product's suite in parts, each where another host might have it, and merge them.

    Args:
        option: what makes a part, `--shard` or `--modules`.

    Returns:
        The run of each part, and the merge of them last.
    """
    with tempfile.TemporaryDirectory(prefix="sample-product-") as name:
        here, parts, bundles = Path(name).resolve(), [], []
        for part in range(1, number + 1):
            host = here / f"host-{part}"
            write_sample_product(host, floors)
            parts.append(run_in(host, option, f"{part}/{number}", "--coverage"))
            bundles.append(shutil.copytree(host / "release", here / f"part-{part}"))
            shutil.rmtree(host)
        write_sample_product(here, floors)
        return (*parts, run_in(here, "merge", *map(str, bundles)))
