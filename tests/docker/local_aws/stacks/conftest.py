"""A local AWS of the group's own, in a checkout of its own: no other on this machine is disturbed."""

from collections.abc import Iterator

import pytest

from tests.support.rehearsal import Rehearsal, rehearsal_in


@pytest.fixture(scope="package")
def rehearsal(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal_in(tmp_path_factory.mktemp("checkout")) as rehearsal:
        yield rehearsal
