"""The client library of Weights & Biases, kept in a process of its own.

`wandb` may wait for ever for a server, and its background process may fail in ways that no exception tells. So the
product never imports it: `process` starts `python -m foundry.wandb_client`, asks it for one act, hears how it goes on,
and ends it where it takes too long. The modules of the acts (`checking` and those beside it) run in that process
alone, and only they import `wandb`.

What goes over the pipes is one JSON object a line: the request, then progress, then the answer or a problem.
"""
