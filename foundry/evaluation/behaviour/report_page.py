"""The page about an evaluation: figures first, charts, then every text; loads nothing from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from foundry.evaluation.behaviour.charts import histogram, legend, share_bars
from foundry.evaluation.behaviour.shown_samples import prompt_section
from foundry.evaluation.page import facts_table, folded, page, section, table

STYLE = """
:root { --other: #b9c2d0; --good: #1a7f4b; --bad: #b3362b; --goodground: #e7f5ee; --badground: #fbeae8; }
@media (prefers-color-scheme: dark) {
  :root { --other: #5a6577; --good: #63c795; --bad: #ef8d83; --goodground: #17352a; --badground: #3d211f; }
  figure { background: none; }
}
main { max-width: 78rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 0 0 1rem; }
.cards div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.cards b { display: block; font-size: 1.9rem; line-height: 1.2; font-weight: 650; }
.cards span { color: var(--soft); font-size: .85rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1.5rem; }
.bars { max-width: 46rem; }
.plots h3 { font-size: .95rem; margin: 0 0 .5rem; }
.legend { color: var(--soft); font-size: .85rem; margin: 0 0 .75rem; }
.legend span { margin-right: 1.25rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .4rem; }
details + details { border-top: 1px solid var(--line); margin-top: .75rem; padding-top: .75rem; }
details details summary, section > details.prompt summary { font-size: 1rem; }
.samples { display: grid; gap: .6rem .75rem; margin-top: .6rem; }
.columns2 { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
.samples h4 { margin: 0; font-size: .85rem; color: var(--soft); font-weight: 600; overflow-wrap: anywhere; }
article { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; }
article { border-left: 3px solid var(--bad); }
article.good { border-left-color: var(--good); }
.badge { display: inline-block; margin: 0 .5rem .3rem 0; padding: .05rem .5rem; border-radius: 1rem; }
.badge { font-size: .8rem; font-weight: 600; }
.badge.good { background: var(--goodground); } .badge.bad { background: var(--badground); }
.good { color: var(--good); } .bad { color: var(--bad); }
article.good, article.bad { color: var(--ink); }
.chips { margin: 0 0 .4rem; font-size: .78rem; color: var(--soft); }
article .chips { display: inline; }
.chips span + span::before { content: " · "; }
.why { margin: .2rem 0 .4rem; font-size: .8rem; color: var(--bad); overflow-wrap: anywhere; }
article pre { margin-top: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.prompt { background: var(--ground); padding: .6rem .8rem; border-radius: .4rem; }
mark { background: var(--badground); color: var(--bad); }
mark { text-decoration: underline wavy 1px; text-underline-offset: .2em; }
.pale { color: var(--soft); opacity: .75; }
.note { color: var(--soft); font-size: .9rem; margin: 0 0 .75rem; }
@media (max-width: 46rem) { .columns2 { grid-template-columns: 1fr; } }
@media (max-width: 46rem) { .plots { grid-template-columns: minmax(0, 1fr); } }
"""
JUDGED = """
<p>A text <b>succeeds</b> if it is not empty, does not run in circles, and parses.</p>
<ul>
<li><b>Empty</b>: nothing but space.</li>
<li><b>Runs in circles</b>: one sequence of 1 to 32 words stands in it at least four times and makes up more than half
of it, or one line stands four times in a row.</li>
<li><b>Parses</b>: prompt and text together have no error by the official tree-sitter grammar; Python is compiled, too,
and never run. A text that was cut by its length is judged without its unfinished end (pale): its last line, the lines
of an unclosed bracket, and at most one more; blocks that are still open are closed.</li>
<li><b>Complete functions</b>: functions and methods that end in what the model wrote, without an error.</li>
<li><b>Perplexity</b>: the exponential of the mean loss over the validation blocks of the run; 1 would be certainty.
</li></ul>
"""
Content = Mapping[str, Any]


def evaluation_page(content: Content) -> str:
    """The page as one HTML text; equal for equal contents, as it holds no times.

    Args:
        content: see `foundry.evaluation.behaviour.evaluation.Evaluation`.
    """
    name, base_name = content["model"]["name"], content["base"].get("name", "")
    sections = [
        _cards(content),
        section("By language", _by_language(content)),
        section("Distributions", _distributions(content)),
        section("What the model wrote", _samples(content, name, base_name)),
        *_problems(content["problems"]),
        folded("How a text is judged", JUDGED),
        folded("Settings", facts_table(content["settings"].items())),
    ]
    return page(name, "evaluation", sections, STYLE)


def _cards(content: Content) -> str:
    cards = "".join(
        f"<div><b>{escape(value)}</b><span>{escape(note)}</span></div>" for value, note in _figures(content)
    )
    return f'<div class="cards">{cards}</div>'


def _figures(content: Content) -> Iterator[tuple[str, str]]:
    """What stands on top, in large: values, and what they are."""
    own, base = content["summary"], content["base"].get("summary")
    compared = "" if base is None else f"; base {base['success_rate']:.0%}"
    yield f"{own['success_rate']:.0%}", f"of {own['samples']} texts succeed{compared}"
    compared = "" if base is None else f"; base {base['parse_rate']:.0%}"
    yield f"{own['parse_rate']:.0%}", f"parse{compared}"
    compared = "" if base is None else f"; base {base['complete_functions']}"
    yield str(own["complete_functions"]), f"complete functions{compared}"
    if own["expected_rate"] is not None:
        yield f"{own['expected_rate']:.0%}", "of the expected patterns found"
    if "pass_at" in content["problems"]:
        problems = content["problems"]
        yield f"{problems['pass_at']['1']:.0%}", f"pass@1 on {len(problems['problems'])} functions with unit tests"
    held_out = content["held_out"]
    if "perplexity" in held_out:
        yield (
            f"{held_out['perplexity']:,.4g}",
            f"perplexity on held-out text, {held_out['bits_per_byte']:.2f} bits a byte",
        )


def _problems(problems: Content) -> list[str]:
    """The functions with unit tests, and what became of each attempt."""
    if "left_out" in problems:
        return []
    rows = [("function", "passed", "attempts")]
    for problem in problems["problems"]:
        outcomes = ", ".join(attempt["outcome"] for attempt in problem["attempts"])
        rows.append((problem["name"], f"{problem['passed']} of {problem['samples']}", outcomes))
    note = "Each text ran in a sandbox without network and files; a function passes if every call gives what is known."
    return [section("Functions with unit tests", f'<p class="note">{note}</p>{table(rows)}')]


def _names(content: Content) -> list[str]:
    base = content["base"]
    return [content["model"]["name"], *([base["name"]] if "summary" in base else [])]


def _by_language(content: Content) -> str:
    base = content["base"]
    of_base = base.get("languages", {})
    groups = {
        language: [figures["success_rate"], of_base.get(language, {}).get("success_rate")]
        for language, figures in content["languages"].items()
    }
    left_out = base.get("left_out")
    note = f'<p class="note">No base to compare with: {escape(str(left_out))}.</p>' if left_out else ""
    return (
        f'{note}{legend(_names(content))}<figure class="bars">{share_bars(groups, _names(content))}</figure>'
        f"{table(_language_rows(content))}"
    )


def _language_rows(content: Content) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "prompts", "texts", "succeed", "parse", "empty", "in circles", "functions", "ended", "tokens (median)")
    ]
    for language, figures in [*content["languages"].items(), ("all", content["summary"])]:
        failures = figures["failures"]
        rows.append(
            (
                language,
                str(figures["prompts"]),
                str(figures["samples"]),
                f"{figures['success_rate']:.0%}",
                f"{figures['parse_rate']:.0%}",
                str(failures["empty"]),
                str(failures["repetition"]),
                str(figures["complete_functions"]),
                f"{figures['ended']} of {figures['samples']}",
                f"{figures['tokens']['median']:g}",
            )
        )
    return rows


def _distributions(content: Content) -> str:
    lengths = _lengths(content)
    figures = [_plot("Length of the texts", histogram(lengths, "tokens"))]
    held_out = content["held_out"]
    if held_out.get("single_blocks"):
        blocks = {"held-out blocks": held_out["single_blocks"]}
        figures.append(_plot("Perplexity of held-out blocks", histogram(blocks, "perplexity")))
    left_out = held_out.get("left_out")
    note = f'<p class="note">Perplexity is left out: {escape(str(left_out))}.</p>' if left_out else ""
    return f'{note}{legend(_names(content))}<div class="plots">{"".join(figures)}</div>'


def _plot(title: str, svg: str) -> str:
    return f"<div><h3>{escape(title)}</h3><figure>{svg}</figure></div>"


def _lengths(content: Content) -> dict[str, list[float]]:
    names = _names(content)
    keys = ("samples", "base_samples")[: len(names)]
    return {
        f"{name}{' (base)' * number}": [sample["tokens"] for prompt in content["prompts"] for sample in prompt[key]]
        for number, (name, key) in enumerate(zip(names, keys, strict=True))
    }


def _samples(content: Content, name: str, base_name: str) -> str:
    prompts: Sequence[Content] = content["prompts"]
    return "\n".join(prompt_section(prompt, name, base_name, number < 2) for number, prompt in enumerate(prompts))
