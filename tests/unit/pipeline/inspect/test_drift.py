"""What is drift and what only looks like it: judged on what CloudFormation answers."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from pipeline.cli import drift_report
from pipeline.errors import AwsRefusedError, DriftError
from pipeline.graph import template
from pipeline.inspect import drift, drift_detection
from pipeline.inspect.drift import HIDDEN
from pipeline.inspect.drift_detection import Detection, Difference, ResourceDrift
from tests.support.fake_rollout import SERVICE, FakeRollouts
from tests.support.fakes import FakeCloudFormation, Time, client_error
from tests.support.small_project import World, world

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
WEIGHTS = "/Actions/0/ForwardConfig/TargetGroups"
TEMPLATE = template.parse(
    "app",
    "infra/app.yaml",
    "Resources:\n"
    "  Rule: {Type: 'AWS::ElasticLoadBalancingV2::ListenerRule'}\n"
    "  Secretive: {Type: 'AWS::X::Y', Properties: {P: '{{resolve:ssm:/orders/dev/test-traffic/secret}}'}}\n"
    "  LogGroup: {Type: 'AWS::Logs::LogGroup'}\n",
)
OWNED = frozenset({"arn:rule"})


def rule(*differences: Difference, groups: tuple[str, ...] = ("blue", "green")) -> ResourceDrift:
    def document(names: tuple[str, ...]) -> dict[str, Any]:
        return {"Actions": [{"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": n} for n in names]}}]}

    return ResourceDrift(
        "Rule", RULE, "arn:rule", "MODIFIED", differences, document(("blue", "green")), document(groups)
    )


def weight(number: int, path: str = "") -> Difference:
    return Difference(path or f"{WEIGHTS}/{number}/Weight", "NOT_EQUAL", "100", "0")


def judged(*resources: ResourceDrift, owned: frozenset[str] = OWNED, fault: str = "") -> drift.StackDrift:
    return drift.judge("app", "orders-dev-app", Detection(resources, 9, fault), owned, TEMPLATE)


def test_weights_that_ecs_moved_are_told_and_are_no_drift() -> None:
    seen = judged(rule(weight(0), weight(1)))

    assert () == seen.drifted
    assert ("Rule",) == seen.weights


def test_target_groups_that_cloudformation_pairs_otherwise_are_weights_too() -> None:
    swapped = rule(
        Difference(f"{WEIGHTS}/0", "REMOVE", '{"TargetGroupArn": "blue", "Weight": 100}', ""),
        Difference(f"{WEIGHTS}/1/TargetGroupArn", "NOT_EQUAL", "green", "blue"),
        groups=("green", "blue"),
    )

    assert () == judged(swapped).drifted


def test_another_target_group_is_drift_and_the_weights_beside_it_are_not() -> None:
    other = Difference(f"{WEIGHTS}/1/TargetGroupArn", "NOT_EQUAL", "green", "mine")

    [found] = judged(rule(weight(0), other, groups=("blue", "mine"))).drifted

    assert (other,) == found.differences


@pytest.mark.parametrize(
    "path", ["/Conditions/0/Values/0", "/Actions/0/Type", "/Priority", "/Actions/0/ForwardConfig/Weight"]
)
def test_everything_else_in_a_rule_of_ecs_is_drift(path: str) -> None:
    [found] = judged(rule(weight(0), weight(0, path))).drifted

    assert [path] == [difference.path for difference in found.differences]


def test_weights_of_a_rule_that_no_service_has_are_drift() -> None:
    [found] = judged(rule(weight(0)), owned=frozenset()).drifted

    assert "Rule" == found.logical_id


def test_a_deleted_rule_is_drift() -> None:
    [found] = judged(replace(rule(), status="DELETED")).drifted

    assert "DELETED" == found.status


def test_a_reference_that_was_not_resolved_cannot_be_compared() -> None:
    unresolved = Difference(
        "/P", "NOT_EQUAL", "{{resolve:ssm:/orders/dev/test-traffic/secret}}", "unguessable"
    )
    seen = judged(ResourceDrift("Secretive", "AWS::X::Y", "y", "MODIFIED", (unresolved,)))

    assert () == seen.drifted
    assert () == seen.weights


@pytest.mark.parametrize("logical_id", ["Secretive", "NotInTheTemplate"])
def test_values_of_a_resource_that_holds_a_secret_are_not_shown(logical_id: str) -> None:
    changed = Difference("/P", "NOT_EQUAL", "unguessable", "known")
    [found] = judged(
        ResourceDrift(
            logical_id, "AWS::X::Y", "y", "MODIFIED", (changed,), {"P": "unguessable"}, {"P": "known"}
        )
    ).drifted

    assert "unguessable" not in str(found)
    assert f"/P has another value {HIDDEN}" == drift.words_of(found.differences[0])


def test_the_rules_of_a_service_are_its_production_and_its_test_rule() -> None:
    class Ecs:
        def describe_services(self, **request: Any) -> dict[str, Any]:
            assert "dev-cluster" == request["cluster"]
            advanced = {"productionListenerRule": "arn:p", "testListenerRule": "arn:t", "roleArn": "arn:role"}
            return {"services": [{"loadBalancers": [{"advancedConfiguration": advanced}, {}]}]}

    assert {"arn:p", "arn:t"} == drift.rules_of(Ecs(), SERVICE)


@pytest.mark.parametrize(
    ("expected", "pending", "is_drift"),
    [
        ("db.t4g.small", {"DBInstanceClass": "db.t4g.small"}, False),
        ("8.4", {"EngineVersion": "8.4.6"}, False),
        ("true", {"MultiAZ": "true"}, False),
        ("db.t4g.small", {"DBInstanceClass": "db.t4g.large"}, True),
        ("db.t4g.small", {"MultiAZ": "true"}, True),
    ],
)
def test_what_a_database_gets_in_its_maintenance_window_is_no_drift(
    expected: str, pending: dict[str, str], is_drift: bool
) -> None:
    path = "/DBInstanceClass" if expected.startswith("db.") else f"/{next(iter(pending))}"
    differs = Difference(path, "NOT_EQUAL", expected, "what it is")
    database = ResourceDrift("Database", "AWS::RDS::DBInstance", "db-1", "MODIFIED", (differs,))

    assert is_drift == bool(drift.without_pending(database, pending).differences)


class DriftingCloudFormation(FakeCloudFormation):
    """found: stack name -> what its resources answer; a detection takes two looks."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, Any]]] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.looks = 0
        self.refusals: list[str] = []

    def detect_stack_drift(self, **request: Any) -> dict[str, Any]:
        if self.refusals:
            raise client_error("DetectStackDrift", "ValidationError", self.refusals.pop())
        return {"StackDriftDetectionId": f"detection-of-{request['StackName']}"}

    def describe_stack_drift_detection_status(self, **request: Any) -> dict[str, Any]:
        self.looks += 1
        if self.looks % 2:
            return {"DetectionStatus": "DETECTION_IN_PROGRESS"}
        name = request["StackDriftDetectionId"].removeprefix("detection-of-")
        return self.ends.get(name, {"DetectionStatus": "DETECTION_COMPLETE"})

    def describe_stack_resource_drifts(self, **request: Any) -> dict[str, Any]:
        found = self.found.get(request["StackName"], [])
        page = int(request.get("NextToken", "0"))
        more = {"NextToken": str(page + 1)} if page + 1 < len(found) else {}
        return {"StackResourceDrifts": found[page : page + 1], **more}


