"""How the parameters of a trial are chosen, and when a trial is hopeless."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage

from foundry.reproducibility import derived_seed
from foundry.sweeps.config import SweepConfig
from foundry.sweeps.sweep import Choices, Sweep

LARGEST_SEED = 2**32 - 1


def draw_parameters(sweep: Sweep, storage: BaseStorage, trial_id: int, number: int) -> dict[str, Any]:
    """Choose the parameters of a trial that has none yet.

    They depend on the sweep's seed, the trial's number and the trials that are finished, and on nothing else: a sweep
    that was killed chooses what it would have chosen.
    """
    study = optuna.load_study(
        study_name=sweep.config.sweep_name, storage=storage, sampler=_sampler(sweep.config, number), pruner=NopPruner()
    )
    trial = optuna.trial.Trial(study, trial_id)
    return {key: _drawn(trial, key, choices) for key, choices in sweep.choices.items()}


def pruner_of(config: SweepConfig) -> BasePruner:
    """Tells whether a trial is hopeless after an evaluation that is beyond its warm-up."""
    return NopPruner() if config.pruning is None else MedianPruner(config.pruning.startup_trials)


def _sampler(config: SweepConfig, number: int) -> BaseSampler:
    seed = derived_seed(config.seed, "trial", number) % LARGEST_SEED
    return TPESampler(seed=seed) if config.sampler == "tpe" else RandomSampler(seed=seed)


def _drawn(trial: optuna.trial.Trial, key: str, choices: Choices) -> Any:
    if choices.values:
        return trial.suggest_categorical(key, choices.values)
    if choices.is_whole:
        return trial.suggest_int(key, int(choices.low), int(choices.high), step=int(choices.step or 1), log=choices.log)
    return trial.suggest_float(key, choices.low, choices.high, step=choices.step, log=choices.log)
