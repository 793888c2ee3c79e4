"""The graph is derived from the templates, and every fault is told at once, before any AWS call."""

import pytest

from pipeline.config.environment import Environment
from pipeline.errors import EnvironmentFileError, TemplateError
from pipeline.graph import graph, template
from pipeline.graph.graph import Node

NOTHING_FILLS_VPCID = (
    "infra/one.yaml: nothing fills the parameter Vpcid: no template gives an output of that name, "
    'infra/environments/dev.yaml does not set it, and there is no Default; did you mean "VpcId"?'
)

NO_SUCH_PARAMETER = (
    'parameters.TaskCuont: no template has this parameter; allowed are TaskCount; did you mean "TaskCount"?'
)


def made(name: str, *, parameters: str = "", outputs: str = "", more: str = "") -> template.Template:
    """A template from lists of names; `more` is raw YAML for the Parameters section."""
    lines = ["Parameters:", *(f"  {p}: {{Type: String}}" for p in parameters.split()), more, "Resources:"]
    lines += ["  A: {Type: X}", "Outputs:", *(f"  {o}: {{Value: x}}" for o in outputs.split())]
    body = "\n".join(lines).replace("Parameters:\n\n", "Parameters: {}\n")
    return template.parse(name, f"infra/{name}.yaml", body.removesuffix("Outputs:") if not outputs else body)


def environment(**parameters: str) -> Environment:
    return Environment(
        name="dev", target="aws", account="0" * 12, region="eu-west-1", parameters=dict(parameters)
    )


def derive(*templates: template.Template, **parameters: str) -> dict[str, Node]:
    return graph.derive(templates, environment(**parameters), "orders")


VPC = made("vpc-network", parameters="EnvironmentName", outputs="VpcId")
ECR = made("ecr", parameters="ServiceName", outputs="RepositoryUri")
APP = made("ecs-stack", parameters="EnvironmentName VpcId ImageUri")


def test_a_parameter_named_as_an_output_makes_an_edge() -> None:
    nodes = derive(APP, ECR, VPC)

    assert {"VpcId": "vpc-network", "ImageUri": "image"} == nodes["ecs-stack"].wired
    assert {"vpc-network", "image"} == nodes["ecs-stack"].needs
    assert {"ecr"} == nodes["image"].needs


def test_every_node_comes_after_what_it_needs() -> None:
    order = list(derive(APP, ECR, VPC))

    assert order.index("ecr") < order.index("image") < order.index("ecs-stack")
    assert order.index("vpc-network") < order.index("ecs-stack")


def test_a_sixth_template_takes_its_place_with_no_other_edit() -> None:
    sixth = made("cache", parameters="EnvironmentName VpcId")

    assert {"vpc-network"} == derive(APP, ECR, VPC, sixth)["cache"].needs


def test_a_templates_own_output_fills_no_parameter_of_its_own() -> None:
    both = made("app", parameters="EnvironmentName Size", outputs="Size")

    assert {} == derive(both, Size="big")["app"].wired
    assert "big" == derive(both, Size="big")["app"].given["Size"]


def test_names_come_from_the_pipeline_and_values_from_the_environment_file_or_the_default() -> None:
    counted = made(
        "app", parameters="EnvironmentName ServiceName Size", more="  Count: {Type: Number, Default: 2}"
    )

    assert {"EnvironmentName": "dev", "ServiceName": "orders", "Size": "big", "Count": "2"} == derive(
        counted, Size="big"
    )["app"].given


def test_without_a_template_that_runs_an_image_there_is_no_image_node() -> None:
    assert ["vpc-network"] == list(derive(VPC))


def test_inputs_are_what_is_given_and_the_outputs_of_what_it_needs() -> None:
    node = derive(APP, ECR, VPC)["ecs-stack"]

    assert {"EnvironmentName": "dev", "VpcId": "vpc-1", "ImageUri": "uri@sha256:1"} == node.inputs(
        {"vpc-network": {"VpcId": "vpc-1", "Other": "x"}, "image": {"ImageUri": "uri@sha256:1"}}
    )


def test_an_output_that_a_stack_does_not_give_is_told_with_who_needs_it() -> None:
    node = derive(APP, ECR, VPC)["ecs-stack"]

    with pytest.raises(TemplateError) as refused:
        node.inputs({"vpc-network": {}, "image": {"ImageUri": "uri@sha256:1"}})

    assert "vpc-network gives no output VpcId, which ecs-stack needs" == refused.value.what
    assert "the output's Condition is false there" in refused.value.why


def test_deleting_goes_the_other_way_round() -> None:
    nodes = derive(APP, ECR, VPC)

    assert {"ecs-stack"} == graph.reverse_needs(nodes)["vpc-network"]
    assert frozenset() == graph.reverse_needs(nodes)["ecs-stack"]


def test_all_faults_of_the_templates_are_told_at_once() -> None:
    with pytest.raises(TemplateError) as refused:
        derive(
            made("one", parameters="Vpcid", outputs="Same"),
            made("two", outputs="Same ServiceName"),
            VPC,
            made("app", parameters="ImageUri", more="  Count: {Type: Number, Default: none}"),
        )

    assert [
        "infra/two.yaml: the output Same is also given by infra/one.yaml",
        "infra/two.yaml: the output ServiceName has a name that the pipeline itself fills",
        NOTHING_FILLS_VPCID,
        "infra/app.yaml: Count is 'none'; must be a number",
        "the image needs an output RepositoryUri, and no template gives one",
    ] == list(refused.value.details)


def test_all_faults_of_the_environment_file_are_told_at_once() -> None:
    counted = made("app", parameters="EnvironmentName", more="  TaskCount: {Type: Number, Default: 2}")

    with pytest.raises(EnvironmentFileError) as refused:
        derive(
            counted,
            made("other", parameters="VpcId"),
            VPC,
            TaskCuont="3",
            TaskCount="many",
            VpcId="v",
            EnvironmentName="x",
        )

    faults = list(refused.value.details)
    assert "infra/environments/dev.yaml does not fit the templates" == refused.value.what
    assert NO_SUCH_PARAMETER in faults
    assert "parameters.TaskCount: is 'many'; must be a number (infra/app.yaml)" in faults
    assert "parameters.VpcId: infra/vpc-network.yaml gives this as an output; remove it" in faults
    assert "parameters.EnvironmentName: the pipeline fills this itself; remove it" in faults


def test_a_circle_is_refused_with_its_steps() -> None:
    with pytest.raises(TemplateError) as refused:
        derive(made("one", parameters="Two", outputs="One"), made("two", parameters="One", outputs="Two"))

    assert "the templates need each other in a circle" == refused.value.what
    assert {"one needs Two from two", "two needs One from one"} == set(refused.value.details)


def test_a_template_may_not_take_the_images_name() -> None:
    with pytest.raises(TemplateError):
        derive(made("image", outputs="RepositoryUri"))


def test_what_a_node_needs_is_known_with_all_that_this_needs() -> None:
    first = made("first", outputs="RepositoryName")
    ecr = made("ecr", parameters="RepositoryName", outputs="RepositoryUri")
    nodes = derive(first, ecr, VPC, APP)

    assert {"ecr", "first"} == graph.needed_for(nodes, "image")
    assert {"ecr", "first", "image", "vpc-network"} == graph.needed_for(nodes, "ecs-stack")
    assert set() == graph.needed_for(nodes, "vpc-network")
