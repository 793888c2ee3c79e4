import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from orders.cli import main


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(str(left.value.code))


@pytest.mark.parametrize("arguments", [[], ["start"], ["serve", "now"]])
def test_an_unknown_command_shows_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = exit_code(*arguments)

    assert 2 == code
    assert "usage: orders serve | migrate | health\n" == capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_wrong_settings_are_one_line_and_exit_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = exit_code(command)

    (line,) = capsys.readouterr().err.splitlines()
    assert 2 == code
    assert line.startswith("orders: DATABASE_HOST is missing; DATABASE_NAME is missing")


@pytest.fixture
def actuator_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A stand-in for the actuator; what it answers with is the list's only item."""
    statuses = [200]

    class Liveness(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses[0] if self.path == "/actuator/health/liveness" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Liveness) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setenv("ACTUATOR_PORT", str(server.server_port))
        yield statuses
        server.shutdown()


def test_health_is_well_when_the_process_answers(actuator_port: list[int]) -> None:
    main(["health"])


def test_health_fails_when_the_answer_is_not_200(
    actuator_port: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    actuator_port[0] = 503

    assert 1 == exit_code("health")
    assert "orders: not alive: HTTP 503\n" == capsys.readouterr().err


def test_health_fails_when_nobody_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACTUATOR_PORT", "1")

    assert 1 == exit_code("health")
    assert "orders: not alive: " in capsys.readouterr().err


@pytest.mark.parametrize("port", ["x", "", "0", "65536"])
def test_health_with_a_wrong_port_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    monkeypatch.setenv("ACTUATOR_PORT", port)

    assert 2 == exit_code("health")
    assert "orders: ACTUATOR_PORT is wrong: it must be a number from 1 to 65535\n" == capsys.readouterr().err


def orders(command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "orders", command],
        env={
            "PYTHONPATH": "app",
            "DATABASE_HOST": "nowhere",
            "DATABASE_NAME": "orders",
            "DATABASE_USER": "orders",
            "DATABASE_PASSWORD": "x",
            **settings,
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.processes
def test_a_port_in_use_is_one_line_and_exit_1() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - the service listens everywhere too
        port = taken.getsockname()[1]
        done = orders("serve", API_PORT=str(port))

    assert (1, f"orders: port {port} can't be listened on: Address already in use\n") == (
        done.returncode,
        done.stderr,
    )


@pytest.mark.processes
def test_a_migration_that_fails_in_an_unforeseen_way_is_one_line_and_exit_1() -> None:
    done = orders("migrate", DATABASE_HOST="db..internal")

    (line,) = done.stderr.splitlines()
    assert 1 == done.returncode
    assert line.startswith("orders: a migration failed: Unicode")
