"""app/smoke.yaml: a service's own smoke tests as data."""

import json
from pathlib import Path

import pytest

from pipeline.checks import smoke_file
from pipeline.checks.smoke import CheckFailed
from pipeline.errors import UsageError
from tests.support.fakes import FakeHttp
from tests.support.repository import ROOT

FILE = """
probe: /orders?limit=1
checks:
  - name: an order survives
    steps:
      - request: POST /orders
        headers: {Idempotency-Key: "{unique}"}
        json: {item: tea, quantity: 2}
        expect: {status: 201, json: {item: tea}, headers: {Content-Type: application/json}}
        save: {order: id, place: where.shelf}
      - request: GET /orders/{order}
        expect: {status: 200, json: {id: "{order}", note: "on {place}"}}
"""
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def http() -> FakeHttp:
    http = FakeHttp()
    made = {"id": 7, "item": "tea", "where": {"shelf": "top"}, "more": 1}
    http.answers = {
        "POST /orders": (201, JSON, json.dumps(made).encode()),
        "GET /orders/7": (200, JSON, json.dumps({"id": 7, "note": "on top"}).encode()),
    }
    return http


def load(directory: Path, content: str = FILE) -> smoke_file.SmokeFile:
    (directory / "smoke.yaml").write_text(content)
    return smoke_file.load(directory / "smoke.yaml")


def run(directory: Path, http: FakeHttp, content: str = FILE) -> str:
    [check] = smoke_file.checks(load(directory, content), "http://lb")
    return check.run(http)


def test_steps_run_in_order_and_saved_values_keep_their_type(tmp_path: Path, http: FakeHttp) -> None:
    assert "2 steps" == run(tmp_path, http)
    assert ["POST /orders", "GET /orders/7"] == http.asked
    assert {"item": "tea", "quantity": 2} == http.bodies[0]


@pytest.mark.parametrize(
    ("status", "headers", "body", "complaint"),
    [
        (500, JSON, b"oh", "POST /orders: 500; 201 was expected: oh"),
        (201, {}, b"{}", "POST /orders: header Content-Type is None; 'application/json' was expected"),
        (201, JSON, b"<html>", "POST /orders: the answer is not JSON: <html>"),
        (201, JSON, b'{"id": 7}', "POST /orders: the answer has no item"),
        (201, JSON, b'{"item": "mud"}', "POST /orders: item is 'mud'; 'tea' was expected"),
        (201, JSON, b'{"item": "tea", "id": 7}', "POST /orders: the answer has no where.shelf"),
    ],
)
def test_an_answer_that_is_not_as_expected_fails_with_both(
    tmp_path: Path, http: FakeHttp, status: int, headers: dict[str, str], body: bytes, complaint: str
) -> None:
    http.answers["POST /orders"] = (status, headers, body)

    with pytest.raises(CheckFailed) as failed:
        run(tmp_path, http)

    assert complaint == str(failed.value)


def test_an_absent_file_asks_nothing_more(tmp_path: Path) -> None:
    content = smoke_file.load(tmp_path / "smoke.yaml")

    assert "/" == content.probe
    assert [] == smoke_file.checks(content, "http://lb")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("probe: orders", "probe: String should match"),
        ("checks: [{name: a, steps: []}]", "checks.0.steps: List should have at least 1 item"),
        ("chekcs: []", "chekcs: Extra inputs are not permitted"),
        (
            "checks: [{name: a, steps: [{request: FETCH /, expect: {status: 200}}]}]",
            "checks.0.steps.0.request",
        ),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, content)

    assert refused.value.details[0].startswith(fault)


def test_a_file_that_does_not_parse_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, "probe: /\nprobe: /\n")

    assert refused.value.what.endswith("smoke.yaml:2 does not parse")


@pytest.mark.parametrize("written", ["0123", "no", "on", "12:30", "1_000", "2026-01-01"])
def test_a_value_that_yaml_reads_as_another_is_refused_with_the_quoted_form(
    tmp_path: Path, written: str
) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, FILE.replace("item: tea, quantity", f"item: {written}, quantity"))

    assert refused.value.what.endswith("smoke.yaml:8 does not parse")
    assert refused.value.why.startswith(f"YAML reads {written} as ")
    assert refused.value.why.endswith(f'"{written}" in quotes')


def test_numbers_and_truth_as_json_writes_them_keep_their_type(tmp_path: Path, http: FakeHttp) -> None:
    run(tmp_path, http, FILE.replace("item: tea, quantity: 2", "item: 1.5, quantity: -2, gift: true, a: ~"))

    assert {"item": 1.5, "quantity": -2, "gift": True, "a": None} == http.bodies[0]


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "smoke.yaml").write_bytes("probe: /größe\n".encode("latin-1"))

    with pytest.raises(UsageError, match=r"smoke.yaml can't be read as UTF-8"):
        smoke_file.load(tmp_path / "smoke.yaml")


def test_the_shipped_file_holds_together() -> None:
    shipped = smoke_file.load(ROOT / "app" / "smoke.yaml")

    assert shipped.checks
