"""The command line: `orders serve | migrate | health`, and what each exits with.

0 done; 1 it failed and one line says why; 2 the command or the settings are wrong; 143 a migration was
stopped.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

USAGE = "usage: orders serve | migrate | health"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit. Imports are late: `health` runs every few seconds and must stay cheap."""
    match list(sys.argv[1:] if arguments is None else arguments):
        case ["serve"]:
            _end_on_sigterm(code=0)
            _serve()
        case ["migrate"]:
            # Not done, so not 0: the task must not go on as if it were.
            _end_on_sigterm(code=143)
            _migrate()
        case ["health"]:
            _health()
        case ["-h" | "--help"]:
            print(USAGE)
        case _:
            _fail(USAGE, code=2)


def _end_on_sigterm(*, code: int) -> None:
    """Process 1 of a container does not hear SIGTERM unless it says what to do: the kernel has no default."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))


def _serve() -> None:
    from orders.logs import configure_logs
    from orders.server import ListenError, serve
    from orders.settings import SettingsError, read_settings

    try:
        settings = read_settings()
        configure_logs(level=settings.log_level, version=settings.service_version)
        serve(settings)
    except SettingsError as error:
        _fail(f"orders: {error}", code=2)
    except ListenError as error:
        _fail(f"orders: {error}")


def _migrate() -> None:
    import logging

    from orders.database import make_migration_engine
    from orders.logs import configure_logs
    from orders.migrate import MigrationError, migrate
    from orders.settings import SettingsError, read_settings

    log = logging.getLogger("orders.migrate")
    try:
        settings = read_settings()
        configure_logs(level=settings.log_level, version=settings.service_version)
        migrate(
            make_migration_engine(settings),
            database=settings.database_name,
            wait_seconds=settings.migrate_wait_seconds,
        )
    except SettingsError as error:
        _fail(f"orders: {error}", code=2)
    except MigrationError as error:
        _fail(f"orders: {error}")
    except Exception as error:  # a migration is anybody's code
        log.exception("a migration failed")
        _fail(f"orders: a migration failed: {type(error).__name__}: {error}")


def _health() -> None:
    """The container's own health check: is the process alive? Asks nothing of the database."""
    from http.client import HTTPConnection

    try:
        port = int(os.environ.get("ACTUATOR_PORT", "8081"))
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        _fail("orders: ACTUATOR_PORT is wrong: it must be a number from 1 to 65535", code=2)
    connection = HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/actuator/health/liveness")
        status = connection.getresponse().status
    except OSError as error:
        _fail(f"orders: not alive: {error}")
    if status != 200:
        _fail(f"orders: not alive: HTTP {status}")


def _fail(line: str, *, code: int = 1) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(code)
