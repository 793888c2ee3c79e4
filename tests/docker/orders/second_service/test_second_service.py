"""Bring your own service, done on a fork: app/ is replaced as docs/your-service.md says, and all else works.

The tests share one local AWS and run in order; each leaves the newest good version serving.
"""

import re
import shutil
from collections.abc import Iterator

import pytest
import requests

from tests.support.clone import Clone, Ran, clone_to
from tests.support.repository import ROOT
from tests.support.steady_client import SteadyClient

GUIDE = (ROOT / "docs/your-service.md").read_text(encoding="utf-8")
(CI_RECIPE,) = re.finditer(r"^\$ (sed .* \.github/workflows/ci\.yml)$", GUIDE, re.MULTILINE)
BELONGS_TO_ORDERS = ("app", "tests/app", "tests/docker/orders", "tests/processes/orders")
METHODS = "parameters:\n  AllowedHttpMethods: GET,PUT,DELETE"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    from local_aws.host.docker_engine import ensure_engine

    ensure_engine(print)
    fork = clone_to(tmp_path_factory.mktemp("fork"))
    for name in BELONGS_TO_ORDERS:
        shutil.rmtree(fork.path / name)
    shutil.copytree(ROOT / "tests/docker/orders/second_service/app", fork.path / "app")
    assert 0 == fork.run("bash", "-c", CI_RECIPE[1]).exit_code
    fork.replace("pyproject.toml", 'service = "orders"', 'service = "links"')
    fork.replace("infra/environments/local.yaml", "TaskCount: 2", "TaskCount: 1")
    for file in (fork.path / "infra/environments").glob("*.yaml"):
        fork.replace(f"infra/environments/{file.name}", "parameters:", METHODS)
    yield fork
    fork.pipeline("local", "down")


@pytest.fixture(scope="module")
def up(fork: Clone) -> Ran:
    assert 0 == fork.pipeline("local", "up").exit_code
    ran = fork.pipeline("deploy", "local")
    assert 0 == ran.exit_code
    return ran


def version(ran: Ran) -> str:
    return re.findall(r"version:\s+([0-9a-f]{12})", ran.output)[-1]


def edit(fork: Clone, file: str, old: str, new: str) -> None:
    fork.replace(f"app/links/{file}", old, new)


def test_it_comes_up_with_its_own_methods_paths_and_name(up: Ran) -> None:
    tea = f"{up.url}/links/tea"
    kept = requests.put(tea, json={"url": "https://example.org/tea"}, timeout=5)
    followed = requests.get(f"{up.url}/go/tea", allow_redirects=False, timeout=5)

    assert "links-local-ecs-stack" in up.output
    assert version(up) == kept.headers["X-Service-Version"]
    assert (302, "https://example.org/tea") == (followed.status_code, followed.headers["Location"])
    assert 405 == requests.post(tea, json={}, timeout=5).status_code


def test_a_second_version_is_released_under_load_and_no_request_fails(fork: Clone, up: Ran) -> None:
    edit(fork, "web.py", "jsonify(name=name, url=url)", "jsonify(name=name, url=url, length=len(url))")

    with SteadyClient(f"{up.url}/links") as client:
        ran = fork.pipeline("deploy", "local")
    kept = requests.put(f"{up.url}/links/cup", json={"url": "https://example.org/"}, timeout=5)

    assert 0 == ran.exit_code
    assert [] == client.failures
    assert {version(up), version(ran)} == client.versions
    assert 20 == kept.json()["length"]
    # Its own smoke.yaml is what the gate asked.
    assert "a link is kept, followed and forgotten" in ran.output


def test_what_stays_of_the_tests_does_not_ask_for_orders(fork: Clone) -> None:
    collected = fork.run(".venv/bin/python", "-m", "pytest", "--collect-only", "-q")
    read = (
        "tests/unit/templates",
        "tests/unit/pipeline/checks/test_smoke_file.py",
        "tests/architecture",
    )
    ran = fork.run(".venv/bin/python", "-m", "pytest", "-q", *read)

    assert 0 == collected.exit_code
    assert 0 == ran.exit_code
