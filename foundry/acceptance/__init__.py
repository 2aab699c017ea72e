"""The acceptance layer: runs the features, tells what they showed, and draws the report that goes out with a release.

`runner` drives worker processes over feature files, `formatter` writes what Behave sees as Allure results, `report`
turns the results into one HTML page, `tags` and `capabilities` say what a scenario may ask for, `step_checks` looks
for steps that cannot fail.
"""
