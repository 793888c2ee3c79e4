"""What the person at the keyboard may choose, by environment variables: ports, a minute, the account."""

import socket
from collections.abc import Mapping
from dataclasses import replace

from local_aws.checkout import PREFERRED_PORT, Checkout, has_records, is_remembered
from local_aws.host import variables
from local_aws.host.variables import variable
from local_aws.ports import TAKE_DOWN, is_bindable, ports_file, refuse_taken_on_ipv6, remembered
from pipeline.errors import LocalAwsError, PortInUseError


def choose(checkout: Checkout, environ: Mapping[str, str]) -> Checkout:
    """The checkout with its port: the one asked for, the one remembered, or the first free from 4566 on.

    Raises PortInUseError when the port asked for is taken, or one that the saved records hold.
    """
    asked = variables.read(environ)
    if has_records(checkout):
        _refuse_another_port("port", asked.port, checkout.port)
        _refuse_taken(checkout)
    checkout = replace(
        checkout,
        http_port=asked.http_port or checkout.http_port,
        minute_seconds=asked.minute_seconds or checkout.minute_seconds,
        account=asked.account or checkout.account,
    )
    if asked.port is not None:
        if not is_free(asked.port):
            raise PortInUseError(
                f"port {asked.port} is taken",
                why="SLIPWAY_LOCAL_PORT asks for it, but another program listens there",
                next_step="stop that program, or unset SLIPWAY_LOCAL_PORT to have a free port chosen",
            )
        return replace(checkout, port=asked.port)
    wanted = checkout.port if is_remembered(checkout) else PREFERRED_PORT
    for port in (wanted, *range(PREFERRED_PORT, PREFERRED_PORT + 200)):
        if is_free(port):
            return replace(checkout, port=port)
    raise PortInUseError(
        f"no port from {PREFERRED_PORT} to {PREFERRED_PORT + 199} is free",
        next_step="set SLIPWAY_LOCAL_PORT to a free port",
    )


def _refuse_taken(checkout: Checkout) -> None:
    """Repository URIs and DNS names come back with their ports: they would lead to another's."""
    balancers = set(remembered(ports_file(checkout)).values())
    for port, free in ((checkout.port, is_free), *((one, is_bindable) for one in sorted(balancers))):
        if not free(port):
            raise PortInUseError(
                f"port {port} is taken",
                why="what was deployed here has its address there, but another program listens on it",
                next_step=TAKE_DOWN,
            )


def is_free(port: int) -> bool:
    """Whether this process could listen on 127.0.0.1:port, and nobody does on all addresses or on ::1."""
    try:
        for address in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - only to see whether it is taken
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, port))
        refuse_taken_on_ipv6(port)
    except OSError:
        return False
    return True


def refuse_other_options(checkout: Checkout, environ: Mapping[str, str]) -> None:
    """Raise LocalAwsError when a running local AWS was started otherwise than asked for now."""
    asked = variables.read(environ)
    if asked.account is not None and asked.account != checkout.account:
        raise LocalAwsError(
            f"the local AWS already runs as another account than {variable('account')}={asked.account}",
            why=f"its account is {checkout.account}",
            next_step="python -m pipeline local down, then up again",
        )
    minute = asked.minute_seconds
    if minute is not None and minute != checkout.minute_seconds:
        raise LocalAwsError(
            f"the local AWS already runs with another minute than {variable('minute_seconds')}={minute:g}",
            why=f"its minute has {checkout.minute_seconds:g} seconds",
            next_step="python -m pipeline local down, then up again",
        )
    _refuse_another_port("port", asked.port, checkout.port)
    _refuse_another_port("http_port", asked.http_port, checkout.http_port)


def _refuse_another_port(name: str, asked: int | None, has: int | None) -> None:
    if asked is not None and asked != has:
        raise LocalAwsError(
            f"this local AWS has another port than {variable(name)}={asked}",
            why=f"its port is {has}" if has else "it was started without that setting",
            next_step="python -m pipeline local down, then up again",
        )
