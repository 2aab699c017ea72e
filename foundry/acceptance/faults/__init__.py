"""Proves the acceptance suite by breaking the product: where no scenario notices, a promise has no guard.

`fault` reads the catalogue of named faults and `planting` tries each against the scenario that claims to notice it;
`operators` makes random mutants, `mutants` samples them, `covering` knows the scenarios that run a line, and `mutating`
tries them. `fault_run` is what `foundry accept --planted-faults` calls; `figures`, `telling` and `allure_results` are
what comes out.

Both try one changed source file at a time: `shadow` makes a copy of the project in a temporary folder, `nursery` is a
warm process that has imported what the suite needs of other libraries and forks a child for each copy, `trial` is what
the child runs, `nurseries` drives one such process and `warm_pool` several. The working tree is read, never written.
"""
