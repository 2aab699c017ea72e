"""The public test kit: sample data, faults that come from outside, and the comparison of runs.

The acceptance suite is built from it, and users may build their own suites from it. No product module imports it.
Nothing is mocked: a fault is a signal, a limit of the operating system, a byte on the disk. The examples below are run
by the acceptance suite, one after another, in an empty folder.

A small experiment on a corpus of its own, trained in a second:

    >>> from pathlib import Path
    >>> from foundry import Trainer
    >>> from foundry.testing.experiments import small_experiment, write_code_corpus
    >>> corpus = write_code_corpus(Path("corpus")).resolve()
    >>> config = small_experiment({"data.source_corpus": str(corpus)})

**Kill points** (`kill_points`). A run is killed at any operation on a file, write, forward pass or update of the
weights, in a process of its own; `run_and_signal` sends other signals:

    >>> from foundry.testing.kill_points import kill_points, run_and_kill, run_to_end
    >>> points = kill_points(config, Path("untouched"))
    >>> writes = [point for point in points if point.operation == "write" and point.phase == "checkpoint"]
    >>> run_and_kill(config, writes[0], Path("killed")).was_killed
    True
    >>> run_to_end(config, Path("killed")).exit_code
    0

**These two runs are identical** (`comparison`), or the first difference is named, to the bit:

    >>> from foundry.testing.comparison import assert_identical_runs, first_difference
    >>> (untouched,), (killed,) = Path("untouched/runs").glob("small-*"), Path("killed/runs").glob("small-*")
    >>> assert_identical_runs(untouched, killed)

**A flipped byte, a cut file** (`faults`):

    >>> from foundry.testing.faults import cut_file, flip_byte
    >>> flip_byte(killed / "checkpoints/step-00000012/model.safetensors", -1)
    >>> print(first_difference(untouched, killed)[:49])
    checkpoints/step-00000012/model.safetensors: norm

**A full disk, a read-only one, a limit on files, permissions that bind root** (`limits`); `NotPermitted` says where a
machine cannot set one:

    >>> from foundry.testing.limits import allocation_limit, file_size_limit, permissions_bind, small_filesystem
    >>> with file_size_limit(1000):
    ...     try:
    ...         print(Path("large").write_bytes(bytes(1001)))
    ...     except OSError as error:
    ...         print(error.strerror)
    File too large
    >>> with small_filesystem(Path("disk"), size=1_000_000) as disk:
    ...     filler = disk.fill(leave=4096)
    ...     print(disk.free)
    ...     disk.read_only()
    4096
    >>> Path("locked").mkdir(mode=0o555)
    >>> with permissions_bind():
    ...     try:
    ...         print(Path("locked/file").write_bytes(b"text"))
    ...     except OSError as error:
    ...         print(error.strerror)
    Permission denied

**An allocation limit** (`limits`), sharpest in a process that was forked a moment ago (`forking.in_a_fork`):

    >>> with allocation_limit(extra_bytes=10_000_000):
    ...     try:
    ...         print(len(bytes(4_000_000_000)))
    ...     except MemoryError:
    ...         print("out of memory")
    out of memory
    >>> from foundry.testing.forking import in_a_fork
    >>> in_a_fork(pow, 2, 10).answer
    1024

**A store that fails, is slow, loses a bit or falls silent** (`stores`):

    >>> from foundry.testing.stores import FailingStore
    >>> elsewhere = small_experiment({"data.source_corpus": str(corpus), "training.output_dir": "unpublished"})
    >>> store = FailingStore(Path("artifacts"), failures=1)
    >>> for attempt in range(2):
    ...     try:
    ...         print(Trainer(elsewhere, store=store).train().record.state)
    ...     except Exception as error:
    ...         print(type(error).__name__)
    FoundryError
    cleaned

**A service of Weights & Biases** on this machine (`wandb_service`), with which the real client works; it fails on
demand, shows what it holds and what was asked, and is red when a client asks for what it does not know:

    >>> import os, subprocess, sys
    >>> from foundry.testing.wandb_service import Fault, WandbService
    >>> script = "import wandb; run = wandb.init(project='demo', id='first'); run.log({'loss': 1.5}); run.finish()"
    >>> with WandbService(Path("service")) as service:
    ...     service.inject(Fault.answer(500, "file_stream", times=1))
    ...     environment = os.environ | service.environment(Path("client"))
    ...     ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    ...     run = service.run("demo", "first")
    ...     print(run.state, [row["loss"] for row in run.history])
    ...     print([request.status for request in service.requests if request.operation == "file_stream"][:2])
    finished [1.5]
    [500, 200]

**A campaign** of kills at random instants: `python -m foundry.testing.campaign --help`.
"""
