"""The HTTP side of the service, and the command that runs it."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from foundry.testing.qdrant_service.faults import Fault, FaultBoard
from foundry.testing.qdrant_service.points import PointStore, operation_of

HOST = "127.0.0.1"
CONTROL = "/control"
DEATH = 70


class Server(ThreadingHTTPServer):
    """Serves the collections in a folder; the faults come in over `CONTROL`."""

    daemon_threads = True

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__((HOST, port), Handler)
        self.store = PointStore(folder)
        self.board = FaultBoard()


class Handler(BaseHTTPRequestHandler):
    """Serves one request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """See `_handle`."""
        self._handle()

    def do_PUT(self) -> None:
        """See `_handle`."""
        self._handle()

    def do_POST(self) -> None:
        """See `_handle`."""
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the board keeps what was answered."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path)
        if path == CONTROL:
            self._control(body)
            return
        operation = operation_of(self.command, path)
        if operation is None:
            self._answer("unknown", 404, {"status": {"error": f"{self.command} {path}: unknown"}})
        else:
            self._meet_fault_or_serve(*operation, body)

    def _control(self, body: bytes) -> None:
        if self.command == "PUT":
            asked = json.loads(body)
            self.server.board.put(Fault(**asked) if asked else None)
        self._send(200, self.server.board.answered)

    def _meet_fault_or_serve(self, operation: str, collection: str, body: bytes) -> None:
        fault = self.server.board.met_by(operation)
        if fault is not None and not (fault.act == "lock" and self.headers.get("api-key") == fault.key):
            self._suffer(fault, operation)
            return
        try:
            result = self.server.store.serve(operation, collection, body)
        except ValueError as error:
            self._answer(operation, 404 if "not found" in str(error) else 400, {"status": {"error": str(error)}})
            return
        self._answer(operation, 200, {"result": result, "status": "ok", "time": 0.0})

    def _suffer(self, fault: Fault, operation: str) -> None:
        if fault.act == "die":
            os._exit(DEATH)
        if fault.act == "hang":
            threading.Event().wait()
        self._answer(operation, 401 if fault.act == "lock" else fault.status, {"status": {"error": "a fault"}})

    def _answer(self, operation: str, status: int, value: Any) -> None:
        self.server.board.note(operation, status)
        self._send(status, value)

    def _send(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
