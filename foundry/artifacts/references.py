"""How a user names a model in the registry: `wandb://entity/project/artifact:alias`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from foundry.errors import UserError
from foundry.untrusted import shown

SCHEME = "wandb://"
BEST_ALIAS = "best"
FORM = f"{SCHEME}ENTITY/PROJECT/ARTIFACT[:ALIAS]"
MAX_REFERENCE_CHARACTERS = 500

_PARTS = ("an entity", "a project", "an artifact")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._ -]{1,128}")
_ALIAS = re.compile(r"[^/:\s\x00-\x1f][^/:\x00-\x1f]{0,127}")
_VERSION = re.compile(r"v\d{1,9}")


def is_reference(text: str) -> bool:
    """Whether a model is named by its place in the registry, and not by a folder."""
    return text.startswith(SCHEME)


@dataclass(frozen=True)
class WandbReference:
    """A model in the registry of Weights & Biases.

    Attributes:
        alias: what points to a version, such as `best`, or a version, such as `v3`.
    """

    entity: str
    project: str
    artifact: str
    alias: str = BEST_ALIAS

    @classmethod
    def parse(cls, text: str) -> WandbReference:
        """The reference that a user wrote; without an alias it is the one of the best checkpoint.

        Raises:
            UserError: it has not the form of one; says where.
        """
        if (problem := _problem(text)) is not None:
            raise UserError(f"{shown(text)}: {problem}; a model in the registry is named {FORM}")
        entity, project, rest = text.removeprefix(SCHEME).split("/")
        artifact, _, alias = rest.partition(":")
        return cls(entity, project, artifact, alias or BEST_ALIAS)

    @property
    def is_version(self) -> bool:
        """Whether it names a version, which never comes to mean another model."""
        return _VERSION.fullmatch(self.alias) is not None

    @property
    def collection(self) -> str:
        """The artifact with all its versions, as the client names it: `entity/project/artifact`."""
        return f"{self.entity}/{self.project}/{self.artifact}"

    @property
    def path(self) -> str:
        """As the client names it: `entity/project/artifact:alias`."""
        return f"{self.collection}:{self.alias}"

    def __str__(self) -> str:
        return f"{SCHEME}{self.path}"


def _problem(text: str) -> str | None:
    """What keeps a text from being a reference; None where nothing does."""
    if not is_reference(text):
        return f"does not begin with {SCHEME}"
    if len(text) > MAX_REFERENCE_CHARACTERS:
        return f"has {len(text):,} characters, and at most {MAX_REFERENCE_CHARACTERS} are one"
    parts = text.removeprefix(SCHEME).split("/")
    if len(parts) != len(_PARTS):
        return f"has {len(parts)} part{'s' * (len(parts) != 1)} between slashes instead of {len(_PARTS)}"
    *folders, rest = parts
    name, colon, alias = rest.partition(":")
    for what, part in zip(_PARTS, (*folders, name), strict=True):
        if _NAME.fullmatch(part) is None:
            return f"{shown(part)} is not the name of {what}" if part else f"the name of {what} is missing"
    if colon and _ALIAS.fullmatch(alias) is None:
        return f"{shown(alias)} is not an alias" if alias else "the alias after the colon is missing"
    return None
