"""The process that answers as AWS: MiniStack on 127.0.0.1, with the modules of the local AWS registered.

`local up` starts `python -m local_aws.server --state DIR`, and `local down` ends it with SIGTERM.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from local_aws.access.browser_guard import AsgiApp, refuse_browsers
from local_aws.checkout import Checkout, for_checkout
from local_aws.emulator.application import application as emulator

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the others waiting. With Python's own 5 ms a thread that saves records holds up
each step of the load balancer's requests for as long.
"""
MODULES = (
    "ecr",
    "ssm",
    "rds.instances",
    "rds.log_groups",
    "ecs.api.wiring",
    "elb.balancers",
    "cloudwatch.alarms",
    "cloudformation.supported_properties",
    "cloudformation.references",
    "cloudformation.property_refusals",
    "cloudformation.stack_refusals",
    "cloudformation.events",
    "cloudformation.template_text",
    "cloudformation.physical_names",
    "cloudformation.template_urls",
    "cloudformation.nested_stacks",
    "cloudformation.drift",
    "cloudformation.replacements",
    "access.account",
    "cloudformation.stack_policies",
    "access.web_identity",
    "access.permissions",
    "access.own_checkout",
)


def with_hooks(
    app: AsgiApp, start: Callable[[], Awaitable[None]], shutdown: Callable[[], Awaitable[None]]
) -> AsgiApp:
    """An application that runs `start` after the start of `app`, and `shutdown` before the end of `app`."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def receive_message() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await shutdown()
            return message

        async def send_message(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                await start()
            await send(message)

        await app(scope, receive_message, send_message)

    return wrapped


def application(checkout: Checkout) -> AsgiApp:
    """MiniStack with all MODULES registered. It restores the records when it starts, and saves them."""
    app = emulator(checkout)
    from local_aws.emulator.persistence import State
    from local_aws.emulator.registry import Registry

    registry = Registry(checkout)
    for name in MODULES:
        import_module(f"local_aws.{name}").register(registry)

    state = State(registry)

    async def start() -> None:
        state.restore()
        await registry.start()
        state.begin()

    async def shutdown() -> None:
        await registry.shutdown()
        await asyncio.to_thread(state.end)

    return with_hooks(refuse_browsers(app), start, shutdown)


def serve(checkout: Checkout) -> None:
    """Answer requests until SIGTERM or SIGINT."""
    app = application(checkout)
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{checkout.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 5
    config.errorlog = logging.getLogger("slipway.local")

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)

        async def until_ended() -> None:
            await ended.wait()

        await hypercorn_serve(app, config, shutdown_trigger=until_ended)
        # The records are saved. asyncio.run would wait for the thread of every stack that waits.
        logging.shutdown()
        os._exit(0)

    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local_aws.server")
    parser.add_argument("--state", type=Path, required=True, help="the checkout's .slipway directory")
    serve(for_checkout(parser.parse_args().state.resolve().parent))


if __name__ == "__main__":
    main()
