"""Random mutants of the core: which there are, in which order they are tried, and which change nothing that matters."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from foundry.acceptance.faults.fault import catalogue_of, userdata_of
from foundry.acceptance.faults.operators import Mutation, mutations
from foundry.errors import UserError

CORE = (
    "foundry/config.py",
    "foundry/training",
    "foundry/generation",
    "foundry/models",
    "foundry/artifacts",
    "foundry/data",
    "foundry/reproducibility.py",
)
"""The modules on which the promises about training and generation rest."""
CORE_OPTION = "accept.core"
"""Userdata; files and folders of the core, where a project is not laid out as Foundry is."""
EQUIVALENT_NAME = "equivalent_mutants.yaml"


@dataclass(frozen=True)
class Mutant:
    """One changed copy of one module.

    Attributes:
        module: the path of the source file, relative to the project.
        source: the line at which the change begins, as it stands in the file, without its indentation.
    """

    module: str
    mutation: Mutation
    source: str


class EquivalentMutant(BaseModel):
    """A mutant that behaves as the original does wherever a user could look, and why.

    Attributes:
        source: the changed line, without its indentation.
        mutation: what `str` gives for the mutation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    module: str
    source: str
    mutation: str
    reason: str

    def is_meant(self, mutant: Mutant) -> bool:
        """Whether it is this one."""
        return (self.module, self.source, self.mutation) == (mutant.module, mutant.source, str(mutant.mutation))


def core_of(project: Path) -> tuple[str, ...]:
    """The files and folders that are the core of a project."""
    return tuple(str(userdata_of(project).get(CORE_OPTION, "")).split()) or CORE


def equivalent_of(project: Path) -> Path:
    """Where a project lists its equivalent mutants: beside the folder with its catalogue of planted faults."""
    return catalogue_of(project).parent / EQUIVALENT_NAME


def read_equivalent(path: Path) -> list[EquivalentMutant]:
    """The list in a YAML file; empty where there is no such file.

    Raises:
        UserError: it is no such list.
    """
    if not path.exists():
        return []
    try:
        return TypeAdapter(list[EquivalentMutant]).validate_python(yaml.safe_load(path.read_text("utf-8")) or [])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise UserError(f"{path}: no list of equivalent mutants ({' '.join(str(error).split())})") from None


def mutants_of(project: Path, places: Sequence[str]) -> list[Mutant]:
    """Every mutant of the source files `places`, and of those in the folders among them.

    Raises:
        UserError: there is no such file or folder, or nothing in it to change.
    """
    found = [mutant for module in _modules(project, places) for mutant in _mutants_in(project, module)]
    if not found:
        raise UserError(f"{' '.join(places)}: nothing to change there; name Python files or folders of them")
    return found


def _modules(project: Path, places: Sequence[str]) -> Iterable[str]:
    for place in places:
        path = project / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        yield from (file.relative_to(project).as_posix() for file in files)


def _mutants_in(project: Path, module: str) -> list[Mutant]:
    try:
        text = (project / module).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{module}: cannot be read ({error.strerror}); name Python files or folders of them") from None
    lines = text.split("\n")
    return [Mutant(module, mutation, lines[mutation.line - 1].strip()) for mutation in mutations(text)]


def in_random_order(mutants: Sequence[Mutant], seed: int) -> list[Mutant]:
    """The mutants in the order that belongs to `seed`, in which every module has its turn before one has its second.

    So a sample says something about each module, however large the others are.
    """
    dice = random.Random(seed)
    by_module: dict[str, list[Mutant]] = {}
    for mutant in dice.sample(mutants, len(mutants)):
        by_module.setdefault(mutant.module, []).append(mutant)
    turns = [(turn, dice.random(), mutant) for its in by_module.values() for turn, mutant in enumerate(its)]
    return [mutant for _, _, mutant in sorted(turns, key=lambda it: it[:2])]
