"""Proves the acceptance suite by breaking the product: where no scenario notices, a promise has no guard.

`fault` reads the catalogue of named faults, `shadow` makes copies of the project in which one of them is planted,
`nursery` is the warm process that forks a child for each copy, `trial` is what the child runs, `nurseries` drives
them, `planting` runs the catalogue, and `figures` is what comes out.

The working tree is read and never written: every fault lives in a copy in a temporary folder.
"""