def raw(logical_id: str, kind: str, status: str = "IN_SYNC", **more: Any) -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "PhysicalResourceId": f"physical-{logical_id}",
        "StackResourceDriftStatus": status,
        **more,
    }


RETENTION = {
    "PropertyPath": "/Size",
    "ExpectedValue": "30",
    "ActualValue": "7",
    "DifferenceType": "NOT_EQUAL",
}


@pytest.fixture
def here(tmp_path: Path) -> World:
    cloudformation = DriftingCloudFormation()
    made = world(tmp_path, cloudformation=cloudformation, ecs=FakeRollouts())
    return replace(made, cloudformation=cloudformation).deployed()


def cloud(here: World) -> DriftingCloudFormation:
    assert isinstance(here.cloudformation, DriftingCloudFormation)
    return here.cloudformation


def look(here: World) -> drift.Drift:
    return drift.detect(here.context, lambda _: None)


def test_stacks_as_their_templates_say_are_no_failure(here: World) -> None:
    cloud(here).found["orders-dev-vpc"] = [raw("Vpc", "AWS::EC2::VPC"), raw("X", "AWS::A::B", "NOT_CHECKED")]

    seen = look(here)

    assert seen.failure is None
    assert {"vpc": 1, "ecr": 0, "rds": 0, "app": 0} == {stack.node: stack.checked for stack in seen.stacks}
    assert "### ✅ dev: everything is as the templates say" in drift_report.document(seen)


def test_drift_is_an_error_with_every_resource_at_its_line(here: World) -> None:
    cloud(here).found = {
        "orders-dev-vpc": [raw("Vpc", "AWS::EC2::VPC", "DELETED")],
        "orders-ecr": [
            raw("Other", "AWS::A::B"),
            raw("Repository", "AWS::ECR::Repository", "MODIFIED", PropertyDifferences=[RETENTION]),
        ],
    }

    failure = look(here).failure

    assert isinstance(failure, DriftError)
    assert "2 resources of dev are not as the templates say" == failure.what
    places = dict([(failure.where, failure.why), *failure.also])
    assert (
        "orders-ecr: Repository (AWS::ECR::Repository) was changed: /Size is 7, and not 30"
        == places["infra/ecr.yaml:2"]
    )
    assert "orders-dev-vpc: Vpc (AWS::EC2::VPC) was deleted" == places["infra/vpc.yaml:2"]
    assert "  /Size is 7, and not 30" in failure.details


