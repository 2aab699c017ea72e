"""Imported last by the server of warm processes: takes what is loaded by then out of the garbage collector's sight.

A collection in a forked process would otherwise look at every object of torch, and so copy the memory that it shares.
"""

from __future__ import annotations

import gc

gc.collect()
gc.freeze()
