"""A small product with a suite that guards it well in some places and badly in others, to plant faults in it."""

from __future__ import annotations

from pathlib import Path

LENDING = '''\
"""Lends books."""

MOST_BOOKS = 3


def may_lend(lent: int) -> bool:
    """Whether a reader who has `lent` books may have one more."""
    return lent < MOST_BOOKS


def fine(days: int) -> int:
    """What is owed for a book that is `days` late, in cents."""
    if days <= 0:
        return 0
    return 20 * days


def shelves(books: int) -> int:
    """How many shelves hold `books` books, thirty on each."""
    count = 0
    while books > 0:
        books -= 30
        count += 1
    return count
'''

FEATURE = """\
Feature: Books are lent

  Scenario: A reader has three books at most
    When a reader with 2 books asks for one
    Then it is lent
    When a reader with 3 books asks for one
    Then it is refused

  Scenario: A book that is a week late costs something
    When a book is 7 days late
    Then something is owed

  Scenario: A book in time costs nothing
    When a book is 0 days late
    Then 0 cents are owed

  Scenario: Sixty-one books need three shelves
    When 61 books are put away
    Then they fill 3 shelves

  Scenario: A reader has two books at most
    When a reader with 2 books asks for one
    Then it is refused

  @slow
  Scenario: A million books are put away
    When 1000000 books are put away
    Then they fill 33334 shelves

  Scenario: The library has its seal
    Then the seal is in its place
"""

STEPS = """\
from pathlib import Path

from behave import then, when

from library import lending


@when("a reader with {lent:d} books asks for one")
def ask(context, lent):
    context.answer = lending.may_lend(lent)


@then("it is lent")
def is_lent(context):
    assert context.answer, "it is refused"


@then("it is refused")
def is_refused(context):
    assert not context.answer, "it is lent"


@when("a book is {days:d} days late")
def is_late(context, days):
    context.owed = lending.fine(days)


@then("something is owed")
def something_owed(context):
    assert context.owed > 0, f"{context.owed} cents are owed"


@then("{cents:d} cents are owed")
def cents_owed(context, cents):
    assert context.owed == cents, f"{context.owed} cents are owed, expected {cents}"


@when("{books:d} books are put away")
def put_away(context, books):
    context.filled = lending.shelves(books)


@then("the seal is in its place")
def seal_there(context):
    assert Path(".seal").exists(), "there is no seal"


@then("they fill {count:d} shelves")
def filled(context, count):
    assert context.filled == count, f"{context.filled} shelves, expected {count}"
"""

FAULTS = """\
- name: a-fourth-book
  story: A reader who has three books takes a fourth one home.
  module: library/lending.py
  replace: lent < MOST_BOOKS
  with: lent <= MOST_BOOKS
  guard: &three {feature: features/lending.feature, scenario: A reader has three books at most}
- name: half-the-fine
  story: Readers pay less than they owe.
  module: library/lending.py
  replace: return 20 * days
  with: return 10 * days
  guard: {feature: features/lending.feature, scenario: A book that is a week late costs something}
- name: no-shelf-is-removed
  story: Putting books away never ends, and leaves a process behind.
  module: library/lending.py
  replace: "        books -= 30"
  with: |2
            import subprocess, sys, time
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)", __file__], start_new_session=True)
            time.sleep(99)
  guard: {feature: features/lending.feature, scenario: Sixty-one books need three shelves}
- name: the-power-fails
  story: Whoever asks for a book kills the library.
  module: library/lending.py
  replace: return lent < MOST_BOOKS
  with: import os; return os.kill(os.getpid(), 9)
  guard: *three
- name: a-slip-of-the-pen
  story: The library does not open, which every scenario would notice.
  module: library/lending.py
  replace: MOST_BOOKS = 3
  with: MOST_BOOKS = MOST
  guard: *three
- name: no-program
  story: The library is no program, which every scenario would notice.
  module: library/lending.py
  replace: MOST_BOOKS = 3
  with: MOST_BOOKS = =
  guard: *three
- name: of-last-year
  story: The source has moved on since the fault was written down.
  module: library/lending.py
  replace: MOST_BOOKS = 4
  with: MOST_BOOKS = 5
  guard: *three
- name: in-two-places
  story: It is not clear which place is meant.
  module: library/lending.py
  replace: "return"
  with: "pass"
  guard: *three
- name: in-no-file
  story: The file is gone.
  module: library/archive.py
  replace: "return"
  with: "pass"
  guard: *three
- name: guarded-by-nobody
  story: The guard was renamed.
  module: library/lending.py
  replace: MOST_BOOKS = 3
  with: MOST_BOOKS = 4
  guard: {feature: features/lending.feature, scenario: A reader has nine books at most}
- name: guarded-by-no-file
  story: The guard was moved.
  module: library/lending.py
  replace: MOST_BOOKS = 3
  with: MOST_BOOKS = 4
  guard: {feature: features/archive.feature, scenario: A reader has three books at most}
- name: guarded-by-a-sluggard
  story: The guard does not run on every machine.
  module: library/lending.py
  replace: books -= 30
  with: books -= 31
  guard: {feature: features/lending.feature, scenario: A million books are put away}
- name: guarded-by-a-pessimist
  story: The guard is always red.
  module: library/lending.py
  replace: MOST_BOOKS = 3
  with: MOST_BOOKS = 4
  guard: {feature: features/lending.feature, scenario: A reader has two books at most}
"""

EQUIVALENT = """\
- module: library/lending.py
  source: "if days <= 0:"
  mutation: "`<` for `<=`"
  reason: 0 days cost 0 cents either way
"""

HOOKS = """\
def before_scenario(context, scenario):
    if "slow" in scenario.tags:
        scenario.skip("takes minutes")
"""


def write_sample_product(folder: Path) -> None:
    """Write the product, its suite and Behave's configuration into `folder`."""
    for place, content in {
        "library/__init__.py": "",
        "library/lending.py": LENDING,
        "features/lending.feature": FEATURE,
        "steps/lending_steps.py": STEPS,
        "environment.py": HOOKS,
        ".seal": "hidden, so that copies of the product lack it where git does not know it",
        "faults/lending.yaml": FAULTS,
        "equivalent_mutants.yaml": EQUIVALENT,
        "pyproject.toml": '[tool.behave]\npaths = ["features"]\n'
        'tag_expression_protocol = "v2"\n[tool.behave.userdata]\n"accept.faults" = "faults"\n'
        '"accept.core" = "library"\n',
    }.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
