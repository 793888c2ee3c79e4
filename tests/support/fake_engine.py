"""An engine that takes a build context and builds nothing: what the Docker command line sends."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread

Ask = Callable[[Path], set[str] | None]
"""A directory -> the names that `docker build` sends of it, None where the command line refuses."""


class _Engine(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    context: bytes | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Engine

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"OK" if self.path.endswith("_ping") else b"{}")

    def do_POST(self) -> None:
        self.server.context = b"".join(self._chunks())
        self._answer(json.dumps({"stream": "sha256:1"}).encode())

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (("Api-Version", "1.41"), ("Ostype", "linux"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def listening(socket: Path, variables: Mapping[str, str]) -> Iterator[Ask]:
    """Listen at a socket while the caller asks what `docker build` sends. variables: its environment."""
    with _Engine(str(socket), _Handler) as engine:
        Thread(target=engine.serve_forever, daemon=True).start()

        def ask(directory: Path) -> set[str] | None:
            engine.context = None
            command = ["docker", "--host", f"unix://{socket}", "build", "--quiet", str(directory)]
            subprocess.run(command, env=dict(variables), capture_output=True, timeout=60)
            if engine.context is None:
                return None
            with tarfile.open(fileobj=io.BytesIO(engine.context)) as tar:
                return {member.name.rstrip("/") for member in tar.getmembers()}

        try:
            yield ask
        finally:
            engine.shutdown()
