"""A campaign of kills: small real experiments, ended at random instants, must end as if nothing had happened.

    python -m foundry.testing.campaign --kills 500 --seed 1

`cases` are the experiments, `trials` one kill and what became of it, `report` the table.
"""
