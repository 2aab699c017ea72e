"""What the report shows beside a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AttachmentKind = Literal["text", "html", "json", "csv", "yaml", "png", "svg"]


@dataclass(frozen=True)
class Attachment:
    """Something that the report shows beside a scenario."""

    name: str
    content: str | bytes
    kind: AttachmentKind
