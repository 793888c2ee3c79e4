"""The production probe's ledger: whole up to the last request, and a picture of it."""

import socket
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from pipeline.checks import ledger, svg
from pipeline.checks.ledger import Entry, Ledger
from pipeline.checks.probe import Probe
from tests.support.fakes import FakeHttp, Time


def errors(kept: Ledger, version: str = "new") -> int:
    return kept.errors(version, within=60, limit=3)


def probe(tmp_path: Path, answer: object) -> Probe:
    http, time = FakeHttp(), Time()
    http.answers = {"GET /orders": answer}
    made = Probe(
        http,
        "http://lb/orders",
        Ledger(tmp_path / "deep" / "ledger.jsonl"),
        now=lambda: 1000.0,
        clock=time.clock,
    )
    made.stage, made.counts = "BAKE_TIME", True
    return made


def test_an_answer_is_kept_with_time_status_version_and_stage(tmp_path: Path) -> None:
    asked = probe(tmp_path, (200, {"X-Service-Version": "new"}, b""))
    asked.ask_once()
    asked.stop()

    assert asked.ledger.file is not None
    assert [Entry(1000.0, 0.0, 200, "new", "", "BAKE_TIME", counts=True)] == ledger.read(asked.ledger.file)
    assert 0 == errors(asked.ledger)


def test_an_error_of_the_server_and_a_silence_count_and_a_client_error_does_not(tmp_path: Path) -> None:
    asked = probe(tmp_path, [(503, {}, b"busy"), (404, {}, b""), requests.ReadTimeout("silent")])
    for _ in range(3):
        asked.ask_once()

    assert 2 == errors(asked.ledger)
    assert [503, 404, 0] == [entry.status for entry in asked.ledger.entries]


def asked_by_requests(tmp_path: Path, url: str) -> Ledger:
    """The ledger of one request that is really sent."""
    kept = Ledger(tmp_path / "ledger.jsonl")
    real = Probe(requests.Session(), url, kept)
    real.stage, real.counts = "BAKE_TIME", True
    real.ask_once()
    return kept


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no-such-name.invalid/"])
def test_a_load_balancer_that_could_not_be_asked_is_kept_and_no_fault_of_the_version(
    tmp_path: Path, url: str
) -> None:
    kept = asked_by_requests(tmp_path, url)

    assert 0 == errors(kept)
    assert "1 requests, 1 failed" == ledger.summary(kept.entries)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"])
def test_an_answer_that_is_cut_off_speaks_against_the_version(tmp_path: Path, answer: bytes) -> None:
    def give(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=give, args=(listener,), daemon=True).start()
        kept = asked_by_requests(tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}/")

    assert 1 == errors(kept)


def test_a_connection_that_takes_too_long_to_make_is_no_fault_of_the_version(tmp_path: Path) -> None:
    asked = probe(tmp_path, requests.ConnectTimeout("no answer"))
    asked.ask_once()

    assert 0 == errors(asked.ledger)


def test_an_error_before_the_shift_counts_for_nothing(tmp_path: Path) -> None:
    asked = probe(tmp_path, (503, {}, b""))
    asked.counts = False
    asked.ask_once()

    assert 0 == errors(asked.ledger)


@pytest.mark.parametrize(
    ("version", "named", "counted"), [("new", "new", 1), ("new", "old", 0), ("", "old", 1)]
)
def test_only_an_answer_of_the_new_version_speaks_against_it(version: str, named: str, counted: int) -> None:
    kept = Ledger(None)
    kept.add(Entry(1.0, 0.1, 500, named, stage="PRODUCTION_TRAFFIC_SHIFT", counts=True))

    assert counted == errors(kept, version)


@pytest.mark.parametrize(
    ("failed_before", "stage", "counted"),
    [
        (0, "PRODUCTION_TRAFFIC_SHIFT", 1),
        (2, "PRODUCTION_TRAFFIC_SHIFT", 1),
        (3, "PRODUCTION_TRAFFIC_SHIFT", 0),
        (3, "BAKE_TIME", 1),
        (0, "", 0),
    ],
)
def test_the_load_balancers_own_error_is_the_new_versions_unless_it_was_there_before(
    failed_before: int, stage: str, counted: int
) -> None:
    kept = Ledger(None)
    for _ in range(failed_before):
        kept.add(Entry(1.0, 0.1, 503, stage="SCALE_UP"))
    kept.add(Entry(2.0, 0.1, 503, stage=stage, counts=True))

    assert counted == errors(kept)


