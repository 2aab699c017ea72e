"""What is looked at before an acceptance run: one module a subject, each of which makes `Check`s in milliseconds.

`capabilities` asks the same functions when a scenario is about to run, so that a skipped scenario and the pre-flight
table say the same. Nothing here imports torch, but `gpu`, in a process of its own, where there is a driver.
"""
