"""The public test kit: worlds, sample repositories and faults that come from outside.

The acceptance suite is built from it, and users may build their own suites from it. No product module imports it.
"""
