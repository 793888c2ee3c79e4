"""A fork at a pretended GitHub: act runs its workflows, its AWS account is a local one, empty at first."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import clone_to
from tests.support.fake_github import FakeGitHub
from tests.support.workflows.act import Forge
from tests.support.workflows.fork import ACCOUNT, ENVIRONMENTS, Account, make_fork
from tests.support.workflows.run import Run

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def fork(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return make_fork(tmp_path_factory)


@pytest.fixture(scope="package")
def github(fork: Forge) -> Iterator[FakeGitHub]:
    """The issues and comments of the fork."""
    with FakeGitHub() as github:
        fork.environment["GITHUB_API_URL"] = github.url
        yield github


@pytest.fixture(scope="package")
def account(fork: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that has been through `make bootstrap`, and nothing else."""
    here = clone_to(tmp_path_factory.mktemp("account"))
    try:
        up = here.pipeline("local", "up", SLIPWAY_LOCAL_ACCOUNT=ACCOUNT, SLIPWAY_LOCAL_MINUTE_SECONDS="0.5")
        assert up.exit_code == 0, up.output
        endpoint = re.findall(r"http://localhost:\d+", up.output)[-1]
        fork.environment["AWS_ENDPOINT_URL"] = endpoint
        account = Account(endpoint)
        bootstrap = fork.clone.pipeline("bootstrap", *ENVIRONMENTS, **account.administrator)
        assert bootstrap.exit_code == 0, bootstrap.output
        yield account
    finally:
        here.pipeline("local", "down")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Destroying comes last, whatever the alphabet says: the others share the environments."""
    places = [place for place, item in enumerate(items) if item.path.parent == HERE]
    ours = sorted((items[place] for place in places), key=lambda item: item.path.name == "test_destroy.py")
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="package")
def pushed(fork: Forge, account: Account) -> Run:
    """The first push to main: everything from nothing."""
    run = fork.run("deploy", "push")
    assert run.exit_code == 0, run.said
    return run
