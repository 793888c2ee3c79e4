import json
import logging
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from orders.metrics import Metrics
from orders.middleware import Requests, Traffic
from orders.problems import handle_problems
from prometheus_client import generate_latest
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool


class Edge:
    """The middleware around a tiny application, and what a client sees of it."""

    def __init__(self) -> None:
        self.draining = False
        self.traffic = Traffic()
        engine = create_engine("sqlite://", poolclass=QueuePool)
        self.metrics = Metrics(version="v1", commit="c0ffee", engine=engine)
        app = FastAPI()
        handle_problems(app)

        @app.get("/things/{thing}")
        def thing(thing: str) -> dict[str, str]:
            return {"thing": thing}

        @app.get("/broken")
        def broken() -> None:
            raise RuntimeError("secret detail")

        self.client = TestClient(
            Requests(
                app,
                version="v1",
                image_digest="sha256:beef",
                metrics=self.metrics,
                traffic=self.traffic,
                draining=lambda: self.draining,
            )
        )

    def metric_lines(self, start: str) -> list[str]:
        text = generate_latest(self.metrics.registry).decode()
        return [line for line in text.splitlines() if line.startswith(start)]


@pytest.fixture
def edge() -> Edge:
    return Edge()


@pytest.mark.parametrize("path", ["/things/1", "/nowhere", "/broken"])
def test_every_answer_names_the_version_that_gave_it(edge: Edge, path: str) -> None:
    answer = edge.client.get(path)

    assert "v1" == answer.headers["X-Service-Version"]
    assert "sha256:beef" == answer.headers["X-Image-Digest"]


def test_a_request_id_is_made(edge: Edge) -> None:
    assert re.fullmatch("[0-9a-f]{32}", edge.client.get("/things/1").headers["X-Request-Id"])


def test_a_sane_request_id_is_kept(edge: Edge) -> None:
    answer = edge.client.get("/things/1", headers={"X-Request-Id": "Root=1-67891233-abcdef"})

    assert "Root=1-67891233-abcdef" == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("given", ["a" * 129, 'a" b', "<script>", ""])
def test_any_other_request_id_is_replaced(edge: Edge, given: str) -> None:
    assert given != edge.client.get("/things/1", headers={"X-Request-Id": given}).headers["X-Request-Id"]


def test_an_unhandled_error_is_a_500_in_the_one_shape_without_its_detail(edge: Edge) -> None:
    answer = edge.client.get("/broken", headers={"X-Request-Id": "abc"})

    assert 500 == answer.status_code
    assert {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong on our side.",
        "request_id": "abc",
    } == answer.json()


def test_a_body_announced_as_huge_is_refused_in_the_one_shape(edge: Edge) -> None:
    answer = edge.client.post("/things/1", content=b"x" * 65_537)

    assert 413 == answer.status_code
    assert "A body may have 65536 bytes at most." == answer.json()["detail"]


def test_an_unhandled_error_is_logged_with_its_request(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    edge.client.get("/broken")

    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "secret detail" in (error.exc_text or "")


def test_head_answers_as_get_without_a_body(edge: Edge) -> None:
    got, head = edge.client.get("/things/1"), edge.client.head("/things/1")

    assert 200 == head.status_code
    assert b"" == head.content
    assert got.headers["Content-Length"] == head.headers["Content-Length"]


def test_an_unknown_path_is_a_404_in_the_one_shape(edge: Edge) -> None:
    answer = edge.client.get("/nowhere")

    assert "application/problem+json" == answer.headers["Content-Type"]
    assert (404, "There is nothing at /nowhere.") == (answer.status_code, answer.json()["detail"])


def test_a_method_that_is_not_allowed_is_a_405_that_lists_the_others(edge: Edge) -> None:
    answer = edge.client.delete("/things/1")

    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["Allow"])
    assert "DELETE is not allowed at /things/1." == answer.json()["detail"]


def test_requests_are_counted_by_route_template(edge: Edge) -> None:
    for thing in range(3):
        edge.client.get(f"/things/{thing}")

    assert [
        'http_requests_total{method="GET",route="/things/{thing}",status="200"} 3.0'
    ] == edge.metric_lines("http_requests_total")


def test_whatever_a_scanner_makes_up_is_one_series(edge: Edge) -> None:
    for number in range(5):
        edge.client.request(f"X{number}", f"/admin-{number}")

    assert ['http_requests_total{method="OTHER",route="unmatched",status="404"} 5.0'] == edge.metric_lines(
        "http_requests_total"
    )


def test_the_log_line_says_what_was_asked_and_answered(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "orders.access")

    edge.client.get("/things/1?token=s3cr3t-w0rd")

    (record,) = [record for record in caplog.records if record.name == "orders.access"]
    assert ("GET", "/things/1", "/things/{thing}", 200) == tuple(
        getattr(record, name) for name in ("method", "path", "route", "status")
    )
    assert "s3cr3t-w0rd" not in json.dumps(vars(record), default=str)


def test_a_draining_service_asks_for_the_connection_to_be_closed(edge: Edge) -> None:
    before = edge.client.get("/things/1").headers.get("Connection")
    edge.draining = True

    assert before is None
    assert "close" == edge.client.get("/things/1").headers["Connection"]


def test_traffic_is_quiet_only_once_nothing_is_in_flight() -> None:
    now = 100.0
    traffic = Traffic(clock=lambda: now)
    traffic.arrived()
    now = 105.0
    while_in_flight = traffic.quiet_for()
    traffic.answered()

    assert 0.0 == while_in_flight
    assert 5.0 == traffic.quiet_for()
