"""What a study was begun with: the trials of one study can be compared only while none of that changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from foundry.config import weight_settings
from foundry.config_file import shown_value
from foundry.data.sources import source_identity
from foundry.errors import UserError
from foundry.sweeps.sweep import Sweep, with_settings


def definition_of(sweep: Sweep) -> dict[str, Any]:
    """What decides the trials of a sweep, but for the content of its corpus, as plain values."""
    settings = with_settings(weight_settings(sweep.experiment), dict.fromkeys(sweep.choices))
    if settings["data"].get("git") is not None:
        settings = with_settings(settings, {"data.git.repository": None})  # hosts may keep it at different places
    definition = {
        "experiment_name": sweep.experiment.experiment_name,
        "sampler": sweep.config.sampler,
        "seed": sweep.config.seed,
        "parameters": {key: choices.as_dict() for key, choices in sweep.choices.items()},
        **settings,
    }
    plain: dict[str, Any] = json.loads(json.dumps(definition, default=str))
    return plain


def require_same(sweep: Sweep, begun_with: Mapping[str, Any], study: str) -> None:
    """Check that the sweep is the one that the study was begun with.

    Raises:
        UserError: names what differs.
    """
    then, now = dict(_flat(begun_with)), dict(_flat(definition_of(sweep)))
    for key in sorted(then.keys() | now.keys()):
        if then.get(key) != now.get(key):
            was, has_become = (shown_value(values.get(key)) for values in (then, now))
            raise UserError(
                f"{sweep.path}: the study in {study} was begun with {key} {was}, and here it is {has_become}; "
                "restore that, or give the sweep another sweep_name"
            )


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def source_of(sweep: Sweep) -> dict[str, str | None]:
    """What the corpus holds now, and the commit of its repository, if it is one.

    Raises:
        UserError: there is nothing to read at the place named.
    """
    experiment, identity = source_identity(sweep.experiment)
    return {"identity": identity, "revision": experiment.data.git.revision if experiment.data.git else None}


def with_source(sweep: Sweep, source: Mapping[str, str | None]) -> Sweep:
    """The sweep with its corpus as `source_of` found it, whatever has been committed to its repository since."""
    if source["revision"] is None:
        return sweep
    return replace(sweep, experiment=sweep.experiment_with({}, **{"data.git.revision": source["revision"]}))


def require_source(sweep: Sweep, source: Mapping[str, str | None]) -> None:
    """Check that the corpus is still what it was.

    Raises:
        UserError: it is not, or is gone.
    """
    if source_of(sweep)["identity"] != source["identity"]:
        raise UserError(
            f"{sweep.path}: the corpus has changed since the sweep was begun, so that its trials could not be "
            "compared; restore it, or give the sweep another sweep_name"
        )
