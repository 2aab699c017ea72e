"""The template by which a pretrained tokenizer lays out the messages of a chat as one text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundry.data.documents import Message
from foundry.untrusted import read_regular

TEMPLATE_FILE = "chat_template.jinja"
VARIABLES = ("bos_token", "eos_token")
"""Special tokens that templates write by these names."""
MAX_TEMPLATE_BYTES = 1_000_000


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template, which `transformers` renders in a sandbox.

    Attributes:
        source: the template.
        special_tokens: the texts of special tokens by the names that the template may use for them.
    """

    source: str
    special_tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def found(cls, source: Any, settings: Mapping[str, Any]) -> ChatTemplate | None:
        """The template as `tokenizer_config.json` or `transformers` has it; None where there is none.

        Args:
            source: a text, or several by their names, of which the one named `default` is taken.
            settings: special tokens, each a text or an object with its `content`.
        """
        if isinstance(source, list):
            source = {named.get("name"): named.get("template") for named in source if isinstance(named, dict)}
        if isinstance(source, dict):
            source = source.get("default")
        if not isinstance(source, str) or not source:
            return None
        tokens = {name: _content(settings.get(name)) for name in VARIABLES}
        return cls(source, {name: token for name, token in tokens.items() if token is not None})

    @classmethod
    def read(cls, folder: Path, settings: Mapping[str, Any]) -> ChatTemplate | None:
        """The template in the folder of a tokenizer, whose `tokenizer_config.json` is `settings`.

        Raises:
            ValueError, OSError: the file of the template cannot be read.
        """
        source = settings.get("chat_template")
        if os.path.lexists(folder / TEMPLATE_FILE):
            source = read_regular(folder / TEMPLATE_FILE, MAX_TEMPLATE_BYTES, follow_link=True).decode()
        return cls.found(source, settings)

    @property
    def settings(self) -> dict[str, str]:
        """What `tokenizer_config.json` has to hold for `read` to find it again."""
        return {"chat_template": self.source, **self.special_tokens}

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        """The messages as one text.

        Args:
            add_generation_prompt: end with what stands before an answer of the assistant.

        Raises:
            jinja2.TemplateError: the template is broken, or refuses the messages.
        """
        from transformers.utils.chat_template_utils import render_jinja_template

        conversation = [{"role": message.role, "content": message.content} for message in messages]
        variables: dict[str, Any] = dict(self.special_tokens)
        rendered = render_jinja_template(
            conversations=[conversation],
            chat_template=self.source,
            add_generation_prompt=add_generation_prompt,
            **variables,
        )
        return str(rendered[0][0])


def _content(token: Any) -> str | None:
    content = token.get("content") if isinstance(token, dict) else token
    return str(content) if content else None
