"""Which ports of a target are open, to say what a health check on another port did not find."""

import asyncio
import socket
from errno import ECONNREFUSED

# Linux takes ports from 32768 on for outgoing connections.
_PORTS = range(1, 32768)
_SHOWN = 8
_SECONDS = 0.2


async def words(address: str) -> str:
    """`open are 8080, 8081`, or `no port is open`. Takes one to three seconds, on a thread of its own."""
    found = await asyncio.to_thread(_open, address)
    return f"open are {', '.join(map(str, found))}" if found else "no port is open"


def _open(address: str) -> list[int]:
    found: list[int] = []
    for port in _PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            one.settimeout(_SECONDS)
            try:
                answer = one.connect_ex((address, port))
            except OSError:
                return found
        if answer == 0:
            found.append(port)
        if len(found) == _SHOWN or answer not in (0, ECONNREFUSED):
            return found  # the target has gone, or does not say which of its ports are closed
    return found
