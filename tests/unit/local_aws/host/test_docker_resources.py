from types import SimpleNamespace

import pytest
from docker.errors import APIError, NotFound

from local_aws.checkout import Checkout
from local_aws.host.docker_resources import CONTAINERS, ensure_network, labelled, start_stopped_databases
from pipeline.errors import DockerError


class Networks:
    """known: the names of those that are there."""

    def __init__(self, *known, refusal=""):
        self.known = list(known)
        self._refusal = refusal

    def get(self, name):
        if name not in self.known:
            raise NotFound(name)

    def create(self, name, **_):
        if self._refusal:
            raise APIError("500", explanation=self._refusal)
        self.known.append(name)


def test_the_network_is_made_once(tmp_path):
    checkout, networks = Checkout(tmp_path), Networks()
    for _ in range(2):
        ensure_network(SimpleNamespace(networks=networks), checkout)

    assert [checkout.network] == networks.known


def test_a_network_that_docker_has_no_addresses_for_is_an_error_with_a_next_step(tmp_path):
    full = Networks(refusal="all predefined address pools have been fully subscribed")
    with pytest.raises(DockerError) as raised:
        ensure_network(SimpleNamespace(networks=full), Checkout(tmp_path))

    assert "fully subscribed" in raised.value.why
    assert "docker network prune" in raised.value.next_step


def test_containers_are_listed_by_label_and_without_those_that_go_meanwhile(tmp_path):
    asked = []
    checkout, containers = Checkout(tmp_path), SimpleNamespace(list=lambda **how: asked.append(how) or [])

    assert [] == labelled(containers, checkout, **CONTAINERS)
    assert [{"all": True, "ignore_removed": True, "filters": {"label": checkout.label_filter}}] == asked


@pytest.mark.parametrize(
    ("kind", "status", "started"),
    [
        ("database", "exited", True),
        ("database", "created", True),
        ("database", "running", False),
        ("task", "exited", False),
    ],
)
def test_a_database_that_stands_still_is_started(tmp_path, kind, status, started):
    said = []
    container = SimpleNamespace(
        name="one", status=status, labels={"slipway.kind": kind}, start=lambda: said.append("started")
    )
    client = SimpleNamespace(containers=SimpleNamespace(list=lambda **_: [container]))
    start_stopped_databases(client, Checkout(tmp_path), lambda _: None)

    assert (["started"] if started else []) == said
