"""Hardware monitoring: what training takes of memory, GPU, processor and disk, looked at from a thread of its own.

The training thread never waits for a look: it reads the latest figures, and hears after each step what is to be told.
The peaks of all launches of a run stand in its `hardware.json`.
"""
