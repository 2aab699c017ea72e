"""Steps on the redaction of secrets and mail addresses."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path

from behave import given, then, when
from behave.runner import Context

import foundry
from foundry.pipeline.config import RedactConfig
from foundry.pipeline.redaction import Redactor
from foundry.testing.planted_secrets import (
    SURROUNDINGS,
    PlantedSecret,
    kinds,
    planted_secret,
    redacted_history,
    remains_of,
    repository_with_secrets,
)
from foundry.testing.redaction import (
    diffs_like_keys,
    hostile_texts,
    key_written,
    matches_without_anchor,
    missed_by_anchors,
    names_without_stem,
    planted_texts,
    seconds_to_redact,
    sources_in,
    texts_naming_key_lines,
)
from foundry.testing.repositories import SampleRepository

DIGEST = r"[0-9a-f]{16}@email\.invalid"


@dataclass
class RedactionState:
    """What is redacted, and what became of it."""

    config: RedactConfig = field(default_factory=RedactConfig)
    redactor: Redactor | None = None
    planted: PlantedSecret | None = None
    repository: SampleRepository | None = None
    texts: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    redacted: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    people: list[tuple[str, str]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    tallies: list[Redactor] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def state_of(context: Context) -> RedactionState:
    return context.world.of(RedactionState)


def redact_all(state: RedactionState, texts: dict[str, str], places: dict[str, str]) -> None:
    """Redact texts, which have names, each in its place."""
    state.redactor = Redactor(state.config)
    state.texts, state.places = texts, places
    state.redacted = {name: state.redactor.redact(text, places[name]) for name, text in texts.items()}


# --- given ---


@given("redact.secrets is false")
def step(context: Context) -> None:
    state_of(context).config = RedactConfig(secrets=False)


@given("redact.emails is keep")
def step(context: Context) -> None:
    state_of(context).config = RedactConfig(emails="keep")


@given("a repository with every kind of secret in files, in commits that were undone, and in messages")
def step(context: Context) -> None:
    state_of(context).repository = repository_with_secrets(Path("leaky"))


# --- when ---


@when("texts with a planted {kind} in all surroundings are redacted")
def step(context: Context, kind: str) -> None:
    state = state_of(context)
    state.planted = planted_secret(kind)
    texts = {name: "".join(where.text_with(state.planted)) for name, where in SURROUNDINGS.items()}
    redact_all(state, texts, {name: where.place for name, where in SURROUNDINGS.items()})


@when("all its messages, diffs and files are redacted")
def step(context: Context) -> None:
    state = state_of(context)
    assert state.repository is not None
    state.redacted = redacted_history(state.repository, Redactor(state.config))


@when("a private key {written} is redacted")
def step(context: Context, written: str) -> None:
    state = state_of(context)
    before, key, after = key_written(written)
    redact_all(state, {"key": before + key + after}, {"key": "deploy/keys.yaml"})
    state.wanted = {"key": f"{before}<REDACTED:private-key>{after}"}


@when("code that tells private keys by their first and last lines is redacted")
def step(context: Context) -> None:
    texts = texts_naming_key_lines()
    redact_all(state_of(context), texts, dict.fromkeys(texts, "keys.py"))


@when("diffs with long lines that belong to no private key are redacted")
def step(context: Context) -> None:
    texts = diffs_like_keys()
    redact_all(state_of(context), texts, dict.fromkeys(texts, "notes.txt"))


@when("each of these lines is redacted in a file of its kind")
def step(context: Context) -> None:
    texts = {f"{number}: {row['file']}": row["line"] + "\n" for number, row in enumerate(context.table)}
    redact_all(state_of(context), texts, {name: name.partition(": ")[2] for name in texts})


@when("the sources of foundry are redacted with their mail addresses kept")
def step(context: Context) -> None:
    state = state_of(context)
    state.config = RedactConfig(emails="keep")
    texts = dict(sources_in(Path(foundry.__file__).parent))
    redact_all(state, texts, {path: path for path in texts})


@when("the addresses of these people are redacted")
def step(context: Context) -> None:
    state = state_of(context)
    redactor = Redactor(state.config)
    state.people = [(row["person"], row["address"]) for row in context.table]
    state.digests = [redactor.email(address) for _, address in state.people]


@when("each of these texts is redacted")
def step(context: Context) -> None:
    state = state_of(context)
    texts = {row["text"]: row["text"] for row in context.table}
    redact_all(state, texts, dict.fromkeys(texts, "message"))
    state.wanted = {row["text"]: row["is left"] for row in context.table}


@when("each of these texts is redacted, with a password for SECRET")
def step(context: Context) -> None:
    state = state_of(context)
    secret = planted_secret("password").secret
    rows = {f"{row['place']}: {row['text']}": row for row in context.table}
    texts = {name: row["text"].replace("SECRET", secret) for name, row in rows.items()}
    redact_all(state, texts, {name: row["place"] for name, row in rows.items()})
    state.wanted = {name: row["is left"] for name, row in rows.items()}


@when("the planted texts are redacted by one redactor, and by three that share them")
def step(context: Context) -> None:
    state = state_of(context)
    one, *three = state.tallies = [Redactor(state.config) for _ in range(4)]
    for number, (place, text) in enumerate(planted_texts()):
        text += "\nSigned-off-by: Ada <ada@example.org>\nReviewed-by: Bob <bob@example.org>\n"
        state.redacted[str(number)] = one.redact(text, place)
        three[number % 3].redact(text, place)


@when("{count:d} files with a secret each are redacted")
def step(context: Context, count: int) -> None:
    texts = {f"part_{number}.py": f'key = "{planted_secret("npm token").secret}"\n' for number in range(count)}
    redact_all(state_of(context), texts, {name: name for name in texts})


@when("every pattern is tried on every line of the planted texts and of the sources of {package}")
def step(context: Context, package: str) -> None:
    module = importlib.util.find_spec(package)
    assert module is not None and module.origin is not None, f"{package} is not installed"
    texts = [(path, text) for path, text in sources_in(Path(module.origin).parent)]
    state_of(context).found = [
        missed for place, text in [*planted_texts(), *texts] for missed in missed_by_anchors(place, text)
    ]


@when("texts are made from every pattern")
def step(context: Context) -> None:
    state_of(context).found = matches_without_anchor()


@when("each hostile text of 300,000 characters in one line is redacted")
def step(context: Context) -> None:
    state = state_of(context)
    redactor = Redactor(state.config)
    state.seconds = {name: seconds_to_redact(name, redactor) for name in hostile_texts()}


# --- then ---


@then("in each of them it is replaced by <REDACTED:{marker}>, and all else is as it was, byte for byte")
def step(context: Context, marker: str) -> None:
    state = state_of(context)
    assert state.planted is not None and len(state.redacted) == len(SURROUNDINGS)
    for name, where in SURROUNDINGS.items():
        before, _, after = where.text_with(state.planted)
        wanted = f"{before}<REDACTED:{marker}>{after}"
        assert state.redacted[name] == wanted, f"in {name}:\n{state.redacted[name]}\ninstead of:\n{wanted}"
        assert not (left := remains_of(state.planted, state.redacted[name])), f"in {name} is left {left}"


@then("the counts name each of them by its kind and its place")
def step(context: Context) -> None:
    state = state_of(context)
    assert state.planted is not None and state.redactor is not None
    places = [where.place for where in SURROUNDINGS.values()]
    wanted = {place: {state.planted.marker: places.count(place)} for place in places}
    counts = state.redactor.counts()
    assert counts["by_kind"] == {state.planted.marker: len(places)}, counts
    assert counts["by_file"] == wanted, f"{counts['by_file']} instead of {wanted}"


@then("redacting the results again changes nothing")
def step(context: Context) -> None:
    state = state_of(context)
    redactor = Redactor(state.config)
    again = {name: redactor.redact(text, state.places[name]) for name, text in state.redacted.items()}
    assert again == state.redacted, f"{again} instead of {state.redacted}"
    assert redactor.counts()["total"] == 0, redactor.counts()


@then("each of them is as it was")
def step(context: Context) -> None:
    state = state_of(context)
    assert state.texts and state.texts.keys() == state.redacted.keys()
    changed = {name: state.redacted[name] for name, text in state.texts.items() if state.redacted[name] != text}
    shown = {
        name: next(
            (new, old) for new, old in zip(text.split("\n"), state.texts[name].split("\n"), strict=False) if new != old
        )
        for name, text in changed.items()
    }
    assert not changed, "\n".join(f"{name}: {new!r} was {old!r}" for name, (new, old) in shown.items())


@then("nothing of any planted secret is left in them")
def step(context: Context) -> None:
    redacted = state_of(context).redacted
    left = [
        f"{kind} in {name}: {pieces[:2]}"
        for kind in kinds()
        for name, text in redacted.items()
        if (pieces := remains_of(planted_secret(kind), text))
    ]
    assert not left, "\n".join(left)
    number = sum(text.count("<REDACTED:") for text in redacted.values())
    assert number >= 4 * len(kinds()), f"{number} markers for {len(kinds())} kinds, each planted four times"


@then("none of its lines is left, and the lines around it are as they were")
def step(context: Context) -> None:
    state = state_of(context)
    assert state.redacted == state.wanted, f"{state.redacted['key']!r} instead of {state.wanted['key']!r}"


@then("the same person always has the same digest, and others have others")
def step(context: Context) -> None:
    state = state_of(context)
    pairs = {(person, digest) for (person, _), digest in zip(state.people, state.digests, strict=True)}
    people = {person for person, _ in state.people}
    digests = {digest for _, digest in pairs}
    assert len(pairs) == len(people) == len(digests), f"{sorted(pairs)} for {sorted(people)}"


@then("nothing of an address is left in its digest")
def step(context: Context) -> None:
    state = state_of(context)
    for (_, address), digest in zip(state.people, state.digests, strict=True):
        assert re.fullmatch(DIGEST, digest), digest
        words = re.findall(r"[^\W\d]{3,}", address.lower())
        assert not [word for word in words if word in digest], f"{digest} has something of {address}"


@then("the digest of a digest is itself")
def step(context: Context) -> None:
    state = state_of(context)
    again = [Redactor(state.config).email(digest) for digest in state.digests]
    assert again == state.digests, f"{again} instead of {state.digests}"


@then("what is left is as it stands there, with digests of the addresses")
def step(context: Context) -> None:
    state = state_of(context)
    left = {text: re.sub(DIGEST, "DIGEST", redacted) for text, redacted in state.redacted.items()}
    wrong = [f"{left[text]!r} instead of {wanted!r}" for text, wanted in state.wanted.items() if left[text] != wanted]
    assert not wrong, "\n".join(wrong)


@then("what is left is as it stands there, with markers of passwords")
def step(context: Context) -> None:
    state = state_of(context)
    left = {name: re.sub("<REDACTED:[a-z-]+>", "MARKER", text) for name, text in state.redacted.items()}
    wrong = [f"{left[name]!r} instead of {wanted!r}" for name, wanted in state.wanted.items() if left[name] != wanted]
    assert state.wanted and not wrong, "\n".join(wrong)


@then('the address "{address}" is kept as it is')
def step(context: Context, address: str) -> None:
    kept = Redactor(state_of(context).config).email(address)
    assert kept == address, f"{kept} instead of {address}"


@then("the merged counts of the three equal those of the one")
def step(context: Context) -> None:
    state = state_of(context)
    one, first, *others = state.tallies
    for other in others:
        first.merge(other.tally())
    assert first.counts() == one.counts(), f"{first.counts()} instead of {one.counts()}"


@then("their total is the number of markers and digests in the texts")
def step(context: Context) -> None:
    state = state_of(context)
    wanted = sum(len(re.findall(rf"<REDACTED:|{DIGEST}", text)) for text in state.redacted.values())
    total = state.tallies[0].counts()["total"]
    assert total == wanted, f"{total} counted, {wanted} in the texts"


@then("the counts name {files:d} files, and say that {secrets:d} secrets stood in {all_files:d}")
def step(context: Context, files: int, secrets: int, all_files: int) -> None:
    redactor = state_of(context).redactor
    assert redactor is not None
    counts = redactor.counts()
    found = (len(counts["by_file"]), counts["total"], counts["files"])
    assert found == (files, secrets, all_files), f"{found} instead of {(files, secrets, all_files)}"


@then("nothing is found that was not found near the anchors")
def step(context: Context) -> None:
    found = state_of(context).found
    assert not found, "\n".join(found)


@then("each of them has an anchor, and each of the library's names has a stem")
def step(context: Context) -> None:
    found = state_of(context).found + names_without_stem()
    assert not found, "\n".join(found)


@then("none takes longer than {limit:d} seconds of the processor")
def step(context: Context, limit: int) -> None:
    seconds = state_of(context).seconds
    slow = {name: taken for name, taken in seconds.items() if taken > limit}
    assert seconds and not slow, f"{slow}, of {seconds}"
