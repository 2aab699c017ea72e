"""Hyper-parameter trials: each is a normal run in its own folder, and the study that chooses them outlives any kill.

`config` and `sweep` read a sweep's file, `study` keeps the trials in an Optuna storage and hands them out, `trials`
trains one, `workers` lets several processes work on one study, `summary` and `page` say what came of it. `config` and
`sweep` know nothing of Optuna, so that a file is checked without it.
"""