def test_a_database_that_waits_for_its_maintenance_window_is_told_and_no_drift(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rds:
        def describe_db_instances(self, **request: Any) -> dict[str, Any]:
            assert "physical-Database" == request["DBInstanceIdentifier"]
            return {"DBInstances": [{"PendingModifiedValues": {"Size": 30}}]}

    monkeypatch.setitem(here.context.aws._clients, "rds", Rds())  # type: ignore[attr-defined]
    cloud(here).found["orders-dev-rds"] = [
        raw("Database", "AWS::RDS::DBInstance", "MODIFIED", PropertyDifferences=[RETENTION])
    ]

    seen = look(here)

    assert seen.failure is None
    assert "Database will be as the template says after the maintenance window" in drift_report.document(seen)


def test_a_stack_that_is_not_there_or_at_work_is_told_and_no_error(here: World) -> None:
    here.cloudformation.stacks.clear()
    here.cloudformation.have("orders-dev-vpc", "UPDATE_IN_PROGRESS", *["UPDATE_IN_PROGRESS"] * 9)

    seen = look(here)

    notes = {stack.node: stack.note for stack in seen.stacks}
    assert seen.failure is None
    assert "was not compared: it is UPDATE_IN_PROGRESS" == notes["vpc"]
    assert "is not there yet" == notes["rds"]
    assert "- `orders-dev-rds`: is not there yet" in drift_report.document(seen)


def test_a_detection_that_failed_is_an_error_of_its_own(here: World) -> None:
    reason = "Failed to detect drift on resources [Vpc]"
    cloud(here).ends["orders-dev-vpc"] = {
        "DetectionStatus": "DETECTION_FAILED",
        "DetectionStatusReason": reason,
    }

    seen = look(here)

    assert isinstance(seen.failure, AwsRefusedError)
    assert f"orders-dev-vpc could not be compared wholly: {reason}" == seen.failure.why
    assert "could not be compared wholly" in drift_report.document(seen)


def test_a_detection_is_waited_for(here: World) -> None:
    time = Time()

    drift_detection.result(cloud(here), "orders-dev-vpc", "detection-of-orders-dev-vpc", time.wait, 60)

    assert time.now > 0
    assert 2 == cloud(here).looks


def test_a_stack_that_another_environment_has_detected_at_the_same_time_is_waited_for(here: World) -> None:
    time = Time()
    cloud(here).refusals = ["Drift detection is already in progress for stack: arn:...:stack/orders-ecr/1"]

    begun = drift_detection.begin(cloud(here), "orders-ecr", time.wait, 60)

    assert "detection-of-orders-ecr" == begun
    assert time.now > 0


def test_a_detection_that_is_refused_for_another_reason_is_not_asked_for_again(here: World) -> None:
    cloud(here).refusals = ["no", "not supported"]

    with pytest.raises(ClientError, match="not supported"):
        look(here)

    assert ["no"] == cloud(here).refusals


def test_people_machines_and_issues_are_told_the_same(here: World) -> None:
    cloud(here).found["orders-ecr"] = [
        raw(
            "Repository",
            "AWS::ECR::Repository",
            "MODIFIED",
            PropertyDifferences=[
                RETENTION,
                {**RETENTION, "PropertyPath": "/New", "DifferenceType": "ADD", "ActualValue": "a|b"},
                {**RETENTION, "PropertyPath": "/Old", "DifferenceType": "REMOVE"},
            ],
        )
    ]
    seen = look(here)
    out = Console(file=io.StringIO(), width=200)
    drift_report.show(seen, out)
    document = json.loads(json.dumps(drift_report.as_json(seen)))

    assert "orders-ecr: 1 resources compared, 1 differ" in out.file.getvalue()  # type: ignore[attr-defined]
    assert document["drifted"]
    [stack] = [stack for stack in document["stacks"] if stack["resources"]]
    assert {"path": "/Size", "kind": "NOT_EQUAL", "expected": "30", "actual": "7"} == stack["resources"][0][
        "differences"
    ][0]
    page = drift_report.document(seen)
    assert page.startswith("### ❌ dev: 1 resource of dev is not as the templates say\n")
    assert "| `Repository` | `AWS::ECR::Repository` | `/Size` | `7` | `30` |" in page
    assert r"| `Repository` | `AWS::ECR::Repository` | `/New` | `a\|b` | not there |" in page
    assert "| `Repository` | `AWS::ECR::Repository` | `/Old` | gone | `30` |" in page
