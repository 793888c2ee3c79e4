"""How often an environment is asked while something is waited for, and which stack holds its service."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.config.environment import Environment
from pipeline.context import Context
from pipeline.errors import EnvironmentFileError, TemplateError, UsageError
from tests.support.small_project import world


@pytest.mark.parametrize(("target", "first", "longest"), [("local", 0.1, 0.25), ("aws", 1.0, 5.0)])
def test_a_local_aws_is_asked_more_often_than_aws(target: Any, first: float, longest: float) -> None:
    slept: list[float] = []
    environment = Environment(
        name="dev", target=target, account="1" * 12, region="eu-west-1", stack_timeout_minutes=90
    )
    context = Context(cast(Any, None), environment, {}, cast(Any, None), slept.append, lambda: sum(slept))
    waiter = replace(context.waiter, jitter=lambda: 0.0)

    waiter.until(lambda: sum(slept) > 60 or None, what="a minute", timeout=90)

    assert (first, longest) == (slept[0], max(slept))


def test_the_service_is_in_the_stack_whose_template_has_an_ecs_service(tmp_path: Path) -> None:
    assert "app" == world(tmp_path).context.service_node.name


def test_an_environment_without_an_ecs_service_has_nothing_to_roll_back(tmp_path: Path) -> None:
    here = world(tmp_path)
    app = here.context.project.templates / "app.yaml"
    app.write_text(app.read_text().replace("AWS::ECS::Service", "AWS::A::B"))

    with pytest.raises(UsageError, match="no template has an ECS service"):
        _ = here.reread().context.service_node


def test_an_environment_that_has_a_stacks_name_in_common_with_another_is_refused(tmp_path: Path) -> None:
    here = world(tmp_path)
    templates, environments = here.context.project.templates, here.context.project.environments
    (templates / "eu-vpc.yaml").write_text(
        "Parameters: {EnvironmentName: {Type: String}}\nResources: {A: {Type: 'AWS::A::B'}}\n"
    )
    (environments / "dev-eu.yaml").write_text((environments / "dev.yaml").read_text())

    with pytest.raises(EnvironmentFileError) as refused:
        here.reread()

    assert [
        "orders-dev-eu-vpc is a stack of infra/eu-vpc.yaml here, and of infra/vpc.yaml in dev-eu"
    ] == list(refused.value.details)


def test_a_template_whose_file_name_no_stack_can_have_is_refused_before_aws_is_asked(tmp_path: Path) -> None:
    here = world(tmp_path)
    vpc = here.context.project.templates / "vpc.yaml"
    vpc.rename(vpc.with_name("my_vpc.yaml"))

    with pytest.raises(TemplateError, match="takes no stack of this name"):
        here.reread()
