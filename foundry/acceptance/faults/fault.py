"""A named fault: a small change of one source file, and the scenario that claims to notice it."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from foundry.acceptance.selection import behave_configuration
from foundry.errors import UserError

CATALOGUE = "foundry/acceptance/faults/catalogue"
FOLDER_OPTION = "accept.faults"
"""Userdata; the folder in which a project keeps its catalogue, one list of faults a file, if it is not `CATALOGUE`."""

Text = Annotated[str, StringConstraints(min_length=1)]


class Guard(BaseModel):
    """The scenario that claims to notice a fault.

    Attributes:
        feature: the path of its feature file, relative to the project.
        scenario: its name, as expanded from its row of examples; all scenarios of that name are meant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: Text
    scenario: Text


class PlantedFault(BaseModel):
    """One entry of the catalogue.

    Attributes:
        story: what goes wrong for a user, in a sentence.
        module: the path of the changed source file, relative to the project.
        replace: the text that is replaced; it occurs exactly once in the file.
        with_: the text that takes its place; `with` in the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    story: Text
    module: Annotated[str, StringConstraints(pattern=r"^[^/.][^.]*\.py$")]
    replace: Text
    with_: str = Field(alias="with")
    guard: Guard

    def planted(self, project: Path) -> str:
        """The text of the module with the fault in it.

        Raises:
            DoesNotApply: there is no such module, or the replaced text does not occur exactly once in it.
        """
        path = project / self.module
        if not path.is_file():
            raise DoesNotApply(f"there is no {self.module}")
        text = path.read_text(encoding="utf-8")
        if (count := text.count(self.replace)) != 1:
            raise DoesNotApply(f"the replaced text occurs {count} times in {self.module}, and must occur once")
        return text.replace(self.replace, self.with_)


class DoesNotApply(Exception):
    """A fault does not fit the source: one of them has changed without the other."""


def catalogue_of(project: Path) -> Path:
    """The folder with the catalogue of a project."""
    return project / str(userdata_of(project).get(FOLDER_OPTION, CATALOGUE))


def userdata_of(project: Path) -> Mapping[str, object]:
    """What a project tells its suite in its Behave configuration."""
    with contextlib.chdir(project):
        return dict(behave_configuration([], []).userdata)


def read_catalogue(paths: Sequence[Path]) -> list[PlantedFault]:
    """The faults in the YAML files `paths`, in their order; a folder stands for the files in it.

    Raises:
        UserError: a file cannot be read, an entry breaks a rule, two faults have one name, or there is none.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]
    faults = [fault for file in files for fault in _faults_in(file)]
    repeated = [name for name, count in Counter(fault.name for fault in faults).items() if count > 1]
    if repeated:
        raise UserError(f"{', '.join(repeated)}: the name of more than one planted fault; give each its own")
    if not faults:
        raise UserError(f"{' '.join(map(str, paths))}: no planted faults there; name a YAML file or a folder of them")
    return faults


def _faults_in(file: Path) -> list[PlantedFault]:
    try:
        return TypeAdapter(list[PlantedFault]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or [])
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{file}: no list of planted faults ({' '.join(str(error).split())})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{file}: no list of planted faults (entry {where}: {first['msg']})") from None
