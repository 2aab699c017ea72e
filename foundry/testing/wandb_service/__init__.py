"""A stand-in of Weights & Biases on 127.0.0.1, for suites that use the real client without an account.

    with WandbService(Path("service")) as service:
        os.environ.update(service.environment(Path("client")))
        ...                                             # whatever uses wandb
        service.inject(Fault.answer(500, "upload", times=2))
        ...
        assert service.run("project", "run-id").state == "finished"

Leaving the block raises `AssertionError` when the client asked for what the service does not know, so that an upgrade
of the client shows. `python -m foundry.testing.wandb_service --help` is the same for a shell.

**It speaks** what wandb 0.31.0 asks for these: a run that begins, logs, is resumed, ends, or was offline and is
synchronised; files beside a run; artifacts with versions, aliases, metadata and descriptions that change, upload only
what is missing, and are confirmed, downloaded and verified; and, through `wandb.Api`, the viewer, one run with its
configuration, summary, history and files, one artifact, all versions of an artifact, what a run has made, who made an
artifact. It refuses an upload whose MD5 digest is not the one that was announced, and a version of which a file is
missing.

**It does not speak**: lists of runs and their filters, sweeps, reports, registries and links, deletion, the state of
a run that has fallen silent, xxh128 digests, uploads in several parts (a file above 2 GiB is put in one), quotas,
permissions, addresses that expire, more than one entity or key. Nothing of it was compared with the real service: it
does what the client was seen to need. What it holds is gone when it ends, but for the bytes of files in its folder.

Faults (`Fault`): a status instead of an answer, silence, a slow link, a connection that is cut or reset, a flipped
byte in a download, another digest in a manifest; beside them a service that dies and comes back (`stop`, `start`) and
a key that expires (`expire_key`).
"""

from foundry.testing.wandb_service.application import Request
from foundry.testing.wandb_service.faults import Fault
from foundry.testing.wandb_service.service import WandbService
from foundry.testing.wandb_service.state import StoredArtifact, StoredFile, StoredRun, StoredVersion

__all__ = ["Fault", "Request", "StoredArtifact", "StoredFile", "StoredRun", "StoredVersion", "WandbService"]
