"""No proxy (HTTP_PROXY) is asked for an address on this machine: a proxy cannot reach this machine."""

import os
from collections.abc import MutableMapping

OWN_NAMES = ("localhost", "127.0.0.1")


def leave_this_machine_out(environ: MutableMapping[str, str] = os.environ) -> None:
    """Add this machine to NO_PROXY, for this process and for the processes that it starts."""
    for name, other in (("no_proxy", "NO_PROXY"), ("NO_PROXY", "no_proxy")):
        # Where both are set, most programs read only the one in lower case.
        told = [one.strip() for one in (environ.get(name) or environ.get(other) or "").split(",")]
        given = [one for one in told if one]
        if "*" not in given:
            environ[name] = ",".join([*given, *(one for one in OWN_NAMES if one not in given)])
