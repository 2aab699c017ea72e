"""A stand-in of a Qdrant server on 127.0.0.1, in a process of its own, for suites that use the real client.

    with QdrantService(Path("service")) as service:
        ...                                             # whatever talks to service.url
        service.inject(Fault("answer", on="upsert", status=500))
        ...
        assert service.answers("upsert") == [200, 500]

Behind it is the embedded index of Qdrant's own client, in the folder, so that what was stored is there again after
`stop` and `start`; its answers are therefore exact, where a real server's come from a graph that is nearly so.

**It speaks** the REST calls of qdrant-client 1.20.0 for these: whether a collection exists, creating and describing
one, upserting, scrolling, deleting and counting points, replacing payloads in a batch, and querying by groups. Anything
else is answered with 404. It does not speak gRPC, snapshots, aliases, shards, payload indexes or clusters.
"""

from foundry.testing.qdrant_service.faults import Fault
from foundry.testing.qdrant_service.service import QdrantService

__all__ = ["Fault", "QdrantService"]
