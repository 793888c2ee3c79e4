"""The real port that stands for a load balancer's listener, reserved when the load balancer is created.

The first load balancer's port 80 is http://localhost:8080, or the next free port when 8080 is taken. The port
is remembered in .slipway/ until `local down`, so that a URL stays the same over restarts and releases.
SLIPWAY_LOCAL_HTTP_PORT sets the port of the first load balancer exactly.
"""

import errno
import json
import socket
import threading
from pathlib import Path

from local_aws.checkout import PREFERRED_HTTP_PORT, Checkout, replace_file
from pipeline.errors import PortInUseError

TAKE_DOWN = "stop what listens there, or give up what is deployed here: python -m pipeline local down"


class Ports:
    """Bound sockets by load balancer and listener port, "<ARN>:80".

    exact: the port that the first listener on port 80 must have.
    """

    def __init__(self, remembered_in: Path, exact: int | None = None) -> None:
        self._file = remembered_in
        self._exact = exact
        self._sockets: dict[str, socket.socket] = {}
        self._known = remembered(remembered_in)
        self._lock = threading.RLock()

    def reserve(self, load_balancer: str, listener_port: int = 80) -> int:
        """The port for a listener. The port is bound from now on, so that no other program gets it.

        Raises PortInUseError when the port that was asked for is taken, or none is free.
        """
        name = f"{load_balancer}:{listener_port}"
        with self._lock:
            if name not in self._sockets:
                self._sockets[name] = self._bind(name, listener_port)
                self._write({**self._known, name: self.port(name)})
            return self.port(name)

    def take(self, load_balancer: str, listener_port: int) -> socket.socket:
        """A copy of the socket to listen on: the port stays reserved when the listener stops."""
        self.reserve(load_balancer, listener_port)
        return self._sockets[f"{load_balancer}:{listener_port}"].dup()

    def keep_only(self, load_balancers: set[str]) -> None:
        """Free the ports of all other load balancers, because they are deleted."""
        with self._lock:
            gone = [
                name
                for name in {**self._sockets, **self._known}
                if name.rpartition(":")[0] not in load_balancers
            ]
            for name in gone:
                if name in self._sockets:
                    self._sockets.pop(name).close()
            if gone:
                self._write({name: port for name, port in self._known.items() if name not in gone})

    def port(self, name: str) -> int:
        number: int = self._sockets[name].getsockname()[1]
        return number

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()

    def _bind(self, name: str, listener_port: int) -> socket.socket:
        known = self._known.get(name)
        if known is not None:
            return _bound(known, TAKE_DOWN)
        mine = [self.port(one) for one in self._sockets]
        if self._exact is not None and listener_port == 80 and self._exact not in mine:
            return _bound(
                self._exact,
                "stop what listens there, or choose another SLIPWAY_LOCAL_HTTP_PORT: "
                "python -m pipeline local down, then up",
            )
        preferred = PREFERRED_HTTP_PORT if listener_port < 1024 else listener_port
        for port in range(preferred, preferred + 200):
            try:
                return _bound(port)
            except PortInUseError:
                continue
        raise PortInUseError(
            f"no port from {preferred} to {preferred + 199} is free",
            next_step="stop what listens on some of them",
        )

    def _write(self, remembered: dict[str, int]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._file, json.dumps(remembered, indent=2).encode() + b"\n")
        self._known = remembered


def ports_file(checkout: Checkout) -> Path:
    """The file that remembers a checkout's ports."""
    return checkout.state_directory / "load-balancers.json"


def remembered(file: Path) -> dict[str, int]:
    """The ports that the file remembers, by load balancer and listener port."""
    try:
        known: dict[str, int] = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def is_bindable(port: int) -> bool:
    """Whether a listener could have this port now."""
    try:
        _bound(port).close()
    except PortInUseError:
        return False
    return True


def _bound(port: int, next_step: str = "stop what listens there") -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Without SO_REUSEADDR, connections of a server that just stopped hold the port for a minute.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        # Linux lets two sockets bind one port as long as neither listens. Until a listener accepts, a client
        # waits, as one does at AWS in front of a load balancer without listeners.
        sock.listen(1024)
        refuse_taken_on_ipv6(port)
    except OSError as error:
        sock.close()
        raise PortInUseError(
            f"port {port} is in use",
            why=error.strerror or str(error),
            next_step=next_step,
        ) from error
    return sock


def refuse_taken_on_ipv6(port: int) -> None:
    """Raise OSError when a program listens on [::1]:port: "localhost" leads to that program first."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("::1", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # anything else: this machine has no IPv6
            raise
