"""The local AWS refuses web pages: a browser on this machine must not give a page access to the API.

The API takes any credentials, gives out secrets and answers every origin, because it is for programs of this
machine. A web page sends an Origin, or a Sec-Fetch-Site when it loads a picture, or uses another host name
that leads to 127.0.0.1. SDKs, `docker push` and the Docker engine do none of these.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def refuse_browsers(app: AsgiApp) -> AsgiApp:
    """An application that answers 403 to a web page, and lets `app` answer all other requests."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        why = refusal(scope["headers"]) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": f"{why}\n".encode()})

    return guarded


def refusal(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Why a request with these headers (names in lower case) is refused, None when it is not."""
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    if "origin" in given or given.get("sec-fetch-site", "none") != "none":
        return "the local AWS answers no web pages"
    host = given.get("host", "").lower()
    name, _, port = host.rpartition(":")
    name = name if port.isdigit() else host
    local = name in LOCAL_NAMES or name.endswith(".localhost")
    return None if local else "the local AWS is called localhost, and nothing else"
