"""The acceptance layer: runs the features, tells what they showed, and draws the report that goes out with a release.

`runner` is the whole of a run: `selection` and `shards` say which scenarios it is about, `schedule` in which pieces
they are handed out, `coordinator` drives the `worker` processes (each a `worker_process`), `ledger` and `record` keep
what became of each scenario, `board` shows it. `merging` makes one of shards. `formatter` writes what Behave sees as
Allure results, `report` turns the results into one HTML page, `tags` and `capabilities` say what a scenario may ask
for, `step_checks` looks for steps that cannot fail.

`preflight` looks at the machine before a run, through the modules of `checks`, which `capabilities` asks, too.
"""
