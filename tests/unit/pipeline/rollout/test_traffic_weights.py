"""The weights guard: whatever a stack update does, production's traffic stays where ECS sent it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.account import permissions_boundary
from pipeline.cloudformation.change_set import Detail, ResourceChange
from pipeline.cloudformation.fingerprints import DeployedFingerprints
from pipeline.cloudformation.stacks import StackDescription, describe
from pipeline.errors import RolloutFailedError, RolloutRefusedError, StackFailedError
from pipeline.graph import template
from pipeline.graph.graph import StackNode
from pipeline.graph.runner import Result
from pipeline.release.service_step import ServiceStep
from pipeline.rollout import traffic_weights
from pipeline.rollout.options import RolloutOptions
from tests.support.fake_rollout import RESOURCES, FakeCloudWatch, FakeElb, FakeLogs, FakeRollouts
from tests.support.fakes import STACK, START, FakeCloudFormation
from tests.support.small_project import DIGEST, REPOSITORY, World, world

BODY = """\
Parameters: {
  BlueWeight: {Type: Number, Default: 100}, GreenWeight: {Type: Number, Default: 0},
  DeploymentStrategy: {Type: String, Default: BLUE_GREEN},
  EnvironmentName: {Type: String}}
Resources:
  ProductionRule: {Type: 'AWS::ElasticLoadBalancingV2::ListenerRule'}
  Service: {Type: 'AWS::ECS::Service'}
