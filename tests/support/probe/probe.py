"""A service of forty lines for the tests of the local AWS: what it does is set by environment variables.

VERSION is answered on 8080, health on 8081 (UNHEALTHY=1 makes that 503). CRASH=1: says why and exits with 3.
ERRORS=1: every answer to GET / is 500, health stays good.
GET /slow?seconds=N answers after N seconds; POST /echo gives the body back; GET /env/NAME a variable.
"""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

VERSION = os.environ.get("VERSION", "1")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    timeout = 75

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("X-Service-Version", VERSION)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.server.server_address[1] == 8081:
            self.answer(503 if os.environ.get("UNHEALTHY") else 200, b"health")
        elif url.path == "/slow":
            time.sleep(float(parse_qs(url.query)["seconds"][0]))
            self.answer(200, b"slow")
        elif url.path.startswith("/env/"):
            self.answer(200, os.environ.get(url.path[5:], "").encode())
        elif url.path == "/headers":
            self.answer(200, str(self.headers).encode())
        else:
            self.answer(500 if os.environ.get("ERRORS") else 200, VERSION.encode())

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.answer(201, self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    print(f"probe {VERSION} starts", flush=True)
    if os.environ.get("CRASH"):
        print("last words: cannot go on", flush=True)
        sys.exit(3)
    servers = [Server(("0.0.0.0", port), Handler) for port in (8080, 8081)]  # noqa: S104
    signal.signal(signal.SIGTERM, lambda *_: (print("probe stops", flush=True), os._exit(0)))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()


main()
