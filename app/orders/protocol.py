"""What a client is told that does not speak HTTP: the one error shape and the version here too."""

from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from orders.problems import Problem


def http_protocol(*, version: str) -> type[H11Protocol]:
    """uvicorn's HTTP, whose own answer to a malformed request is bare text without the version."""

    class Protocol(H11Protocol):
        def send_400_response(self, msg: str) -> None:
            answer = Problem(HTTPStatus.BAD_REQUEST, msg).response()
            answer.headers["X-Service-Version"] = version
            answer.headers["Connection"] = "close"
            head = h11.Response(status_code=400, headers=answer.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Protocol
