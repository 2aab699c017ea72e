"""Behavioural evaluations as small as a scenario needs them: three short prompts in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundry.evaluation.behaviour.evaluation import Evaluation, Request, evaluate
from foundry.evaluation.prompts import load_prompts

PROMPTS = """\
language: python
prompts:
  - {name: function, text: "def load_row(files):\\n    for", expect: ["return"]}
  - {name: loop, text: "for row in rows:", max_new_tokens: 6}
"""
OTHER_PROMPTS = """\
language: c
prompts:
  - {name: function, text: "int f(int user) {\\n"}
"""
FILES = {"small-python.yaml": PROMPTS, "small-c.yaml": OTHER_PROMPTS}
NEW_TOKENS = 12


def write_small_prompts(folder: Path) -> list[Path]:
    """Write the two files of prompts into `folder`; their paths."""
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in FILES]


def small_evaluation(reference: Path | str, **settings: Any) -> Evaluation:
    """The evaluation of a model on the small prompts, two texts each unless `settings` say otherwise."""
    prompts = load_prompts(write_small_prompts(Path()))
    given = {"num_samples": 2, "max_new_tokens": NEW_TOKENS, "temperature": 1.0, **settings}
    return evaluate(Request(str(reference), prompts, **given))


def texts_of(content: Mapping[str, Any], key: str = "samples") -> list[list[str]]:
    """The texts for each prompt; with `base_samples`, those of the base."""
    return [[sample["text"] for sample in prompt[key] or ()] for prompt in content["prompts"]]
