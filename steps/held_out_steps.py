"""Steps about what is kept for validation, and about what repeats something else."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from behave import given, then, when
from behave.runner import Context

from foundry.testing.missing import run_python_without
from foundry.testing.naive_times import naive_times
from foundry.testing.near_copies import copy_with_changes, numbered_lines, similarity
from foundry.testing.processes import Finished
from foundry.testing.tokenized import FOLDER, Tokenized, documents_of

SIDES = ("training", "validation")
CUTOFF_AFTER_SIX = {"near_duplicates": None, "validation_fraction": 0.3}
"""The seventh commit is large enough to reach the share together with the later ones, which do not by themselves."""


@dataclass
class Known:
    """What a scenario knows of what it wrote.

    Attributes:
        similarities: of each copy with its original, by its path.
        written: the time of the commit that wrote a line.
        finished: a process that tokenized.
    """

    similarities: dict[str, float] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    finished: Finished = field(default_factory=lambda: Finished(-1, "", ""))


def tokenized(context: Context) -> Tokenized:
    found: Tokenized = context.world.of(Tokenized)
    return found


def documents(context: Context) -> dict[str, dict[str, list[str]]]:
    state = tokenized(context)
    prepared, overlap = state.prepared, state.config.tokenize.overlap
    return {side: documents_of(prepared, side, overlap) for side in SIDES}


def sides_of_files(context: Context) -> Mapping[str, str]:
    return {
        text.split("\n", 1)[0].removeprefix("<|file|>"): side
        for side, sources in documents(context).items()
        for text in sources["file"]
    }


def messages(context: Context, side: str) -> list[str]:
    return [text.split("\n", 1)[0].removeprefix("<|commit|>") for text in documents(context)[side]["commit"]]


def named(names: str) -> list[str]:
    return re.split(", | and ", names)


@given("a history of {count:d} commits that each change a file of their own by as much")
def equal_commits(context: Context, count: int) -> None:
    tokenized(context).tokenize["near_duplicates"] = None
    for number in range(count):
        path = f"part_{number}.py"
        tokenized(context).history.commit(f"{number}c", {path: numbered_lines(path, 20)}, message=str(number))


@given("the commit {number:d} of them is dated {year:d}")
def dated(context: Context, number: int, year: int) -> None:
    made = tokenized(context).history.commits[number - 1]
    made["committer"]["time"] = int(datetime(year, 7, 1, tzinfo=UTC).timestamp())
    tokenized(context).history.date_files(made)


@given("a history of 6 commits after which the cutoff lies, then 3 more, in which")
def around_the_cutoff(context: Context) -> None:
    tokenized(context).tokenize |= CUTOFF_AFTER_SIX
    made = tokenized(context).history
    for path in ("old.py", "changed.py", "was_changed.py", "source.py", "original.py"):
        made.commit(path, {path: numbered_lines(path, 60)})
    made.commit("6", {"was_changed.py": numbered_lines("was_changed", 40)})
    changed = numbered_lines("changed.py", 60) + numbered_lines("added", 200)
    made.commit("7", {"changed.py": changed, "new.py": numbered_lines("new", 200)})
    made.commit("8", {}, renamed={"source.py": "moved.py"})
    made.commit("9", {"copied.py": numbered_lines("original.py", 60)})
    assert {row["path"] for row in context.table} - {"gone.py"} <= set(made.files), made.files.keys()


@given(
    "a history of 6 commits after which the cutoff lies, then one at which another branch is cut off, "
    "and one of new text"
)
def cut_off(context: Context) -> None:
    tokenized(context).tokenize |= CUTOFF_AFTER_SIX
    made = tokenized(context).history
    for number in range(6):
        made.commit(f"{number}", {f"{number}.py": numbered_lines(f"part_{number}", 40)})
    made.commit("6", {"new.py": numbered_lines("new", 300)})
    made.commit("7", {"shelf.py": numbered_lines("shelf", 30)}, parents=[])["flags"] = ["shallow"]


@given(
    "a history of 6 commits after which the cutoff lies, then a change of 0.py, and one on another branch of {year:d}"
)
def changed_on_two_branches(context: Context, year: int) -> None:
    tokenized(context).tokenize |= CUTOFF_AFTER_SIX
    made = tokenized(context).history
    for number in range(6):
        made.commit(f"{number}", {f"{number}.py": numbered_lines(f"part_{number}", 40)})
    late = numbered_lines("late", 20)
    made.commit("6", {"0.py": made.files["0.py"] + late, "new.py": numbered_lines("new", 300)})
    wrong = int(datetime(year, 7, 1, tzinfo=UTC).timestamp())
    made.commit("7", {"0.py": "first = 1\n" + made.files["0.py"]}, parents=["5"], time=wrong)
    for number in (8, 9):
        made.commit(f"{number}", {f"{number}.py": f"part = {number}\n"})


@given("a history of 6 commits after which the cutoff lies, then one that {does}, and one of new text")
def repeating_commit(context: Context, does: str) -> None:
    tokenized(context).tokenize |= CUTOFF_AFTER_SIX
    made = tokenized(context).history
    for number in range(5):
        made.commit(f"{number}", {f"{number}.py": numbered_lines(f"part_{number}", 40)})
    before = made.files["0.py"]
    made.commit("5", {"0.py": before + numbered_lines("added", 20)})
    made.commit("6", {"new.py": numbered_lines("new", 300)}, message="Write new text")
    if "back" in does:
        made.commit("7", {"0.py": before}, message="Take it back")
    elif "squashes" in does:
        both = made.commits[1]["files"] + made.commits[2]["files"]
        made.commit("7", {}, message="Squash", parents=["0"])["files"] = both
    elif "moves" in does:
        made.commit("7", {"3.py": None, "moved/away.py": made.files["3.py"] + "newest = 'line of it'\n"})
    else:
        made.commit("7", {}, message="Make it again")["files"] = made.commits[5]["files"]


@given(
    "a history of 6 commits after which the cutoff lies, then one of 20 new lines of which {old:d} are old ones, "
    "and one of new text"
)
def partly_old(context: Context, old: int) -> None:
    tokenized(context).tokenize |= CUTOFF_AFTER_SIX
    made = tokenized(context).history
    for number in range(6):
        made.commit(f"{number}", {f"{number}.py": numbered_lines(f"part_{number}", 40)})
    made.commit("6", {"new.py": numbered_lines("new", 300)}, message="Write new text")
    lines = made.files["2.py"].splitlines(keepends=True)[:old]
    text = "".join(lines) + numbered_lines("fresh", 20 - old) + "}\n" * 30
    made.commit("7", {"partly.py": text}, message="Write partly new text")


@then("that commit {verdict}")
def that_commit(context: Context, verdict: str) -> None:
    found = "Write partly new text" in messages(context, "validation")
    assert found == (verdict == "validates"), messages(context, "validation")


@given("the first commit was made again on another branch, with another message")
def cherry_picked(context: Context) -> None:
    made = tokenized(context).history
    made.commit("c4e", {}, message="Pick it", parents=["0c"])["files"] = made.commits[0]["files"]


@given("a random history of {commits:d} commits and two branches from seed {seed:d}, in which every line is another")
def random_history(context: Context, commits: int, seed: int) -> None:
    made, draw, known = tokenized(context).history, random.Random(seed), context.world.of(Known)
    tokenized(context).tokenize["validation_fraction"] = draw.choice([0.1, 0.3, 0.5])
    time = 1_600_000_000
    for number in range(commits):
        path = draw.choice(["a.py", "b.py", "lib/c.py", f"n{number}.py"])
        new = [f"w{seed}x{number}y{line}z = {draw.random()}\n" for line in range(draw.randrange(1, 12))]
        old = made.files.get(path, "").splitlines(keepends=True)
        kept = [line for line in old if draw.random() < 0.9]
        place = draw.randrange(len(kept) + 1)
        is_rename = path in made.files and draw.random() < 0.2
        target = f"moved_{number}.py" if is_rename else path
        time += draw.randrange(-40_000, 100_000)
        text = "".join([*kept[:place], *new, *kept[place:]])
        renamed = {path: target} if is_rename else None
        parents = [made.commits[-1 - draw.randrange(2)]["hash"]] if number > 2 and draw.random() < 0.3 else None
        made.commit(f"{number}c", {target: text}, time=time, renamed=renamed, parents=parents)
    times = naive_times(made.commits)
    for record in made.commits:
        for line in re.findall(r"^\+(w.*)$", "".join(h["text"] for f in record["files"] for h in f["hunks"]), re.M):
            known.written.setdefault(line, times[record["hash"]])


@given("{count:d} files of {lines:d} lines, and of each a copy of which every other has its own share of changed lines")
def copies(context: Context, count: int, lines: int) -> None:
    made, known = tokenized(context).history, context.world.of(Known)
    files = {}
    for number in range(count):
        text = numbered_lines(f"file_{number}", lines)
        changed = copy_with_changes(text, number / (2 * count)) if number else text
        files |= {f"a/file_{number:02d}.py": text, f"b/copy_{number:02d}.py": changed}
        known.similarities[f"b/copy_{number:02d}.py"] = similarity(text, changed)
    made.commit("0c", {"start.py": "start = 1\n"})
    made.commit("1c", files)
    made.commit("2c", {"end.py": "end = 1\n" * 400})
    tokenized(context).tokenize["validation_fraction"] = 0.01


@given("three almost equal files a.py, b.py and c.py, of which {first} appeared before the others")
def three_files(context: Context, first: str) -> None:
    texts = {name: numbered_lines("same", 80) + f"last = '{name}'\n" for name in ("a.py", "b.py", "c.py")}
    made = tokenized(context).history
    made.commit("0c", {name: text for name, text in texts.items() if first in (name, "none")})
    made.commit("1c", {name: text for name, text in texts.items() if first not in (name, "none")})
    made.commit("2c", {"end.py": "end = 1\n" * 40})
    tokenized(context).tokenize["validation_fraction"] = 0.01


@given("a history of the small files")
def small_files(context: Context) -> None:
    made = tokenized(context).history
    made.commit("0c", {row["path"]: row["text"].replace("\\n", "\n") for row in context.table})
    made.commit("1c", {"end.py": "end = 1\n" * 40})


@when("the history is tokenized where {package} is not installed")
def without_package(context: Context, package: str) -> None:
    state = tokenized(context)
    state.history.write()
    sections = f"{json.dumps(json.dumps(state.tokenize))}, {json.dumps(json.dumps(state.experiment))}"
    program = f"from foundry.testing.tokenized import tokenize_here; tokenize_here({sections})"
    context.world.of(Known).finished = run_python_without(package, ["-c", program])


@then('the process ends with "{message}"')
def process_ends(context: Context, message: str) -> None:
    finished = context.world.of(Known).finished
    assert finished.exit_code == 1 and message in finished.stderr.splitlines()[-1], finished.stderr


@then("no sequences were made")
def no_sequences(_context: Context) -> None:
    found = [path.name for path in FOLDER.iterdir()]
    assert found == ["history"], found


@then("the newest {count:d} commits validate, and the others train")
def newest_validate(context: Context, count: int) -> None:
    numbers = [str(number) for number in range(10)]
    expected = numbers[: 10 - count], numbers[10 - count :]
    if count == 0:
        assert tokenized(context).prepared.validation is None
        return
    found = messages(context, "training"), messages(context, "validation")
    assert found == expected, f"{found} instead of {expected}"


@then("all commits but {validation} train, and so do their files; these validate")
def all_but(context: Context, validation: str) -> None:
    numbers = range(len(tokenized(context).history.commits))
    newest = [str(int(number) - 1) for number in named(validation)]
    expected = {"validation": newest, "training": [str(number) for number in numbers if str(number) not in newest]}
    found = {side: sorted(messages(context, side), key=int) for side in SIDES}
    assert found == expected, f"{found} instead of {expected}"
    files = {f"part_{number}.py": side for side, numbers in expected.items() for number in numbers}
    assert sides_of_files(context) == files, sides_of_files(context)


@then('tokenizing notes "{note}"')
def told(context: Context, note: str) -> None:
    found = [line for line in tokenized(context).reports if note in line]
    assert len(found) == 1, tokenized(context).reports


@then("tokenizing notes nothing about the share that validates")
def told_nothing(context: Context) -> None:
    found = [line for line in tokenized(context).reports if "validation holds" in line]
    assert not found, found


@then("the commits {training} train, and {validation} validate")
def commits_on_sides(context: Context, training: str, validation: str) -> None:
    found = [[name.removeprefix("Change ") for name in messages(context, side)] for side in SIDES]
    assert found == [named(training), named(validation)], found


@then("the files {training} train, and {validation} validate")
def files_on_sides(context: Context, training: str, validation: str) -> None:
    expected = dict.fromkeys(named(training), "training") | dict.fromkeys(named(validation), "validation")
    assert sides_of_files(context) == expected, sides_of_files(context)


@then("the files stand on these sides")
def files_are(context: Context) -> None:
    found = sides_of_files(context)
    shown = {row["path"]: found.get(row["path"], "none") for row in context.table}
    assert shown == {row["path"]: row["side"] for row in context.table}, shown


@then('the commit {name} is left out as "{reason}"')
def left_out(context: Context, name: str, reason: str) -> None:
    skipped = tokenized(context).statistics["skipped"]
    assert name.ljust(12, "0") in skipped.get(reason, {"names": []})["names"], skipped


@then("the other commit after the cutoff is all that validates of the commits")
def other_validates(context: Context) -> None:
    assert messages(context, "validation") == ["Write new text"], messages(context, "validation")


def words(texts: list[str]) -> set[str]:
    """The lines of the random history that stand in texts, whatever stands before them."""
    return {line for text in texts for line in re.findall(r"^[+ ]?(w\d+x\d+y\d+z = .*)$", text, re.M)}


@then("no line that was written after the cutoff stands on the training side")
def no_new_line_trains(context: Context) -> None:
    known, cutoff = context.world.of(Known), tokenized(context).statistics["held_out"]["cutoff"]
    found = words([text for texts in documents(context)["training"].values() for text in texts])
    new = {line for line in found if known.written[line] > cutoff}
    assert found and not new, new


@then("no line of a validating file was written before the cutoff")
def no_old_line_validates(context: Context) -> None:
    known, cutoff = context.world.of(Known), tokenized(context).statistics["held_out"]["cutoff"]
    old = {line for line in words(documents(context)["validation"]["file"]) if known.written[line] <= cutoff}
    assert not old, old


@then("every line that was written stands on its side")
def every_line_stands(context: Context) -> None:
    known, cutoff = context.world.of(Known), tokenized(context).statistics["held_out"]["cutoff"]
    for side in SIDES:
        wanted = {line for line, time in known.written.items() if (time > cutoff) == (side == "validation")}
        missing = wanted - words(documents(context)[side]["commit"])
        assert wanted and not missing, f"{side} lacks {missing}"


@then("the statistics say the cutoff, the time of the ninth commit, and the rule in words")
def says_the_rule(context: Context) -> None:
    said = tokenized(context).statistics["held_out"]
    expected = tokenized(context).history.commits[8]["committer"]["time"]
    assert said["cutoff"] == expected, f"{said['cutoff']} instead of {expected}"
    assert "Commits after the cutoff validate" in said["rule"], said["rule"]


def copies_left_out(context: Context) -> set[str]:
    return set(context.world.of(Known).similarities) - set(sides_of_files(context))


@then("every copy whose similarity is above {threshold:g} by {margin:g} is left out, and there are at least {least:d}")
def above_left_out(context: Context, threshold: float, margin: float, least: int) -> None:
    similarities = context.world.of(Known).similarities
    above = {path for path, value in similarities.items() if value >= threshold + margin}
    assert len(above) >= least, similarities
    assert above <= copies_left_out(context), above - copies_left_out(context)


@then("every copy whose similarity is below {threshold:g} by {margin:g} is kept, and there are at least {least:d}")
def below_kept(context: Context, threshold: float, margin: float, least: int) -> None:
    similarities = context.world.of(Known).similarities
    below = {path for path, value in similarities.items() if value <= threshold - margin}
    assert len(below) >= least, similarities
    assert not below & copies_left_out(context), below & copies_left_out(context)


@then("the estimate of each pair that is named is within {margin:g} of its similarity")
def estimates(context: Context, margin: float) -> None:
    known, found = context.world.of(Known).similarities, tokenized(context).statistics["near_duplicates"]
    assert found["count"] == len(found["examples"]) == len(copies_left_out(context)), found
    for pair in found["examples"]:
        assert pair["kept"] == pair["file"].replace("b/copy", "a/file"), pair
        assert abs(pair["similarity"] - known[pair["file"]]) <= margin, f"{pair}: {known[pair['file']]}"


@then("exactly the copies without a change are left out")
def equal_left_out(context: Context) -> None:
    assert copies_left_out(context) == {"b/copy_00.py"}, copies_left_out(context)


@then("{count:d} documents of files are there, and no near-duplicate is counted")
def all_kept(context: Context, count: int) -> None:
    found = [path for path in sides_of_files(context) if path.startswith(("a/", "b/"))]
    assert len(found) == count, found
    assert tokenized(context).statistics["near_duplicates"]["count"] == 0


@then("of the files a.py, b.py and c.py exactly {kept} is there")
def exactly_kept(context: Context, kept: str) -> None:
    found = set(sides_of_files(context)) & {"a.py", "b.py", "c.py"}
    assert found == {kept}, found


@then("{count:d} near-duplicates are counted, both in favour of {kept}")
def in_favour(context: Context, count: int, kept: str) -> None:
    found = tokenized(context).statistics["near_duplicates"]
    assert found["count"] == count and {pair["kept"] for pair in found["examples"]} == {kept}, found


@then("exactly the near-duplicate {path} is left out")
def one_left_out(context: Context, path: str) -> None:
    found = [pair["file"] for pair in tokenized(context).statistics["near_duplicates"]["examples"]]
    assert found == [path], found
