"""The verb `foundry search`: asks the index of a pipeline in words."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundry.cli_runs import AsJson
from foundry.errors import UserError
from foundry.terminal import aligned, printable

if TYPE_CHECKING:
    from foundry.embeddings.searching import Answer
    from foundry.embeddings.texts import Kind

SHOWN_HASH = 12
MAX_LIMIT = 1_000


class SearchKind(StrEnum):
    """What `--kind` takes."""

    commits = "commits"
    files = "files"


KINDS: dict[SearchKind, Kind] = {SearchKind.commits: "commit", SearchKind.files: "file"}


def search(
    place: Annotated[
        Path, typer.Argument(metavar="RUN_OR_INDEX", help="The folder of a pipeline, of its index, or of a run in it.")
    ],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you look for, in words.")],
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=MAX_LIMIT, help="The most answers.", show_default=True)
    ] = 10,
    kind: Annotated[SearchKind | None, typer.Option(help="Only commits, or only files.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the commits and files of a repository that are nearest in meaning to a question.

    Scores are cosines: 1 is the same direction, 0 is unrelated. Below each answer stands a line of it.

    \b
    Examples:
      foundry search pipelines/my-project "where is the retry logic"
      foundry search pipelines/my-project "why was the cache removed" --kind commits --limit 3
      foundry search pipelines/my-project/runs/my-project-0123456789ab "parsing of dates" --kind files --json
    """
    _require_libraries()
    from foundry.embeddings.searching import search as answers_to

    answers = answers_to(place, question, limit, None if kind is None else KINDS[kind])
    if as_json:
        print(json.dumps([_as_dict(answer) for answer in answers], indent=2, ensure_ascii=False))
    else:
        print(printable(_table(answers)))


def _require_libraries() -> None:
    if None in (importlib.util.find_spec("qdrant_client"), importlib.util.find_spec("sentence_transformers")):
        raise UserError(
            "foundry search: needs qdrant-client and sentence-transformers; `pip install 'foundry-lm[pipeline]'` "
            "installs them"
        )


def _as_dict(answer: Answer) -> dict[str, Any]:
    common = {"rank": answer.rank, "score": answer.score, "kind": answer.kind}
    of_kind = (
        {"hash": answer.key, "subject": answer.title}
        if answer.kind == "commit"
        else {"path": answer.key, "line": answer.line}
    )
    return {**common, **of_kind, "date": _date(answer.time), "context": answer.context}


def _table(answers: list[Answer]) -> str:
    """Two lines for each answer: what it is, and a line of it."""
    heads = aligned([_head(answer) for answer in answers], right=(0,)).split("\n")
    indent = " " * (len(str(len(answers))) + 2)
    return "\n".join(
        f"{head}\n{indent}{_one_line(answer.context)}" for head, answer in zip(heads, answers, strict=True)
    )


def _head(answer: Answer) -> tuple[str, str, str, str, str]:
    name = answer.key[:SHOWN_HASH] if answer.kind == "commit" else f"{_one_line(answer.key)}:{answer.line}"
    return (
        str(answer.rank),
        f"{answer.score:.3f}",
        answer.kind,
        _date(answer.time),
        f"{name}  {_one_line(answer.title)}",
    )


def _one_line(text: str) -> str:
    return text.replace("\n", "␊").replace("\t", "␉")


def _date(seconds: int) -> str:
    """The day in UTC; years that a calendar does not have are shown as seconds."""
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return f"@{seconds}"
