"""Good and bad releases under a steady load through the load balancer: not one request may fail.

Each folder is a group of its own, with its own local AWS; its tests run in order, and no manual step is
between them. What is measured is printed as one table at the end of the run. docs/zero-downtime.md holds it,
and SLIPWAY_ZERO_DOWNTIME_REPORT=FILE in the environment has it written to a file.
"""

from collections.abc import Iterator

import pytest

from tests.support.clone import clone_to
from tests.support.zero_downtime import Releases, Service, service_of


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, engine: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """As many tasks as the module's TASKS says, 2 where it says nothing."""
    clone = clone_to(tmp_path_factory.mktemp("fork"))
    with service_of(clone, tasks=getattr(request.module, "TASKS", 2)) as service:
        yield service


@pytest.fixture
def releases(request: pytest.FixtureRequest, service: Service) -> Releases:
    return Releases(service, request.node.user_properties)
