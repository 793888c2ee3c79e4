"""A load client: connections that stay open, each with one request under way at a time."""

import re
import selectors
import socket
import statistics
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What one run of the client saw. Times are seconds."""

    times: list[float]
    seconds: float

    @property
    def median_milliseconds(self) -> float:
        return statistics.median(self.times) * 1000

    @property
    def requests_per_second(self) -> float:
        return len(self.times) / self.seconds


@dataclass
class _Connection:
    socket: socket.socket
    request: bytes
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self) -> None:
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.request)

    def receive(self) -> bool:
        """Read what is there; True once the answer is complete. Raises ConnectionError unless it is a 200."""
        chunk = self.socket.recv(65536)
        self.received += chunk
        head, end, body = bytes(self.received).partition(b"\r\n\r\n")
        if not chunk or (end and not head.startswith(b"HTTP/1.1 200 ")):
            raise ConnectionError(f"no 200 but {head.decode(errors='replace')!r}")
        length = LENGTH.search(head + b"\r\n")
        return bool(end) and length is not None and len(body) == int(length[1])


def load(url: str, *, connections: int, seconds: float) -> Load:
    """GET `url` over and over for so many seconds."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    times: list[float] = []
    with selectors.DefaultSelector() as selector:
        opened = [
            _Connection(socket.create_connection(address, timeout=30), request) for _ in range(connections)
        ]
        try:
            begun = time.perf_counter()
            for connection in opened:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send()
            while time.perf_counter() < begun + seconds:
                for key, _ in selector.select(timeout=seconds):
                    if key.data.receive():
                        times.append(time.perf_counter() - key.data.sent_at)
                        key.data.send()
            return Load(times, time.perf_counter() - begun)
        finally:
            for connection in opened:
                connection.socket.close()
