"""How often an environment is asked while something is waited for, and which stack holds its service."""

from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.config.environment import Environment
from pipeline.context import Context
from pipeline.errors import UsageError
from tests.support.small_project import world


@pytest.mark.parametrize(("target", "first", "longest"), [("local", 0.1, 0.25), ("aws", 1.0, 5.0)])
def test_a_local_aws_is_asked_more_often_than_aws(target: Any, first: float, longest: float) -> None:
    slept: list[float] = []
    environment = Environment(
        name="dev", target=target, account="1" * 12, region="eu-west-1", stack_timeout_minutes=90
    )
    context = Context(cast(Any, None), environment, {}, cast(Any, None), slept.append, lambda: sum(slept))

    context.wait(lambda: sum(slept) > 60 or None, what="a minute", timeout=90, jitter=lambda: 0.0)

    assert (first, longest) == (slept[0], max(slept))


def test_the_service_is_in_the_stack_whose_template_has_an_ecs_service(tmp_path: Path) -> None:
    assert "app" == world(tmp_path).context.service_node.name


def test_an_environment_without_an_ecs_service_has_nothing_to_roll_back(tmp_path: Path) -> None:
    here = world(tmp_path)
    app = here.context.project.templates / "app.yaml"
    app.write_text(app.read_text().replace("AWS::ECS::Service", "AWS::A::B"))

    with pytest.raises(UsageError, match="no template has an ECS service"):
        _ = here.reread().context.service_node
