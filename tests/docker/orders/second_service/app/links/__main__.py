"""The command line: `service serve | migrate | health`. 0 done, 1 failed in one line, 2 not understood."""

import sys
from http.client import HTTPConnection

import pymysql


def main(arguments: list[str]) -> int | str:
    match arguments:
        case ["serve"]:
            from links.server import serve

            return serve()
        case ["migrate"]:
            from links.store import migrate

            try:
                return migrate()
            except (TimeoutError, pymysql.Error) as error:
                return f"links: the migration failed: {error}"
        case ["health"]:
            connection = HTTPConnection("127.0.0.1", 8081, timeout=3)
            try:
                connection.request("GET", "/actuator/health/liveness")
                return 0 if connection.getresponse().status == 200 else 1
            except OSError as error:
                return f"links: not alive: {error}"
    print("usage: service serve | migrate | health", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
