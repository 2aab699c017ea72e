"""The processes of one launch: `torchrun --nproc-per-node N -m foundry train CONFIG` starts N of them.

Each trains on its share of every global batch. The first of them, rank 0, decides and writes; the others follow. What
they have to agree upon goes through the few methods of `Processes`. A launch of one process has no partner: there every
method is a plain call, and nothing of `torch.distributed` is set up.

Two things are done by a launch of one process alone: halving the micro-batch where memory runs out (several stop, and
say so), and writing checkpoints while training goes on (several wait until each is on disk). All processes must see
one run folder and one corpus.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from foundry.errors import FoundryError, UserError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
LONGEST_WAIT = timedelta(days=7)
"""How long the others wait for what only the first does, such as tokenizing a corpus; its end is noticed at once."""
LOST_TEXTS = ("gloo", "NCCL", "Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""What torch says of a collective operation whose other side has gone; it has no exception of its own for gloo."""


class EndedTogether(FoundryError):
    """This process ends because another one of its launch does, which says why; there is nothing to add."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("ended, because the launch did")


@dataclass(frozen=True)
class Processes:
    """A launch of one process, and what every launch can do.

    Attributes:
        rank: which of the processes this one is, from 0.
        count: how many there are.
        local_rank: which one of those on this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this is the process that decides, writes and speaks."""
        return self.rank == 0

    def share(self, num_items: int) -> slice:
        """The contiguous part of `num_items` items that this process works on."""
        size = num_items // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def first(self, act: Callable[[], T]) -> T:
        """What `act` gives in the first process; the others do not call it, and get the same value.

        Raises:
            EndedTogether: in the others, where it raised an error in the first.
        """
        return act()

    def together(self, act: Callable[[], T]) -> list[T]:
        """What `act` gives in each process, by rank.

        Raises:
            FoundryError: in every process, where it raised an error in one.
        """
        return [act()]

    def after_first(self, act: Callable[[], T]) -> T:
        """What `act` gives in this process; the others begin it when the first has done it.

        Raises:
            FoundryError: in every process, where it raised an error in one.
        """
        return act()

    def sums(self, numbers: Sequence[float]) -> list[float]:
        """The sums over all processes, number by number, in float64; the same bits in each process."""
        return list(numbers)

    def largest(self, number: int) -> int:
        """The largest of the numbers that the processes give."""
        return number

    @contextlib.contextmanager
    def noticing_loss(self) -> Iterator[None]:
        """Explain the error that torch raises when another process of the launch has gone.

        Raises:
            FoundryError: says that one has gone, and what to do.
        """
        yield


ALONE = Processes()
"""The launch of one process."""


class ConnectedProcesses(Processes):
    """Several processes, connected by `torch.distributed`.

    What they tell one another goes over gloo, from host memory; gradients and weights go over NCCL on CUDA devices.
    """

    def connect(self) -> None:
        """Wait until every process of the launch is there.

        Raises:
            FoundryError: they do not find one another.
        """
        import torch
        from torch import distributed

        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        try:
            distributed.init_process_group(backend)
            # Its threads must have ended when the interpreter takes down what they use.
            atexit.register(distributed.destroy_process_group)
            _control_group()
        except (RuntimeError, ValueError) as error:
            raise FoundryError(
                f"process {self.rank} of {self.count}: cannot reach the others of its launch: {_one_line(error)}; "
                "start them with torchrun"
            ) from error

    def first(self, act: Callable[[], T]) -> T:
        """See `Processes.first`."""
        value, failure = None, None
        if self.is_first:
            try:
                value = act()
            except Exception as error:  # noqa: BLE001 (raised again below, when the others know)
                failure = error
        value, exit_code = self._from_first((value, _exit_code(failure)))
        if failure is not None:
            raise failure
        if exit_code is not None:
            raise EndedTogether(exit_code)
        return value  # type: ignore[no-any-return]

    def together(self, act: Callable[[], T]) -> list[T]:
        """See `Processes.together`."""
        value, failure = None, None
        try:
            value = act()
        except Exception as error:  # noqa: BLE001 (raised again below, when the others know)
            failure = error
        answers = self._gather((value, _exit_code(failure), _one_line(failure)))
        failed = next((rank for rank, answer in enumerate(answers) if answer[1] is not None), None)
        if failed is None:
            return [answer[0] for answer in answers]
        if failure is not None and (self.is_first or not isinstance(failure, FoundryError)):
            raise failure
        if not self.is_first:
            raise EndedTogether(answers[failed][1])
        problem = FoundryError(f"process {failed} of {self.count}: {answers[failed][2]}")
        problem.exit_code = answers[failed][1]
        raise problem

    def after_first(self, act: Callable[[], T]) -> T:
        """See `Processes.after_first`."""
        made: list[T] = []
        self.first(lambda: made.append(act()))
        self.together(lambda: None if self.is_first else made.append(act()))
        return made[0]

    def sums(self, numbers: Sequence[float]) -> list[float]:
        """See `Processes.sums`."""
        import torch
        from torch import distributed

        added = torch.tensor(numbers, dtype=torch.float64)
        distributed.all_reduce(added, group=_control_group())
        values: list[float] = added.tolist()
        return values

    def largest(self, number: int) -> int:
        """See `Processes.largest`."""
        import torch
        from torch import distributed

        largest = torch.tensor(number)
        distributed.all_reduce(largest, distributed.ReduceOp.MAX, group=_control_group())
        return int(largest)

    @contextlib.contextmanager
    def noticing_loss(self) -> Iterator[None]:
        """See `Processes.noticing_loss`."""
        from torch.distributed import DistError

        try:
            yield
        except RuntimeError as error:
            if not isinstance(error, DistError) and not any(text in str(error) for text in LOST_TEXTS):
                raise
            raise FoundryError(
                f"process {self.rank} of {self.count}: another process of this launch has gone, and training ends "
                "without it; launch again to go on from the newest checkpoint"
            ) from error

    def _from_first(self, value: Any) -> Any:
        from torch import distributed

        carried = [value]
        distributed.broadcast_object_list(carried, src=0, group=_control_group(), device=_host())
        return carried[0]

    def _gather(self, value: Any) -> list[Any]:
        from torch import distributed

        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value, group=_control_group())
        return values


@functools.cache
def _control_group() -> Any:
    """The group for what processes tell one another; it waits as long as the first may work alone."""
    from torch import distributed

    return distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)


def _host() -> torch.device:
    import torch

    return torch.device("cpu")


def _exit_code(failure: Exception | None) -> int | None:
    return None if failure is None else getattr(failure, "exit_code", FoundryError.exit_code)


def _one_line(error: Exception | None) -> str:
    return "" if error is None else " ".join(str(error).split()) or type(error).__name__


@functools.cache
def launched_processes() -> Processes:
    """The processes of the launch that this process belongs to, connected; it alone unless torchrun started several.

    Raises:
        UserError: the environment that torchrun gives its processes is not whole.
        FoundryError: the processes do not find one another.
    """
    processes = processes_in(os.environ)
    if isinstance(processes, ConnectedProcesses):
        processes.connect()
    return processes


def processes_in(environment: Mapping[str, str]) -> Processes:
    """What torchrun says in the environment of each process it starts; not connected yet.

    Raises:
        UserError: a number is missing or wrong.
    """
    try:
        count = int(environment.get("WORLD_SIZE", "1"))
        if count == 1:
            return ALONE
        rank, local_rank = int(environment["RANK"]), int(environment["LOCAL_RANK"])
    except (KeyError, ValueError) as problem:
        raise UserError(
            f"WORLD_SIZE is set, but RANK and LOCAL_RANK are not as torchrun sets them ({problem}); "
            "start several processes with torchrun, or unset WORLD_SIZE"
        ) from None
    if not 0 <= rank < count:
        raise UserError(f"RANK ({rank}) must be below WORLD_SIZE ({count}); start the processes with torchrun")
    return ConnectedProcesses(rank, count, local_rank)
