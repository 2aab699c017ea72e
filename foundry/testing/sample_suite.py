"""A small acceptance suite with every outcome that a scenario can have, to see how it is run and reported."""

from __future__ import annotations

import shutil
from pathlib import Path

LENDING = """\
@allure.label.epic:Public_library @critical
Feature: Books are lent
  A reader takes a book home.

  @REQ-LEND-01
  Rule: A book is lent to one reader

    Scenario: A book on the shelf is lent
      Given a reader
      And a shelf
        | book    | pages |
        | Emma    | 474   |
      When a book is lent
      Then 0 books are left

    Scenario: A lent book is not on the shelf
      Given a shelf
        | book    | pages |
        | Emma    | 474   |
      When a book is lent
      Then 1 books are left

    Scenario: A book is lent from no shelf
      Given a shelf
      When a book is lent
      Then 0 books are left

    Scenario: The library does not open
      Given a shelf
      Then 0 books are left

    @minor
    Scenario Outline: A <size> book is lent
      Given a shelf
        | book   | pages   |
        | <book> | <pages> |
      When a book is lent
      Then 0 books are left

      Examples:
        | size  | book    | pages |
        | small | Candide | 129   |
        | big   | Ulysses | 730   |

  @REQ-LEND-02
  Rule: A book comes back

    @minor
    Scenario: A book that nobody thought of comes back
      When a book comes back
      Then 1 books are left
"""

FIRE = """\
@blocker
Feature: The library burns
  What the power cut interrupts is not forgotten.

  @REQ-FIRE-01
  Scenario: The lights go out
    When the power fails
    Then 0 books are left
"""

FLOOD = """\
@blocker
Feature: The library is flooded

  @REQ-FLOOD-01
  Scenario: The books are dry
    Given a shelf
    Then 0 books are left
"""

AUDIT = """\
@normal
Feature: The library is audited

  @REQ-AUDIT-01
  Scenario: The empty shelf is empty
    Given a shelf
    Then 0 books are left
"""

TRAINING = """\
@normal
Feature: A run is watched

  @REQ-RUN-01
  Scenario: A run shows its history
    Given a run with three losses
    Then 0 books are left
"""

ARCHIVE = """\
@slow @minor
Feature: The archive is complete

  @REQ-ARCHIVE-01
  Scenario: Every book ever printed is there
    Given a shelf
    Then 0 books are left
"""

COLLAPSE = """\
@blocker
Feature: The library collapses

  @REQ-COLLAPSE-01
  Rule: What falls takes nothing with it

    Scenario: The first book is dry
      Given a shelf
      Then 0 books are left

    Scenario: The roof falls in
      When the power fails
      Then 0 books are left

    Scenario: The wall cracks
      Given a shelf
      When the ground shakes
      Then 0 books are left

    Scenario: The door slams
      When everybody leaves with 3
      Then 0 books are left

    Scenario: The last book is dry
      Given a shelf
      Then 0 books are left
"""

LIGHTNING = """\
@blocker
Feature: The library is struck by lightning

  @REQ-LIGHTNING-01
  Scenario: The lamp is lit
    Given a shelf
    Then 0 books are left

  @REQ-LIGHTNING-01
  Scenario: The fuse is whole
    Given a shelf
    Then 0 books are left
"""

NIGHT = """\
@normal
Feature: The library at night

  @REQ-NIGHT-01
  Scenario: The librarian wakes up
    Given a guard at the door
    When the librarian sleeps
    Then 0 books are left

  @REQ-NIGHT-01
  Scenario: The morning comes
    Given a shelf
    Then 0 books are left
"""

GUARD = """\
@normal
Feature: The library is guarded

  @REQ-GUARD-01
  Scenario: A guard stays
    Given a shelf
    And a guard at the door
    Then 0 books are left
"""

LOCK = """\
@normal
Feature: The lock is old

  @REQ-LOCK-01
  Scenario: The lock opens
    Given a shelf
    When the lock is tried
    Then 0 books are left

  @REQ-LOCK-01
  Scenario: The lock closes
    Given a shelf
    Then 0 books are left
"""

