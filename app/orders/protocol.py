"""What a client is told that does not speak HTTP: the one error shape, the version and an id here too."""

import logging
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from orders import logs
from orders.problems import Problem

log = logging.getLogger("orders.protocol")


def http_protocol(*, version: str, image_digest: str | None) -> type[H11Protocol]:
    """uvicorn's HTTP, whose own answer to a malformed request is bare text without the version."""

    class Protocol(H11Protocol):
        def send_400_response(self, msg: str) -> None:
            identity = logs.new_request_id()
            token = logs.request_id.set(identity)
            answer = Problem(HTTPStatus.BAD_REQUEST, msg).response()
            log.info("what came is no HTTP", extra={"status": answer.status_code})
            logs.request_id.reset(token)
            answer.headers["X-Service-Version"] = version
            if image_digest is not None:
                answer.headers["X-Image-Digest"] = image_digest
            answer.headers["X-Request-Id"] = identity
            answer.headers["Connection"] = "close"
            head = h11.Response(status_code=400, headers=answer.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Protocol
