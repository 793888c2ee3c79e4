"""Ports for tests."""

import secrets
import socket


def free_port() -> int:
    """A port on which nobody listens.

    It lies below those that the system gives to outgoing connections and to whoever binds port 0. So it stays
    free until the test binds it, whatever else this machine does.
    """
    while True:
        port = 10_000 + secrets.randbelow(10_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
