"""Ports for tests that must choose one. Each worker of a run has a block of its own: no two choose the same.

The blocks lie below the ports that the system hands out, so that nothing takes one while its server is away.
"""

import os
import socket
from contextlib import closing
from itertools import count

FIRST, BLOCK, WORKERS = 20_000, 1_000, 12
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_chosen = count(os.getpid())  # another run on this machine begins somewhere else in the block


def free_port() -> int:
    """A port of this worker's block on which nothing listens; another one each time."""
    for _ in range(BLOCK):
        port = FIRST + BLOCK * _WORKER + next(_chosen) % BLOCK
        with closing(socket.socket()) as sock:
            if sock.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError(f"no free port in the block of worker {_WORKER}")
