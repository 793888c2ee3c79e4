"""What the person at the keyboard may choose, by environment variables: ports, a minute, the account."""

import socket
from collections.abc import Mapping
from dataclasses import replace

from local_aws.checkout import PREFERRED_PORT, Checkout, has_records, is_remembered
from local_aws.ports import TAKE_DOWN, is_bindable, ports_file, refuse_taken_on_ipv6, remembered
from pipeline.errors import LocalAwsError, PortInUseError, UsageError

ACCOUNT_VARIABLE = "SLIPWAY_LOCAL_ACCOUNT"
MINUTE_VARIABLE = "SLIPWAY_LOCAL_MINUTE_SECONDS"


def choose(checkout: Checkout, environ: Mapping[str, str]) -> Checkout:
    """The checkout with its port: the one asked for, the one remembered, or the first free from 4566 on.

    Raises PortInUseError when the port asked for is taken, or one that the saved records hold.
    """
    asked = asked_port(environ, "SLIPWAY_LOCAL_PORT")
    if has_records(checkout):
        if asked is not None:
            _refuse_another_port("SLIPWAY_LOCAL_PORT", asked, checkout.port)
        _refuse_taken(checkout)
    checkout = replace(
        checkout,
        http_port=asked_port(environ, "SLIPWAY_LOCAL_HTTP_PORT") or checkout.http_port,
        minute_seconds=asked_minute(environ) or checkout.minute_seconds,
        account=asked_account(environ) or checkout.account,
    )
    if asked is not None:
        if not is_free(asked):
            raise PortInUseError(
                f"port {asked} is taken",
                why="SLIPWAY_LOCAL_PORT asks for it, but another program listens there",
                next_step="stop that program, or unset SLIPWAY_LOCAL_PORT to have a free port chosen",
            )
        return replace(checkout, port=asked)
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
    account = asked_account(environ)
    if account is not None and account != checkout.account:
        raise LocalAwsError(
            f"the local AWS already runs as another account than {ACCOUNT_VARIABLE}={account}",
            why=f"its account is {checkout.account}",
            next_step="python -m pipeline local down, then up again",
        )
    minute = asked_minute(environ)
    if minute is not None and minute != checkout.minute_seconds:
        raise LocalAwsError(
            f"the local AWS already runs with another minute than {MINUTE_VARIABLE}={minute:g}",
            why=f"its minute has {checkout.minute_seconds:g} seconds",
            next_step="python -m pipeline local down, then up again",
        )
    chosen = {
        "SLIPWAY_LOCAL_PORT": checkout.port,
        "SLIPWAY_LOCAL_HTTP_PORT": checkout.http_port,
    }
    for variable, value in chosen.items():
        asked = asked_port(environ, variable)
        if asked is not None:
            _refuse_another_port(variable, asked, value)


def _refuse_another_port(variable: str, asked: int, has: int | None) -> None:
    if asked != has:
        raise LocalAwsError(
            f"this local AWS has another port than {variable}={asked}",
            why=f"its port is {has}" if has else "it was started without that setting",
            next_step="python -m pipeline local down, then up again",
        )


def asked_port(environ: Mapping[str, str], variable: str) -> int | None:
    """The port that `variable` sets, None when it is unset or empty. Raises UsageError when it is no port."""
    value = environ.get(variable, "")
    if not value:
        return None
    if value.isascii() and value.isdigit() and 0 < int(value) < 65536:
        return int(value)
    raise UsageError(
        f"{variable} is not a port: {value!r}", next_step=f"set {variable} to a number from 1 to 65535"
    )


def asked_account(environ: Mapping[str, str]) -> str | None:
    """The account from SLIPWAY_LOCAL_ACCOUNT, None when it is unset or empty. Raises UsageError."""
    value = environ.get(ACCOUNT_VARIABLE, "")
    if not value or (len(value) == 12 and value.isascii() and value.isdigit()):
        return value or None
    raise UsageError(
        f"{ACCOUNT_VARIABLE} is not an AWS account: {value!r}", next_step="set it to a number of 12 digits"
    )


def asked_minute(environ: Mapping[str, str]) -> float | None:
    """Real seconds per AWS minute from SLIPWAY_LOCAL_MINUTE_SECONDS, None when unset. Raises UsageError."""
    value = environ.get(MINUTE_VARIABLE, "")
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= 60:
        return seconds
    raise UsageError(
        f"{MINUTE_VARIABLE} is not a number of seconds: {value!r}",
        next_step="set it to a number above 0 and up to 60",
    )
