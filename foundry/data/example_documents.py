"""Examples for fine-tuning from a `.jsonl` file: `prompt` and `completion`, or the `messages` of a chat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundry.data.documents import Example, Message, Skipped
from foundry.data.json_lines import Row, checked_text, json_name, rows_of
from foundry.data.progress import Progress
from foundry.errors import UserError

FIELDS = {"prompt_completion": ("prompt", "completion"), "chat": ("messages",)}
"""What a line must hold, by `data.format`; other fields of it are not read."""
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class ExampleSource:
    """Streams the lines of a file as examples.

    Attributes:
        path: a `.jsonl` file.
        format: `prompt_completion` or `chat`.
    """

    path: Path
    format: str

    @property
    def description(self) -> str:
        """The path."""
        return str(self.path)

    def documents(self, skipped: Skipped, progress: Progress) -> Iterator[Example]:  # noqa: ARG002
        """One example for each line that is not blank; none is left out.

        Raises:
            UserError: a line lacks a field, has one of another kind, or nothing in it can be learned.
        """
        read = _prompt_and_completion if self.format == "prompt_completion" else _messages
        for count, row in enumerate(rows_of(self.path), start=1):
            self._check_fields(row)
            yield Example(row.place, read(row))
            progress.update(f"reading {self.path}: {count:,} examples")

    def _check_fields(self, row: Row) -> None:
        needed = FIELDS[self.format]
        missing = [field for field in needed if field not in row.fields]
        if missing:
            others = [name for name, fields in FIELDS.items() if all(field in row.fields for field in fields)]
            remedy = f"set data.format to {others[0]}" if others else "add it, or correct data.format"
            raise UserError(
                f"{row.place}: no field {missing[0]!r}, which data.format {self.format} needs; its fields are "
                f"{row.names}: {remedy}"
            )


def _prompt_and_completion(row: Row) -> tuple[Message, ...]:
    prompt, completion = row.text("prompt"), row.text("completion")
    if not completion:
        raise UserError(
            f"{row.place}: the completion is empty, so there is nothing to learn; write one, or remove the line"
        )
    return Message("prompt", prompt), Message("completion", completion)


def _messages(row: Row) -> tuple[Message, ...]:
    found = row.fields["messages"]
    if not isinstance(found, list):
        raise UserError(f"{row.place}: field 'messages' must be an array, found {json_name(found)}")
    messages = tuple(
        _message(message, f"{row.place}: message {number}") for number, message in enumerate(found, start=1)
    )
    if not any(message.is_target for message in messages):
        raise UserError(
            f"{row.place}: no message of the assistant, so there is nothing to learn; add one, or remove the line"
        )
    return messages


def _message(message: Any, place: str) -> Message:
    if not isinstance(message, dict):
        raise UserError(f"{place} must be an object with role and content, found {json_name(message)}")
    for field in ("role", "content"):
        if field not in message:
            raise UserError(f"{place} has no {field}; its fields are {', '.join(message) or 'none'}")
    role = checked_text(message["role"], f"{place}: role")
    if role not in ROLES:
        raise UserError(f"{place} has the role {role!r}, which must be one of {', '.join(ROLES)}")
    content = checked_text(message["content"], f"{place}: content")
    if role == "assistant" and not content:
        raise UserError(f"{place} of the assistant is empty, so there is nothing to learn; write it, or remove it")
    return Message(role, content)