@pytest.mark.parametrize(("at", "version"), [(100.0, "old"), (30.0, "")])
def test_what_the_version_before_answered_or_what_was_long_ago_is_no_excuse(at: float, version: str) -> None:
    kept = Ledger(None)
    for _ in range(3):
        kept.add(Entry(at, 0.1, 503, version, stage="SCALE_UP"))
    kept.add(Entry(101.0, 0.1, 503, stage="PRODUCTION_TRAFFIC_SHIFT", counts=True))

    assert 1 == errors(kept)


def test_errors_count_for_as_long_as_the_environment_says() -> None:
    kept = Ledger(None)
    for at, status in ((0.0, 500), (50.0, 500), (100.0, 500), (109.0, 200)):
        kept.add(Entry(at, 0.1, status, "new", stage="BAKE_TIME", counts=True))

    assert 2 == errors(kept)


def test_the_probe_keeps_asking_until_it_is_stopped(tmp_path: Path) -> None:
    fifth = threading.Event()

    class Counting(FakeHttp):
        def request(self, method: str, url: str, **options: Any) -> requests.Response:
            if len(self.asked) == 4:
                fifth.set()
            return super().request(method, url, **options)

    asked = Probe(Counting(), "http://lb/orders", Ledger(tmp_path / "ledger.jsonl"), rate=1000)
    asked.start()
    asked.start()
    assert fifth.wait(10)
    asked.stop()

    assert asked._thread is not None
    assert not asked._thread.is_alive()


def test_a_probe_asks_at_least_once_however_soon_it_is_stopped(tmp_path: Path) -> None:
    asked = probe(tmp_path, (200, {}, b""))
    asked._ended.set()
    asked.start()
    asked.stop()

    assert 1 == len(asked.ledger.entries)


def test_a_line_that_a_dying_runner_cut_off_is_left_out(tmp_path: Path) -> None:
    kept = Ledger(tmp_path / "ledger.jsonl")
    kept.add(Entry(1.0, 0.1, 200))
    kept.close()
    with kept.file.open("a") as file:
        file.write('{"at": 2.0, "sec')

    assert [1.0] == [entry.at for entry in ledger.read(kept.file)]


def test_what_follows_a_line_that_was_cut_off_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text('{"at": 1.0, "sec')
    kept = Ledger(file)
    kept.add(Entry(2.0, 0.1, 200))
    kept.close()

    assert [2.0] == [entry.at for entry in ledger.read(file)]


def test_an_entry_that_can_not_be_written_counts_all_the_same() -> None:
    kept = Ledger(Path("/dev/full"))
    kept.add(Entry(1.0, 0.1, 503, stage="BAKE_TIME", counts=True))
    kept.close()

    assert 1 == errors(kept)


def test_a_ledger_that_can_be_kept_nowhere_counts_all_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "folder").write_text("a file where the folder should be")
    kept = ledger.opened(None, tmp_path / "folder", "ledger", said.append)
    kept.add(Entry(1.0, 0.1, 503, stage="BAKE_TIME", counts=True))
    svg.keep(kept, "orders", said.append)
    kept.close()

    assert kept.file is None
    assert 1 == errors(kept)
    assert said[0].startswith("(the ledger of this rollout is not kept: ")


def test_the_next_runner_carries_a_ledger_on(tmp_path: Path) -> None:
    for at in (1.0, 2.0):
        kept = Ledger(tmp_path / "ledger.jsonl")
        kept.add(Entry(at, 0.1, 200))
        kept.close()

    assert [1.0, 2.0] == [entry.at for entry in kept.entries]


def test_a_summary_counts_requests_failures_and_versions() -> None:
    entries = [Entry(0, 0.1, 200, "a"), Entry(1, 0.1, 500, "b"), Entry(2, 0.1, 200, "b")]

    assert "3 requests, 1 failed; 1 by version a, 1 by version b" == ledger.summary(entries)


def test_the_picture_shows_versions_stages_and_errors() -> None:
    entries = [Entry(float(i), 0.1, 200, "a" if i < 5 else "b", stage="SCALE_UP") for i in range(10)]
    entries.append(Entry(10.0, 0.1, 500, "b", "boom", "BAKE_TIME", counts=True))

    drawn = svg.draw(entries, "orders & dev")

    texts = [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]  # noqa: S314 - ours
    for expected in ("orders & dev", "SCALE_UP", "BAKE_TIME", "a", "b", "failed"):
        assert expected in texts
    assert 1 + 1 == drawn.count("#cc3333")


def test_an_empty_ledger_has_a_picture_too() -> None:
    ElementTree.fromstring(svg.draw([], "nothing"))  # noqa: S314 - ours
