"""The GraphQL type of a run, with its history."""

from __future__ import annotations

import json
from typing import Any

from foundry.testing.wandb_service.artifact_nodes import Artifact
from foundry.testing.wandb_service.execution import Fields, GraphQLObject, answers
from foundry.testing.wandb_service.nodes import Connection, File, Service, global_id, project_name, timestamp, user
from foundry.testing.wandb_service.state import StoredRun

HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"


class Run(GraphQLObject):
    """A run, as it is when it is asked for."""

    types = ("Run",)

    def __init__(self, service: Service, stored: StoredRun) -> None:
        super().__init__(
            id=global_id("Run", stored.id),
            name=stored.name,
            displayName=stored.display_name or stored.name,
            project=project_name(service, stored.project),
            projectId=service.state.projects[stored.project].id,
            user=user(service),
            state=stored.state,
            description=stored.description,
            notes=stored.notes,
            tags=stored.tags,
            group=stored.group,
            jobType=stored.job_type,
            createdAt=timestamp(stored.created_at),
            heartbeatAt=timestamp(stored.created_at),
            config=json.dumps(stored.raw_config),
            summaryMetrics=json.dumps(stored.summary),
            systemMetrics="{}",
            logLineCount=len(stored.stream("output.log")),
            historyLineCount=len(stored.stream(HISTORY)),
            historyTail=json.dumps(stored.stream(HISTORY)[-1:]),
            eventsLineCount=len(stored.stream(EVENTS)),
            eventsTail=json.dumps(stored.stream(EVENTS)[-1:]),
            fileCount=len(stored.files),
            sweepName=None,
            commit=None,
            readOnly=False,
        )
        self._service = service
        self._stored = stored

    @answers()
    def wandb_config(self, keys: list[str]) -> str:
        """What the client noted about itself; one without the key `t` is no run to it."""
        noted = self._stored.raw_config.get("_wandb", {}).get("value", {})
        return json.dumps({key: noted.get(key, {}) for key in keys})

    @answers()
    def history(
        self, samples: int | None = None, min_step: int | None = None, max_step: int | None = None
    ) -> list[str]:
        """The lines of the steps from `min_step` on, before `max_step`, at most `samples` of them."""
        lines = self._stored.stream(HISTORY)
        low, high = min_step or 0, float("inf") if max_step is None else max_step
        return [line for line in lines if low <= json.loads(line)["_step"] < high][:samples]

    @answers()
    def history_keys(self) -> dict[str, Any] | None:
        """The names of the metrics, and the last step."""
        rows = self._stored.history
        if not rows:
            return None
        keys = {key: {"typeCounts": [{"type": "number"}]} for row in rows for key in row}
        return {"sets": [], "keys": keys, "lastStep": max(row["_step"] for row in rows)}

    @answers("live_keys")
    def parquet_history(self) -> GraphQLObject:
        """The whole history: none of it has been rewritten as Parquet files."""
        return Fields("ParquetHistory", parquetUrls=[], liveData=self._stored.history)

    @answers("after", "first", "pattern")
    def files(self, names: list[str] | None = None) -> Connection:
        """The files beside the run, or those of them that are named."""
        kept = self._stored.files
        wanted = [name for name in names or kept if name in kept]
        return Connection([File(self._service, "download_run_file", name, kept[name]) for name in wanted])

    @answers("after", "first")
    def output_artifacts(self) -> Connection:
        """The versions of artifacts that the run has made."""
        made = [it for it in self._service.state.all_versions() if it.run == self._stored.name and it.index is not None]
        return Connection([Artifact(self._service, it) for it in made if it.project == self._stored.project])
