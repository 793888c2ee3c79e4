"""A listener: a real TCP port on 127.0.0.1 that follows the listener's rules.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

import random
import socket
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from local_aws.elb.proxy import Passed, error_response, forward, request_headers
from local_aws.elb.rules import Request, Rule, choose, rule_for, weighted_target_groups
from local_aws.elb.target_groups import TargetGroups
from local_aws.shapes import Action


class Listener:
    """Answers on one socket. `rules()` gives the listener's rules, and is called for every request.

    So a changed rule holds from the next request on, and breaks no connection.
    """

    def __init__(
        self,
        port: int,
        rules: Callable[[], Iterable[Rule]],
        groups: TargetGroups,
        session: aiohttp.ClientSession,
        pick: Callable[[int], int] = random.randrange,
    ) -> None:
        self._port = port
        self._rules = rules
        self._groups = groups
        self._session = session
        self._pick = pick
        # When a client leaves, this cancels the request to the target.
        server = web.Server(
            self._answer,
            handler_cancellation=True,
            auto_decompress=False,
            keepalive_timeout=60,
            access_log=None,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=5)

    async def start(self, sock: socket.socket) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, sock, backlog=1024).start()

    async def stop(self) -> None:
        """Close the port. Requests in flight have 5 seconds to finish."""
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        source_ip = request.remote or "127.0.0.1"
        rule = rule_for(self._rules(), seen(request, source_ip))
        if rule is None:
            return error_response(503)
        action = max(rule["Actions"], key=lambda one: int(one.get("Order", 1)))
        if action["Type"] == "fixed-response":
            return fixed_response(action)
        if action["Type"] == "redirect":
            return redirect(action, request, self._port)
        group = choose(weighted_target_groups(action), self._pick)
        target = self._groups.take(group) if group else None
        if group is None or target is None:
            return error_response(503)
        try:
            response = await forward(
                self._session, request, target, request_headers(request, source_ip, self._port)
            )
            if isinstance(response, Passed) and response.status >= 500:
                self._groups.count_error(group)
            return response
        except ConnectionResetError:
            return error_response(502)  # the client left
        finally:
            self._groups.done(target)


def seen(request: web.BaseRequest, source_ip: str) -> Request:
    """The request for the rules: the path as it was sent, the query decoded."""
    path, _, query = request.raw_path.partition("?")
    return Request(
        method=request.method,
        path=path,
        source_ip=source_ip,
        headers=[(name.lower(), value) for name, value in request.headers.items()],
        query=parse_qsl(query, keep_blank_values=True) if query else (),
    )


def fixed_response(action: Action) -> web.Response:
    config = action["FixedResponseConfig"]
    return web.Response(
        status=int(config["StatusCode"]),
        text=config.get("MessageBody") or "",
        content_type=config.get("ContentType") or "text/plain",
        headers={"Server": "awselb/2.0"},
    )


def redirect(action: Action, request: web.BaseRequest, port: int) -> web.Response:
    """A redirect with #{protocol}, #{host}, #{port}, #{path} and #{query} filled from the request."""
    config = action["RedirectConfig"]
    given: Mapping[str, object] = config
    host, _, _ = request.host.partition(":")
    values = {
        "protocol": "http",
        "host": host,
        "port": str(port),
        "path": request.path[1:],
        "query": request.query_string,
    }

    def part(name: str, default: str) -> str:
        text = str(given.get(name) or default)
        for key, value in values.items():
            text = text.replace("#{" + key + "}", value)
        return text

    query = part("Query", "#{query}")
    location = (
        f"{part('Protocol', '#{protocol}').lower()}://{part('Host', '#{host}')}:{part('Port', '#{port}')}"
        f"{part('Path', '/#{path}')}{'?' + query if query else ''}"
    )
    status = 301 if config["StatusCode"] == "HTTP_301" else 302
    return web.Response(status=status, headers={"Location": location, "Server": "awselb/2.0"})
