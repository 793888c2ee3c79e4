"""How often an environment is asked while something is waited for."""

from typing import Any, cast

import pytest

from pipeline.config.environment import Environment
from pipeline.context import Context


@pytest.mark.parametrize(("target", "first", "longest"), [("local", 0.1, 0.25), ("aws", 1.0, 5.0)])
def test_a_local_aws_is_asked_more_often_than_aws(target: Any, first: float, longest: float) -> None:
    slept: list[float] = []
    environment = Environment(
        name="dev", target=target, account="1" * 12, region="eu-west-1", stack_timeout_minutes=90
    )
    context = Context(cast(Any, None), environment, {}, cast(Any, None), slept.append, lambda: sum(slept))

    context.wait(lambda: sum(slept) > 60 or None, what="a minute", timeout=90, jitter=lambda: 0.0)

    assert (first, longest) == (slept[0], max(slept))
