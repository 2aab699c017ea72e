"""The HTTP side of the service: connections, routes, authorization, transfers of files, and the faults they meet."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import struct
import sys
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from foundry.testing.wandb_service.application import Application, failure
from foundry.testing.wandb_service.documents import DocumentError, parse_document
from foundry.testing.wandb_service.faults import Fault
from foundry.testing.wandb_service.state import StoredFile
from foundry.testing.wandb_service.transfers import PART, PART_SUFFIX, PREFIX, Download, Upload

FILE_STREAM = re.compile(r"/files/([^/]+)/([^/]+)/([^/]+)/file_stream")
CONTENT = re.compile(r"/artifacts(?:V2)?/.*?([0-9a-f]{32})(?:/([^/]+))?")
TELEMETRY = "/sdk/otel/v1/metrics"
RESET = struct.pack("ii", 1, 0)


class Cut(Exception):
    """The connection ends here."""


class Answered(Exception):
    """A fault has answered the request."""


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1, and can end its connections at once."""

    daemon_threads = False  # `server_close` waits for their end
    request_queue_size = 128

    def __init__(self, application: Application, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.application = application
        self.is_stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on, and cut those that there are."""
        self.is_stopping.set()
        self.shutdown()
        with contextlib.suppress(OSError):
            # A process that was forked from this one holds the listener, too; this ends it for both.
            self.socket.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    connection.shutdown(socket.SHUT_RDWR)
        self.application.faults.release()
        self.server_close()
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, and serve it in a thread of its own."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection, and close it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A mistake of the service itself is a problem, not a line on a terminal that nobody reads."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.application.problem(f"the service failed: {traceback.format_exc()}")


class Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The method of every HTTP verb is this one.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the service keeps its own record."""

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self._application = self.server.application
        self._request = self._application.new_request(self.command, path)
        try:
            self._route(path)
        except Answered:
            pass
        except (Cut, OSError):
            self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def _route(self, path: str) -> None:
        stream, content = FILE_STREAM.fullmatch(path), CONTENT.fullmatch(path)
        if self.command == "POST" and path == "/graphql":
            self._graphql()
        elif self.command == "POST" and stream:
            self._file_stream(*stream.groups())
        elif self.command in ("PUT", "GET") and path.startswith(PREFIX):
            self._transfer(path)
        elif self.command == "GET" and content:
            self._content(*content.groups())
        elif self.command == "POST" and path == TELEMETRY:
            self._read_body()
            self._meet("telemetry")
            self._answer(404)
        else:
            self._application.problem(f"{self.command} {path}: the path is unknown")
            self._read_body()
            self._meet("unknown")
            self._answer(404)

    def _graphql(self) -> None:
        body = self._read_body()
        try:
            sent = json.loads(body)
            document = parse_document(sent["query"])
        except (DocumentError, ValueError, KeyError) as error:
            self._application.problem(f"graphql: {error}")
            self._answer(400, failure(str(error)))
            return
        fault = self._meet(document.operation, is_graphql=True)
        if self._is_authorized():
            status, answer = self._application.graphql(document, sent.get("variables") or {})
            self._answer(status, answer, fault)

    def _file_stream(self, entity: str, project: str, run: str) -> None:
        body = self._read_body()
        fault = self._meet("file_stream")
        if self._is_authorized():
            self._answer(self._application.file_stream(entity, project, run, json.loads(body)), {}, fault)

    def _transfer(self, path: str) -> None:
        leave = self._application.transfers.leave(path)
        if isinstance(leave, Upload) and self.command == "PUT":
            self._upload(leave)
        elif isinstance(leave, Download) and self.command == "GET":
            self._download(leave)
        else:
            self._application.problem(f"{self.command} {path}: no such address was handed out")
            self._read_body()
            self._answer(403)

    def _content(self, hexadecimal: str, name: str | None) -> None:
        file = self._application.content(hexadecimal)
        if not self._is_authorized():
            return
        if file is None:
            self._meet("download", file=name or "")
            self._answer(404)
        else:
            self._download(Download("download", name or hexadecimal, file))

    def _is_authorized(self) -> bool:
        authorized = self._application.authorizes(self.headers.get("Authorization"))
        if not authorized:
            self._answer(401, failure("the API key is not valid"))
        return authorized

    def _meet(self, operation: str, *, is_graphql: bool = False, file: str = "") -> Fault | None:
        """Let the request meet its fault; those that change the answer are returned."""
        self._request.operation, self._request.file = operation, file
        fault, self._released = self._application.faults.met_by(operation, is_graphql, file)
        if fault is None:
            return None
        if fault.act == "refuse":
            raise Cut
        if fault.act == "hang":
            self._released.wait()
            return None
        if fault.act == "answer":
            self._refuse_with(fault)
        return fault

    def _refuse_with(self, fault: Fault) -> NoReturn:
        if self.command == "PUT":
            # An answer before the body was read would be lost in the reset that follows it.
            self._copy(self.rfile.read, len, self._body_length(), None)
        self._answer(fault.status, failure(fault.message))
        raise Answered

    def _upload(self, leave: Upload) -> None:
        fault = self._meet(leave.operation, file=leave.name)
        digest = md5(usedforsecurity=False)
        part = leave.path.with_name(f"{leave.path.name}-{self._request.number}{PART_SUFFIX}")
        size = self._body_length()

        def keep(data: bytes) -> None:
            digest.update(data)
            kept.write(data)
            self._request.bytes_received += len(data)

        try:
            with part.open("wb") as kept:
                self._copy(self.rfile.read, keep, size, fault)
            found = b64encode(digest.digest()).decode()
            is_right = {self.headers.get("Content-MD5"), leave.digest} <= {None, found}
            if is_right:
                part.replace(leave.path)
        finally:
            part.unlink(missing_ok=True)
        if not is_right:
            self._answer(400, text="<Error><Code>BadDigest</Code></Error>")
            return
        with self._application.lock:
            leave.stored(StoredFile(size, found, leave.path))
        self._answer(200)

    def _download(self, leave: Download) -> None:
        fault = self._meet(leave.operation, file=leave.name)
        if fault is not None and fault.act == "rename":
            self._answer(200, wrong_manifest(json.loads(leave.file.path.read_bytes()), fault.file))
            return
        size = leave.file.size
        first, end = self._range(size)
        self._begin(
            200 if (first, end) == (0, size) else 206, end - first, {"Content-Range": f"bytes {first}-{end - 1}/{size}"}
        )
        with leave.file.path.open("rb") as kept:
            kept.seek(first)
            read: Callable[[int], bytes] = kept.read
            if fault is not None and fault.act == "flip":
                read = flipped_at_end(kept.read, end - first)
            self._copy(read, self._send, end - first, fault)

    def _range(self, size: int) -> tuple[int, int]:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return 0, size
        return int(asked[1]), min(int(asked[2]) + 1, size) if asked[2] else size

    def _copy(
        self, read: Callable[[int], bytes], write: Callable[[bytes], Any], size: int, fault: Fault | None
    ) -> None:
        """Move `size` bytes, as fast and as far as the fault lets them."""
        moved = 0
        pace = fault.number if fault is not None and fault.act == "throttle" else None
        last = fault.number if fault is not None and fault.act == "cut" else size
        while moved < size:
            data = read(min(PART, min(size, last) - moved, pace // 20 + 1 if pace else PART))
            if not data:
                raise Cut
            write(data)
            moved += len(data)
            if pace:
                self._released.wait(len(data) / pace)
                if self.server.is_stopping.is_set():
                    raise Cut

    def _read_body(self) -> bytes:
        body = self.rfile.read(self._body_length())
        self._request.bytes_received = len(body)
        self._application.keep_body(body)
        return body

    def _body_length(self) -> int:
        if "Transfer-Encoding" in self.headers:
            self._application.problem(f"{self.command} {self._request.path}: a body without a length")
            raise Cut
        return int(self.headers.get("Content-Length", 0))

    def _answer(self, status: int, value: Any = None, fault: Fault | None = None, text: str = "") -> None:
        body = text.encode() if value is None else json.dumps(value).encode()
        self._begin(status, len(body), {})
        self._copy(io.BytesIO(body).read, self._send, len(body), fault)

    def _begin(self, status: int, length: int, headers: dict[str, str]) -> None:
        if self.server.is_stopping.is_set():
            raise Cut
        self._request.status = status
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self._request.bytes_sent += len(data)


def flipped_at_end(read: Callable[[int], bytes], size: int) -> Callable[[int], bytes]:
    """Reads as `read` does, with a bit of the last of `size` bytes flipped."""
    left = size

    def reading(count: int) -> bytes:
        nonlocal left
        data = bytearray(read(count))
        left -= len(data)
        if left == 0 and data:
            data[-1] ^= 1
        return bytes(data)

    return reading


def wrong_manifest(manifest: dict[str, Any], file: str | None) -> dict[str, Any]:
    """The manifest with another digest for `file`, or for every file where it is None."""
    for name, entry in manifest["contents"].items():
        if file in (None, name):
            entry["digest"] = b64encode(md5(entry["digest"].encode(), usedforsecurity=False).digest()).decode()
    return manifest
