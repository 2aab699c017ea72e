"""The texts of an evaluation as HTML: the model's beside its base's, with what is wrong in them marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from foundry.terminal import printable

FAILURES = {None: "succeeds", "empty": "empty", "repetition": "runs in circles", "syntax": "does not parse"}


def prompt_section(prompt: Mapping[str, Any], name: str, base_name: str, is_open: bool) -> str:
    """One prompt with its texts.

    Args:
        name, base_name: of the models.
        is_open: shown without a click.
    """
    columns = [(name, prompt["samples"])]
    if prompt["base_samples"] is not None:
        columns.append((base_name, prompt["base_samples"]))
    heads = "".join(f"<h4>{escape(title)}</h4>" for title, _ in columns)
    cards = "".join(
        sample_card(prompt, samples[number]) for number in range(len(prompt["samples"])) for _, samples in columns
    )
    marks = "".join(_mark(sample) for sample in prompt["samples"])
    return (
        f"<details{' open' if is_open else ''}><summary>{escape(prompt['language'])}: {escape(prompt['name'])} "
        f"{marks}</summary>\n{_chips(_token_facts(prompt['tokens']))}"
        f'<pre class="prompt">{escape(printable(prompt["text"]))}</pre>\n'
        f'<div class="samples columns{len(columns)}">{heads}{cards}</div></details>'
    )


def _mark(sample: Mapping[str, Any]) -> str:
    is_good = sample["failure"] is None
    return f'<span class="{"good" if is_good else "bad"}">{"✓" if is_good else "✗"}</span>'


def sample_card(prompt: Mapping[str, Any], sample: Mapping[str, Any]) -> str:
    """One text with its judgement."""
    good = "good" if sample["failure"] is None else "bad"
    problem = sample["repetition"] or sample["syntax"]["problem"]
    why = f'<p class="why">{escape(printable(problem))}</p>' if problem and sample["failure"] else ""
    return (
        f'<article class="{good}"><p class="badge {good}">{FAILURES[sample["failure"]]}</p>'
        f"{_chips(_sample_facts(prompt, sample))}{why}<pre>{marked_text(prompt['text'], sample)}</pre></article>"
    )


def marked_text(prompt: str, sample: Mapping[str, Any]) -> str:
    """What the model wrote, as HTML: errors marked, and pale what was cut in the middle and not judged."""
    text, start = sample["text"], len(prompt)
    judged = max(0, sample["syntax"]["judged_characters"] - start)
    if not text.strip():
        return '<span class="pale">(nothing)</span>'
    pieces = "".join(_marked(text[:judged], sample["syntax"]["errors"], start))
    tail = text[judged:]
    return pieces + (f'<span class="pale">{escape(printable(tail))}</span>' if tail else "")


def _marked(text: str, errors: Sequence[Sequence[int]], start: int) -> Iterator[str]:
    """The text with its errors marked; where something is missing, a sign stands."""
    place = 0
    for first, last in sorted((max(0, a - start), max(0, b - start)) for a, b in errors):
        if last < place or first > len(text):
            continue
        yield escape(printable(text[place : max(place, first)]))
        place = max(place, first)
        wrong = text[place:last]
        yield f"<mark>{escape(printable(wrong))}</mark>" if wrong else '<mark title="missing">▯</mark>'
        place = max(place, last)
    yield escape(printable(text[place:]))


def _chips(facts: Sequence[str]) -> str:
    return f'<p class="chips">{"".join(f"<span>{escape(fact)}</span>" for fact in facts)}</p>'


def _token_facts(tokens: Mapping[str, Any]) -> list[str]:
    facts = [f"{tokens['count']} tokens", f"{tokens['characters_per_token']:.2f} characters a token"]
    if tokens["read"] < tokens["count"]:
        facts.append(f"the model reads the last {tokens['read']}")
    if tokens["part_of_character_share"]:
        facts.append(f"{tokens['part_of_character_share']:.0%} are parts of a character")
    if tokens["never_trained"]:
        facts.append(f"{tokens['never_trained']} of them never trained on")
    return facts


def _sample_facts(prompt: Mapping[str, Any], sample: Mapping[str, Any]) -> list[str]:
    functions = sample["syntax"]["complete_functions"]
    facts = [f"{sample['tokens']} tokens, {'ended by itself' if sample['ended'] else 'cut by its length'}"]
    if functions:
        facts.append(f"{functions} complete function{'s' * (functions > 1)}")
    if sample["syntax"]["error_share"]:
        facts.append(f"{sample['syntax']['error_share']:.0%} in errors")
    if sample["syntax"]["compiles"]:
        facts.append("compiles")
    if sample["patterns"]:
        facts.append(", ".join(sample["patterns"]))
    if prompt["expect"]:
        facts.append(f"{sum(sample['expected'])} of {len(prompt['expect'])} expected")
    return facts