"""
TEMPLATE = template.parse("app", "infra/app.yaml", BODY)
NAME = "orders-dev-app"


def of_rule(action: str = "Modify", replacement: str = "False", *details: Detail) -> ResourceChange:
    return ResourceChange(action, "ProductionRule", traffic_weights.RULE, replacement, details=details)


def reference(path: str, cause: str) -> Detail:
    return Detail(path, "ResourceReference", cause)


RULE = of_rule("Modify", "False", Detail("Actions"))
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


class Shifting(FakeCloudFormation):
    """A CloudFormation whose stack has parameters, as given with the last change set."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[dict[str, Any]] = []
        self.changes_of: list[list[dict[str, Any]]] = []
        self.parameters_stay = False  # as after a change set that nobody executes
        self.parameters = {"BlueWeight": "100", "GreenWeight": "0", "ImageUri": "old"}
        self.resources = dict(RESOURCES)

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.changes_of:
            self.changes = self.changes_of.pop(0)
        for given in request["Parameters"]:
            if "ParameterValue" in given and not self.parameters_stay:
                self.parameters[given["ParameterKey"]] = given["ParameterValue"]
        return super().create_change_set(**request)

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        answer = super().describe_stacks(**request)
        for stack in answer["Stacks"]:
            stack["Parameters"] = [
                {"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()
            ]
        return answer


def change(logical_id: str, kind: str, *paths: str) -> dict[str, Any]:
    details = [{"Target": {"Attribute": "Properties", "Name": path}} for path in paths]
    return {
        "ResourceChange": {
            "Action": "Modify",
            "LogicalResourceId": logical_id,
            "ResourceType": kind,
            "Replacement": "False",
            "Details": details,
        }
    }


RULE_ONLY = [change("ProductionRule", traffic_weights.RULE, "Actions")]
SERVICE_ONLY = [change("Service", "AWS::ECS::Service", "TaskDefinition")]


class Setup:
    """A deployed service stack; production is on the green target group, of which the stack knows nothing."""

    def __init__(self, root: Path) -> None:
        self.ecs, self.elb, self.alarms = FakeRollouts(), FakeElb(blue=0, green=100), FakeCloudWatch()
        self.cloudformation = Shifting()
        self.here: World = world(
            root,
            ecs=self.ecs,
            elbv2=self.elb,
            logs=FakeLogs(),
            cloudwatch=self.alarms,
            cloudformation=self.cloudformation,
        )
        self.cloudformation.have(NAME, "UPDATE_COMPLETE")
        self.said: list[str] = []
        self.more: dict[str, str] = {}

    @property
    def current(self) -> StackDescription:
        found = describe(self.cloudformation, NAME)
        assert found is not None
        return found

    def deploy(self, **options: Any) -> Result:
        given = {"BlueWeight": "100", "GreenWeight": "0", "ImageUri": "new", **self.more}
        node, context = StackNode("app", given, {}, TEMPLATE), self.here.context
        fingerprints = DeployedFingerprints(self.here.ssm, "/slipway/orders/dev/deployed")
        step = ServiceStep(context, node, self.said.append, fingerprints, RolloutOptions(**options))
        result = step.run({})
        fingerprints.save(print)
        return result

    def given(self, number: int) -> dict[str, Any]:
        return {
            p["ParameterKey"]: p.get("ParameterValue", "as before")
            for p in self.cloudformation.requests[number]["Parameters"]
        }


@pytest.fixture
def it(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_the_stack_is_told_the_live_weights_in_an_update_of_its_own_before_the_release(it: Setup) -> None:
    it.cloudformation.changes_of = [RULE_ONLY, SERVICE_ONLY]
    it.deploy()

    assert {"BlueWeight": "0", "GreenWeight": "100", "ImageUri": "as before"} == it.given(0)
    assert it.cloudformation.requests[0]["UsePreviousTemplate"]
    assert [f"execute {NAME}"] * 2 == [line for line in it.cloudformation.log if line.startswith("execute")]
    assert {"BlueWeight": "0", "GreenWeight": "100", "ImageUri": "new"} == it.given(1)


def test_a_deploy_of_the_same_again_changes_nothing_whatever_weights_the_stack_was_told(it: Setup) -> None:
    it.cloudformation.changes_of = [RULE_ONLY, SERVICE_ONLY]
    it.deploy()

    assert "unchanged" == it.deploy().word
    assert 2 == len(it.cloudformation.requests)


def test_weights_that_the_stack_knows_cost_no_update(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.cloudformation.changes_of = [SERVICE_ONLY]
    it.deploy()

    assert 1 == len(it.cloudformation.requests)


def by(cause: str, source: str = "ParameterReference") -> dict[str, Any]:
    """A change of the service that follows from a parameter, or from what CloudFormation itself looks up."""
    listed = change("Service", "AWS::ECS::Service", "TaskDefinition")
    listed["ResourceChange"]["Details"][0].update(
        {"ChangeSource": source, **({"CausingEntity": cause} if cause else {})}
    )
    return listed


@pytest.mark.parametrize(
    "moved",
    [by("SizeInSsm"), by("", "Automatic"), by("", "DirectModification")],
    ids=["ssm", "nested", "include"],
)
def test_what_moved_outside_is_released_although_the_stack_can_not_be_told_its_weights(
    it: Setup, moved: dict[str, Any]
) -> None:
    """The release leaves the production rule alone, and so does its rollback."""
    it.cloudformation.changes_of = [[*RULE_ONLY, moved], [moved]]
    it.cloudformation.parameters_stay = True

    assert "updated" == it.deploy().word
    assert {"BlueWeight": "100", "GreenWeight": "0", "ImageUri": "new"} == it.given(1)
    assert [f"execute {NAME}"] == [line for line in it.cloudformation.log if line.startswith("execute")]
    assert [
        line for line in it.said if line.startswith("the stack is not told where ECS sends its traffic now")
    ]


def test_a_rule_is_not_written_while_the_stack_does_not_know_its_weights(it: Setup) -> None:
    conditions = change("ProductionRule", traffic_weights.RULE, "Conditions")
    it.cloudformation.changes_of = [[*RULE_ONLY, by("SizeInSsm")], [conditions, *SERVICE_ONLY]]
    it.cloudformation.parameters_stay = True

    with pytest.raises(RolloutRefusedError) as refused:
        it.deploy()

    assert (
        "would write ProductionRule before the stack was told where ECS sends its traffic"
        in refused.value.what
    )
    assert "put the former value back" in refused.value.next_step
    assert f"execute {NAME}" not in it.cloudformation.log


def test_the_roles_boundary_is_left_for_the_next_deploy_too_while_something_moved(it: Setup) -> None:
    it.cloudformation.parameters[permissions_boundary.PARAMETER] = ""
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.more = {permissions_boundary.PARAMETER: "arn:boundary"}
    role = change("Role", permissions_boundary.ROLE, "PermissionsBoundary")
    it.cloudformation.changes_of = [[role, by("SizeInSsm")], [by("SizeInSsm")]]
    it.cloudformation.parameters_stay = True

    assert "updated" == it.deploy().word
    assert "" == it.given(1)[permissions_boundary.PARAMETER]


def test_telling_the_weights_may_change_nothing_but_rules(it: Setup) -> None:
    it.cloudformation.changes_of = [[*RULE_ONLY, by("BlueWeight")]]

    with pytest.raises(RolloutRefusedError) as refused:
        it.deploy()

    assert "Service" == refused.value.why
    assert f"execute {NAME}" not in it.cloudformation.log


def test_a_change_set_that_would_still_move_traffic_is_not_executed(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.cloudformation.changes_of = [RULE_ONLY]

    with pytest.raises(RolloutRefusedError) as refused:
        it.deploy()

    assert 20 == refused.value.exit_code
    assert "aws-cdk#36649" in refused.value.why
    assert "ProductionRule [infra/app.yaml:6]" in refused.value.why
    assert "infra/app.yaml:6" == refused.value.where
    assert "delete_change_set" == it.cloudformation.log[-1]


@pytest.mark.parametrize(
    ("made", "refused"),
    [
        ([RULE], True),
        ([of_rule("Modify", "False", Detail("Properties/Actions/0"))], True),
        ([of_rule("Modify", "False", Detail("Actions", "ParameterReference", "X"))], True),
        ([of_rule("Modify", "True", Detail("ListenerArn"))], True),
        ([of_rule("Remove")], True),
        ([of_rule("Modify", "Conditional", Detail("Conditions"))], False),
        ([of_rule("Add")], False),
        ([of_rule("Modify", "False", reference("Actions", "BlueTargetGroup"))], False),
        (
            [
                of_rule("Modify", "False", reference("Actions", "BlueTargetGroup")),
                ResourceChange("Modify", "BlueTargetGroup", GROUP, "True"),
            ],
            True,
        ),
        ([ResourceChange("Modify", "TestRule", traffic_weights.RULE, details=(Detail("Actions"),))], False),
    ],
)
def test_what_moves_traffic_is_refused_and_nothing_else(made: list[ResourceChange], refused: bool) -> None:
    try:
        traffic_weights.refuse_to_move(made, TEMPLATE)
        seen = False
    except RolloutRefusedError:
        seen = True

    assert refused == seen


def refers() -> dict[str, Any]:
    """A service that is listed for what it refers to, the production rule."""
    listed = change("Service", "AWS::ECS::Service", "LoadBalancers")
    listed["ResourceChange"]["Details"][0].update(
        Evaluation="Dynamic", ChangeSource="ResourceReference", CausingEntity="ProductionRule"
    )
    return listed


def test_a_service_that_merely_refers_to_the_rules_is_no_hindrance(it: Setup) -> None:
    it.cloudformation.changes_of = [[*RULE_ONLY, refers()], SERVICE_ONLY]

    assert "updated" == it.deploy().word


def test_an_alarm_in_alarm_stops_a_release_before_it_starts(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.alarms.states = {"errors": "ALARM"}
    it.cloudformation.changes_of = [SERVICE_ONLY]

    with pytest.raises(RolloutRefusedError) as refused:
        it.deploy()

    assert "errors in ALARM before the release has begun" == refused.value.what
    assert "--despite-alarms" in refused.value.next_step


def test_an_alarm_that_the_rollout_before_left_behind_is_waited_for(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.ecs.release("bad", status="ROLLBACK_SUCCESSFUL")
    it.alarms.states, it.alarms.since, it.alarms.looks = {"errors": "ALARM"}, START + timedelta(minutes=1), 5
    it.cloudformation.changes_of = [SERVICE_ONLY]

    assert "updated" == it.deploy().word
    assert "no alarm is in ALARM any more" in it.said


def test_a_task_definition_that_is_only_perhaps_replaced_is_a_release_too(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.alarms.states = {"errors": "ALARM"}
    task, service = change("TaskDefinition", "AWS::ECS::TaskDefinition", "ContainerDefinitions"), refers()
    task["ResourceChange"]["Replacement"] = "Conditional"
    service["ResourceChange"]["Details"][0]["CausingEntity"] = "TaskDefinition"
    it.cloudformation.changes_of = [[task, service]]

    with pytest.raises(RolloutRefusedError):
        it.deploy()


def test_the_cure_can_be_released_despite_the_alarm(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.alarms.states = {"errors": "ALARM"}
    it.cloudformation.changes_of = [SERVICE_ONLY]

    assert "updated" == it.deploy(despite_alarms=True).word


def test_a_release_whose_runner_died_is_joined_and_its_gates_are_answered(it: Setup) -> None:
    stack_id = it.current.stack_id
    it.cloudformation.stacks[stack_id]["StackStatus"] = "UPDATE_IN_PROGRESS"
    it.cloudformation.ahead[stack_id] = ["UPDATE_IN_PROGRESS"] * 20 + ["UPDATE_COMPLETE"]
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.cloudformation.empty.add(NAME)
    it.ecs.release(f"{REPOSITORY}@{DIGEST}")

    deployed = it.deploy(straight=True)

    assert "joined" == deployed.word
    assert [("PRE_SCALE_UP", "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "CONTINUE")] == it.ecs.answers


def test_a_stack_that_was_joined_is_told_the_boundary_of_its_roles_before_the_release(it: Setup) -> None:
    """Somebody's update by hand went on when their deploy was interrupted, and GitHub's comes next."""
    stack_id = it.current.stack_id
    it.cloudformation.stacks[stack_id]["StackStatus"] = "UPDATE_IN_PROGRESS"
    it.cloudformation.ahead[stack_id] = ["UPDATE_IN_PROGRESS"] * 3 + ["UPDATE_COMPLETE"]
    it.cloudformation.parameters[permissions_boundary.PARAMETER] = ""
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.more = {permissions_boundary.PARAMETER: "arn:boundary"}
    it.cloudformation.changes_of = [
        [change("Role", permissions_boundary.ROLE, "PermissionsBoundary")],
        SERVICE_ONLY,
    ]

    it.deploy()

    assert [True, False] == [bool(r.get("UsePreviousTemplate")) for r in it.cloudformation.requests]
    assert "arn:boundary" == it.given(0)[permissions_boundary.PARAMETER]


def test_a_joined_release_of_the_same_image_that_was_rolled_back_is_not_tried_again(it: Setup) -> None:
    stack_id = it.current.stack_id
    it.cloudformation.stacks[stack_id]["StackStatus"] = "UPDATE_IN_PROGRESS"
    it.cloudformation.ahead[stack_id] = ["UPDATE_IN_PROGRESS"] * 20 + ["UPDATE_ROLLBACK_COMPLETE"]
    it.ecs.migration_exits = 1
    it.ecs.release("new")

    with pytest.raises(RolloutFailedError):
        it.deploy()

    assert [] == it.cloudformation.requests


def test_a_failure_of_an_earlier_update_is_not_that_of_the_one_that_is_joined(it: Setup) -> None:
    it.ecs.release("new", status="ROLLBACK_SUCCESSFUL")
    stack_id = it.current.stack_id
    it.cloudformation.stacks[stack_id]["LastUpdatedTime"] = START + timedelta(minutes=2)
    it.cloudformation.stacks[stack_id]["StackStatus"] = "UPDATE_IN_PROGRESS"
    it.cloudformation.ahead[stack_id] = ["UPDATE_IN_PROGRESS"] * 3 + ["UPDATE_COMPLETE"]
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.cloudformation.changes_of = [SERVICE_ONLY]

    assert "updated" == it.deploy().word
    assert [] == [line for line in it.said if line.startswith("rollout ")]


def test_a_rollout_begun_past_cloudformation_is_let_end_before_the_release(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.cloudformation.changes_of = [SERVICE_ONLY]
    it.ecs.gates = ()
    it.more = {"DeploymentStrategy": "BLUE_GREEN"}
    it.ecs.release(f"{REPOSITORY}@{DIGEST}")

    it.deploy()

    assert "SUCCESSFUL" == it.ecs.deployments[0]["status"]
    assert it.said[0] == "rollout d1 is under way, and no stack update began it: waiting for its end"
    assert it.said.index("rollout: CLEAN_UP SUCCESSFUL") < it.said.index("change set: 1 to modify")


@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN"])
def test_the_way_back_is_let_through_its_gates_whatever_strategy_was_wanted(
    it: Setup, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    """What CloudFormation puts back after a failed ROLLING release has the gates of the strategy before."""
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.more = {"DeploymentStrategy": strategy}
    it.cloudformation.changes_of = [SERVICE_ONLY]
    it.cloudformation.next_ends = {NAME: ["UPDATE_ROLLBACK_IN_PROGRESS"] * 20 + ["UPDATE_ROLLBACK_COMPLETE"]}
    it.cloudformation.failures = [("Service", "AWS::ECS::Service", "the circuit breaker was triggered")]
    execute = it.cloudformation.execute_change_set

    def turned_back(**request: Any) -> dict[str, Any]:
        answer = execute(**request)
        it.cloudformation._event(it.current.stack_id, NAME, STACK, "UPDATE_ROLLBACK_IN_PROGRESS")
        it.ecs.release("what served before")
        return answer

    monkeypatch.setattr(it.cloudformation, "execute_change_set", turned_back)

    with pytest.raises(StackFailedError):
        it.deploy()

    assert [("PRE_SCALE_UP", "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "CONTINUE")] == it.ecs.answers


def test_a_stack_that_failed_for_another_reason_keeps_its_own_error(it: Setup) -> None:
    it.elb.weights = {"arn:blue": 100, "arn:green": 0}
    it.cloudformation.changes_of = [SERVICE_ONLY]
    it.cloudformation.next_ends = {NAME: ["UPDATE_ROLLBACK_COMPLETE"]}
    it.cloudformation.failures = [("Role", "AWS::IAM::Role", "no such policy")]

    with pytest.raises(StackFailedError):
        it.deploy()


def test_a_rule_that_is_not_there_has_no_weights() -> None:
    assert traffic_weights.live_weights(FakeElb(), {}) is None


def test_a_template_without_weights_is_left_alone() -> None:
    plain = template.parse("x", "infra/x.yaml", "Resources: {A: {Type: 'AWS::A::B'}}")

    traffic_weights.refuse_to_move([RULE], plain)
