"""What one health check says of a target, over the loopback."""

import asyncio
import socket
from collections.abc import Iterator

import aiohttp
import pytest

from local_aws.elb import open_ports
from local_aws.elb.health_checks import HealthChecks, check_once
from local_aws.elb.target_groups import Target, TargetGroups
from local_aws.elb.target_health import Health, HealthCheck, Outcome


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nothing listens on, for as long as it is bound."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_connection_that_is_refused_is_said_beside_the_words_of_aws(closed_port: int) -> None:
    async def check() -> Outcome:
        async with aiohttp.ClientSession() as session:
            return await check_once(session, Target("127.0.0.1", closed_port, Health()), HealthCheck())

    assert Outcome("Target.FailedHealthChecks", "Health checks failed: connection refused") == asyncio.run(
        check()
    )


def test_a_target_that_turns_unhealthy_by_a_refusal_is_told_with_its_open_ports(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def words(address: str) -> str:
        asked.append(address)
        return "open are 8080, 9081"

    monkeypatch.setattr(open_ports, "words", words)
    groups = TargetGroups()
    groups.register("group", "127.0.0.1", closed_port)
    [target] = groups.targets("group")
    strict = HealthCheck(interval=0.01, unhealthy_threshold=3)

    async def watch() -> None:
        async with aiohttp.ClientSession() as session:
            checks = HealthChecks(groups, lambda _: strict, session)
            checks.settle()
            while target.health.state != "unhealthy" or target.health.failures < 5:
                await asyncio.sleep(0.01)
            checks.stop()

    asyncio.run(asyncio.wait_for(watch(), 10))

    assert "Health checks failed: connection refused; open are 8080, 9081" == target.health.description
    assert ["127.0.0.1"] == asked


def test_the_open_ports_are_named_and_none_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held, socket.socket() as closed:
        held.bind(("127.0.0.1", 0))
        held.listen()
        closed.bind(("127.0.0.1", 0))
        number, other = held.getsockname()[1], closed.getsockname()[1]
        monkeypatch.setattr(open_ports, "_PORTS", [number, other])
        found = asyncio.run(open_ports.words("127.0.0.1"))
        monkeypatch.setattr(open_ports, "_PORTS", [other])
        none = asyncio.run(open_ports.words("127.0.0.1"))

    assert (f"open are {number}", "no port is open") == (found, none)