READERS = """\
@normal
Feature: Two readers meet

  @REQ-MEET-01
  Scenario: Ann meets Ben
    Given a shelf
    When "Ann" waits for "Ben"
    Then 0 books are left

  @REQ-MEET-01
  Scenario: Ben meets Ann
    Given a shelf
    When "Ben" waits for "Ann"
    Then 0 books are left
"""

STEPS = """\
import json
import os
import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

from behave import given, then, when

from foundry.training.lifecycle import Run


@given("a shelf")
def shelf(context):
    context.books = [row["book"] for row in context.table or []]


@given("a reader")
def reader(context):
    context.reader = True


@given("a run with three losses")
def run_with_losses(context):
    context.books = []
    run = Run.create(Path("runs/watched"), "watched", "fingerprint", "0.1.0", "")
    losses = [{"step": step, "loss": 3.0 - step} for step in (1, 2, 3)]
    run.metrics.write_text("".join(json.dumps(row) + "\\n" for row in losses))


@when("a book is lent")
def lend(context):
    print("the reader is", os.getpid())
    context.world.attach("Slip", f"lent: {context.books.pop()}")


@when("the power fails")
def power_fails(context):
    os.kill(os.getpid(), signal.SIGKILL)


@when("the ground shakes")
def ground_shakes(context):
    ctypes.string_at(0)


@when("everybody leaves with {code:d}")
def everybody_leaves(context, code):
    os._exit(code)


@given("a guard at the door")
def guard(context):
    asleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    process = subprocess.Popen(asleep, start_new_session=True)
    with (context.origin / "guards.txt").open("a") as guards:
        guards.write(f"{process.pid}\\n")


@when("the librarian sleeps")
def librarian_sleeps(context):
    (context.origin / "asleep").touch()
    time.sleep(600)


@when("the lock is tried")
def lock_is_tried(context):
    tried = context.origin / "tried"
    is_first, _ = not tried.exists(), tried.touch()
    assert not is_first, "the lock jams"


@when('"{reader}" waits for "{other}"')
def wait_for(context, reader, other):
    (context.origin / reader).touch()
    latest = time.monotonic() + 20
    while not (context.origin / other).exists():
        assert time.monotonic() < latest, f"{other} did not come"
        time.sleep(0.02)


@then("{number:d} books are left")
def books_left(context, number):
    assert len(context.books) == number, f"{len(context.books)} books are left, expected {number}"
"""

HOOKS = """
import signal

open_the_workspace = before_scenario


def before_scenario(context, scenario):
    open_the_workspace(context, scenario)
    if scenario.name == "The library does not open":
        raise OSError("the key is lost")


def before_feature(context, feature):
    if feature.name == "The library is flooded":
        raise OSError("the pump has failed")
    if feature.name == "The library is struck by lightning":
        os.kill(os.getpid(), signal.SIGKILL)


def after_feature(context, feature):
    if feature.name == "The library is audited":
        raise OSError("a sum is wrong")
"""


def write_sample_suite(folder: Path, project: Path) -> None:
    """Write the suite into `folder`, with the Behave configuration and the hooks of `project`."""
    for place, content in {
        "features/library/lending.feature": LENDING,
        "disasters/fire.feature": FIRE,
        "disasters/flood.feature": FLOOD,
        "disasters/audit.feature": AUDIT,
        "dangers/collapse.feature": COLLAPSE,
        "dangers/lightning.feature": LIGHTNING,
        "dangers/night.feature": NIGHT,
        "dangers/guard.feature": GUARD,
        "dangers/lock.feature": LOCK,
        "dangers/readers.feature": READERS,
        "features/archive/complete.feature": ARCHIVE,
        "features/training_runs/watching.feature": TRAINING,
        "steps/library_steps.py": STEPS,
        "environment.py": (project / "environment.py").read_text(encoding="utf-8") + HOOKS,
    }.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    shutil.copy(project / "pyproject.toml", folder)
