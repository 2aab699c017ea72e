"""Steps on repositories, folders and files, and on what is left out of them."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context
from tokenizers import Tokenizer, models, pre_tokenizers

from foundry.data.tokenizers import load_tokenizer
from foundry.testing.corpora import different_texts, pretrained_tokenizer, save_dataset, write_jsonl, write_texts
from foundry.testing.preparation import Preparation, all_texts
from foundry.testing.repositories import SampleRepository, hostile_repository, python_project
from foundry.trainer import Trainer


@dataclass
class SourceState:
    """The repository of a scenario."""

    repository: SampleRepository | None = None
    witness: Path | None = None
    texts: list[str] = field(default_factory=list)


def state_of(context: Context) -> SourceState:
    return context.world.of(SourceState)


def preparation_of(context: Context) -> Preparation:
    return context.world.of(Preparation)


def use_repository(context: Context, repository: SampleRepository, name: str = "sample") -> None:
    state_of(context).repository = repository
    preparation_of(context).set("data.git.repository", name)


# --- repositories ---


@given("a repository of {count:d} Python commits")
def step(context: Context, count: int) -> None:
    use_repository(context, python_project(Path("sample"), count))


@given("a repository with the files")
def step(context: Context) -> None:
    repository = SampleRepository(Path("sample"))
    repository.commit("Add everything", {row["name"]: row["content"] for row in context.table})
    use_repository(context, repository)


@given("{changed:d} changed and {new:d} new files that are not committed")
def step(context: Context, changed: int, new: int) -> None:
    repository = state_of(context).repository
    for number in range(changed):
        repository.write(f"shapes/part_{number}.py", "uncommitted = True\n")
    for number in range(new):
        repository.write(f"new_{number}.py", "uncommitted = True\n")


@given("a repository with everything that is not text")
def step(context: Context) -> None:
    repository = SampleRepository(Path("sample"))
    repository.write("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00")
    repository.write("latin.txt", "caf\u00e9\n".encode("latin-1"))
    repository.write("large.txt", "large\n" * 200)
    repository.write("plain.txt", "plain text\n" * 3)
    repository.write("empty.txt", "")
    (repository.folder / "link").symlink_to("/etc/hostname")
    repository.add_submodule("module")
    repository.commit("Add everything")
    use_repository(context, repository)


@given("a repository whose configuration and attributes name programs for every occasion")
def step(context: Context) -> None:
    repository, state_of(context).witness = hostile_repository(Path("sample"))
    use_repository(context, repository)


@given("a shallow clone with {kept:d} of {count:d} commits")
def step(context: Context, kept: int, count: int) -> None:
    whole = python_project(Path("whole"), count)
    use_repository(context, whole.cloned(Path("sample"), f"--depth={kept}"))


@given("the URL of a repository of {count:d} Python commits")
def step(context: Context, count: int) -> None:
    repository = python_project(Path("server"), count)
    use_repository(context, repository, repository.url)
    before = os.environ.get("FOUNDRY_CACHE")
    os.environ["FOUNDRY_CACHE"] = str(context.world.workspace / "user-cache")
    context.add_cleanup(restore_variable, "FOUNDRY_CACHE", before)


def restore_variable(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value


@when("the data is prepared, one more commit is made, and the data is prepared again")
def step(context: Context) -> None:
    preparation_of(context).prepare()
    state_of(context).repository.commit("One more", {"one_more.py": "one_more = 1\n"})
    preparation_of(context).prepare()


@when("the data is prepared, the server goes away, and the same commit is prepared again")
def step(context: Context) -> None:
    preparation_of(context).prepare()
    preparation_of(context).set("data.git.revision", state_of(context).repository.git("rev-parse", "HEAD"))
    shutil.rmtree("server")
    preparation_of(context).prepare()


@when("the data is prepared, the server goes away, and the data is prepared again")
def step(context: Context) -> None:
    preparation_of(context).prepare()
    shutil.rmtree("server")
    preparation_of(context).prepare()


@when("the data is prepared, the server goes away, and a trainer is made")
def step(context: Context) -> None:
    preparation = preparation_of(context)
    preparation.prepare()
    shutil.rmtree("server")
    Trainer(preparation.config, on_event=lambda event: preparation.reports.append(getattr(event, "text", "")))


@when("the data is prepared, the server goes away, and the revision {revision} is prepared")
def step(context: Context, revision: str) -> None:
    preparation_of(context).prepare()
    preparation_of(context).set("data.git.revision", revision)
    shutil.rmtree("server")
    preparation_of(context).try_to_prepare()


def commit_texts(context: Context) -> list[str]:
    return all_texts(preparation_of(context).prepared, "commit")


@then("there is a document for each file: marker, path, content")
def step(context: Context) -> None:
    repository = state_of(context).repository
    names = repository.git("ls-files").splitlines()
    expected = [f"{name}\n{(repository.folder / name).read_text()}" for name in names]
    found = all_texts(preparation_of(context).prepared, "file")
    assert len(expected) == 4 and sorted(found) == sorted(expected), found


@then("there is a document for each commit: marker, message, patch")
def step(context: Context) -> None:
    repository = state_of(context).repository
    shown = ["show", "--format=%B", "--no-color", "--root", "--find-renames"]
    expected = []
    for commit_id in repository.git("rev-list", "HEAD").splitlines():
        message, _, patch = repository.git(*shown, commit_id).partition("diff --git ")
        patch = re.sub(r"(?m)^index .*\n", "", patch)
        expected.append(f"{message.strip()}\ndiff --git {patch}\n")
    assert len(expected) == 4 and sorted(commit_texts(context)) == sorted(expected), (commit_texts(context), expected)


@then("no document holds the uncommitted text")
def step(context: Context) -> None:
    found = [text for text in all_texts(preparation_of(context).prepared) if "uncommitted" in text]
    assert found == [], found


@then("{kind} of it gives the same documents")
def step(context: Context, kind: str) -> None:
    repository = state_of(context).repository
    place = {
        "a bare clone": lambda: repository.cloned(Path("other"), "--bare").folder,
        "a linked working tree": lambda: repository.git("worktree", "add", "--quiet", "../other") or Path("other"),
        "a folder inside": lambda: Path("sample/shapes"),
        "a clone with other settings": lambda: clone_with_other_settings(repository),
    }[kind]()
    other = preparation_of(context).but("data.git.repository", str(place))
    other.set("data.cache_dir", "other-cache")
    assert other.prepare().digest == preparation_of(context).prepared.digest
    assert other.prepared.folder.parent.name == "other-cache", other.prepared.folder


def clone_with_other_settings(repository: SampleRepository) -> Path:
    clone = repository.cloned(Path("other"))
    for setting in ("diff.noprefix true", "core.abbrev 30", "diff.suppressBlankEmpty true", "color.ui always"):
        clone.git("config", *setting.split())
    clone.write(".gitattributes", "*.py -diff\n")
    clone.git("add", ".gitattributes")
    return clone.folder


@then("{count:d} commits are read")
def step(context: Context, count: int) -> None:
    assert len(commit_texts(context)) == count, commit_texts(context)


@then("the file documents are {names}")
def step(context: Context, names: str) -> None:
    found = [text.splitlines()[0] for text in all_texts(preparation_of(context).prepared, "file")]
    assert sorted(found) == sorted(names.split(", ")), found


@then("left out are")
def step(context: Context) -> None:
    expected = {row["reason"]: {"count": int(row["count"]), "names": row["names"].split(", ")} for row in context.table}
    found = preparation_of(context).prepared.statistics["skipped"]
    for entry in found.values():
        entry["names"] = [re.sub("patch of .*", "patch of everything", name) for name in entry["names"]]
    assert found == expected, (found, expected)


@then("no patch is longer than {size:d} bytes, and each ends with a line")
def step(context: Context, size: int) -> None:
    patches = [text[text.index("diff --git") :] for text in commit_texts(context)]
    assert len(patches) == 4 and all(len(patch) <= size and patch.endswith("\n") for patch in patches), patches


@then('"{reason}" is counted {count:d} times')
def step(context: Context, reason: str, count: int) -> None:
    skipped = preparation_of(context).prepared.statistics["skipped"]
    assert skipped[reason]["count"] == count, skipped


@then("none of the programs was run")
def step(context: Context) -> None:
    assert len(commit_texts(context)) == 2, "the repository was not read"
    witness = state_of(context).witness
    assert not witness.exists(), witness.read_text()


@then("the commit at the boundary, whose patch is not known, is left out")
def step(context: Context) -> None:
    assert [text.splitlines()[0] for text in commit_texts(context)] == ["Add part 3"], commit_texts(context)


@then("the second time {count:d} commits are read from the same clone")
def step(context: Context, count: int) -> None:
    assert len(commit_texts(context)) == count, commit_texts(context)
    clones = list(Path("user-cache/repositories").glob("*.git"))
    assert len(clones) == 1, clones


@then("the same data is found")
def step(context: Context) -> None:
    first, second = preparation_of(context).results
    assert (first.folder, first.digest) == (second.folder, second.digest), (first.folder, second.folder)


@then("the user is told once that the URL cannot be fetched")
def step(context: Context) -> None:
    url, reports = state_of(context).repository.url, preparation_of(context).reports
    told = [line for line in reports if line.startswith(f"{url} cannot be fetched: ") and "\n" not in line]
    assert len(told) == 1 and "going on with what was cloned before" in told[0], reports


@then("it is refused with one line that names the URL and the revision {revision}")
def step(context: Context, revision: str) -> None:
    message = str(preparation_of(context).refusal)
    url = state_of(context).repository.url
    assert message.startswith(f"{url} cannot be fetched: ") and "\n" not in message, message
    assert message.endswith(f"lacks data.git.revision '{revision}'"), message


# --- folders and files ---


@given("a folder with text, JSON lines, a hidden file, a picture, a file of 100 MB and a link out of it")
def step(context: Context) -> None:
    outside = write_texts(Path("outside"), {"secret.txt": "secret"})
    folder = write_texts(
        Path("corpus"),
        {"a.txt": "alpha", "deeper/b.md": "beta", ".hidden": "hidden", "picture.png": b"\x89PNG\x00", "huge.txt": ""},
    )
    os.truncate(folder / "huge.txt", 100_000_000)
    write_jsonl(folder / "lines.jsonl", [{"text": "first line"}, {"text": "second line"}, {"text": ""}])
    (folder / "outside.txt").symlink_to(outside.resolve() / "secret.txt")
    (folder / "away").symlink_to(outside.resolve())
    preparation_of(context).set("data.source_corpus", "corpus")
    preparation_of(context).set("data.max_sequence_length", 4)


@given("a folder with a text and a picture whose name clears the screen")
def step(context: Context) -> None:
    folder = write_texts(Path("corpus"), {"a.txt": different_texts(1)[0], "\x1b[2J.png": b"\x89PNG\0"})
    preparation_of(context).set("data.source_corpus", str(folder))


@given('a file {name} with "{text}"')
def step(context: Context, name: str, text: str) -> None:
    Path(name).write_text(text)
    preparation_of(context).set("data.source_corpus", name)


@given("a file {name} with the lines")
def step(context: Context, name: str) -> None:
    Path(name).write_text(context.text + "\n")
    preparation_of(context).set("data.source_corpus", name)
    preparation_of(context).set("data.max_sequence_length", 8)


@given("a pretrained tokenizer and a folder saved by datasets with its token numbers of {count:d} texts")
def step(context: Context, count: int) -> None:
    state_of(context).texts = different_texts(count)
    tokenizer = load_tokenizer(pretrained_tokenizer(Path("tokenizer")))
    save_dataset(Path("saved"), {"input_ids": tokenizer.encode_batch(state_of(context).texts)})
    use_saved_dataset(context)


@given("a pretrained tokenizer of {size:d} words, and a folder saved by datasets with {count:d} texts of its last ones")
def step(context: Context, size: int, count: int) -> None:
    words = [f"w{number}" for number in range(size)]
    lists = [list(range(size - 20 * (number + 1), size - 20 * number)) for number in range(count)]
    state_of(context).texts = [" ".join(words[number] for number in numbers) for numbers in lists]
    whole_words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="w0"))
    whole_words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    Path("tokenizer").mkdir()
    whole_words.save("tokenizer/tokenizer.json")
    save_dataset(Path("saved"), {"input_ids": lists})
    use_saved_dataset(context)


def use_saved_dataset(context: Context) -> None:
    preparation_of(context).set("data.source_corpus", "saved")
    preparation_of(context).set("tokenizer.tokenizer_type", "pretrained")
    preparation_of(context).set("tokenizer.name_or_path", "./tokenizer")


@then('the documents are "{texts}"')
def step(context: Context, texts: str) -> None:
    expected = re.split('", "|" and "', texts)
    found = all_texts(preparation_of(context).prepared)
    assert sorted(found) == sorted(expected), found


@then("the documents are the {count:d} texts")
def step(context: Context, count: int) -> None:
    found = all_texts(preparation_of(context).prepared)
    assert len(found) == count and sorted(found) == sorted(state_of(context).texts), found
