"""One stack is deployed from whatever state an earlier run left it in; any rollback is a failure."""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.cloudformation import stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.deploy import Deployment, StackDeployer
from pipeline.cloudformation.events import Event
from pipeline.errors import StackFailedError, StackStuckError, WaitTimeoutError
from pipeline.graph import template
from tests.support.fakes import FakeCloudFormation, Time, client_error

TEMPLATE = template.parse("app", "infra/app.yaml", "Resources:\n  Thing: {Type: 'AWS::A::B'}\n")
NAME = "orders-dev-app"
WANTED = StackSpec(NAME, TEMPLATE, {"P": "1"}, {"service": "orders"})


class Deploy:
    """Deploys WANTED and keeps what was said."""

    def __init__(self, cloudformation: FakeCloudFormation) -> None:
        self.cloudformation = cloudformation
        self.said: list[str] = []
        self.causes: list[Event] = []
        self.looks: list[int] = []
        self.time = Time()

    @property
    def deployer(self) -> StackDeployer:
        return StackDeployer(self.cloudformation, self.time.waiter, self.said.append, timeout=60)

    def __call__(self) -> Deployment:
        with self.deployer.deploy(WANTED, stacks.describe(self.cloudformation, NAME)) as deployment:
            for look in deployment.events():
                self.looks.append(len(look.events))
                if look.cause is not None:
                    self.causes.append(look.cause)
                    deployment.diagnostics.append("its last words")
        return deployment


@pytest.fixture
def cloudformation() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def deploy(cloudformation: FakeCloudFormation) -> Deploy:
    return Deploy(cloudformation)


def test_a_stack_that_is_not_there_is_created(deploy: Deploy, cloudformation: FakeCloudFormation) -> None:
    deployed = deploy()

    assert "created" == deployed.word
    assert {"Out": "1"} == deployed.stack.outputs
    assert [f"create_change_set CREATE {NAME}", f"execute {NAME}"] == cloudformation.log


def test_the_change_set_carries_parameters_tags_and_capabilities(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    deploy()

    request = cloudformation.last_request
    assert [{"ParameterKey": "P", "ParameterValue": "1"}] == request["Parameters"]
    assert [{"Key": "service", "Value": "orders"}] == request["Tags"]
    assert ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"] == request["Capabilities"]
    assert TEMPLATE.body == request["TemplateBody"]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_settled_stack_is_updated(deploy: Deploy, cloudformation: FakeCloudFormation, status: str) -> None:
    cloudformation.have(NAME, status)

    assert "updated" == deploy().word
    assert [f"create_change_set UPDATE {NAME}", f"execute {NAME}"] == cloudformation.log


def test_nothing_to_change_is_a_success_and_leaves_no_change_set(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")
    cloudformation.empty.add(NAME)

    assert "unchanged" == deploy().word
    assert [f"create_change_set UPDATE {NAME}", "delete_change_set"] == cloudformation.log


@pytest.mark.parametrize(
    "status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"]
)
def test_what_never_lived_is_cleared_away_and_made_again(
    deploy: Deploy, cloudformation: FakeCloudFormation, status: str
) -> None:
    cloudformation.have(NAME, status)

    assert "created" == deploy().word
    assert [f"delete {NAME}", f"create_change_set CREATE {NAME}", f"execute {NAME}"] == cloudformation.log
    assert any(status in line for line in deploy.said)


def test_a_busy_stack_is_waited_for_and_then_updated(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")

    assert "updated" == deploy().word
    assert (
        "UPDATE_IN_PROGRESS already, by an earlier run or somebody else: waiting for it to end" in deploy.said
    )


def test_an_interrupted_creation_that_rolled_back_is_made_again(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")

    assert "created" == deploy().word


def test_a_stack_that_is_being_deleted_is_created_afterwards(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "DELETE_IN_PROGRESS", "DELETE_COMPLETE")

    assert "created" == deploy().word


def test_a_stuck_rollback_is_explained_with_the_command_that_helps(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "UPDATE_ROLLBACK_FAILED")

    with pytest.raises(StackStuckError) as refused:
        deploy()

    assert (
        f"aws cloudformation continue-update-rollback --stack-name {NAME} --region eu-west-1"
        in refused.value.next_step
    )
    assert [] == cloudformation.log


def test_an_update_that_failed_and_was_not_rolled_back_is_explained(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "UPDATE_FAILED")

    with pytest.raises(StackStuckError) as refused:
        deploy()

    assert (
        f"aws cloudformation rollback-stack --stack-name {NAME} --region eu-west-1" in refused.value.next_step
    )
    assert [] == cloudformation.log


def test_a_deletion_that_failed_is_explained(deploy: Deploy, cloudformation: FakeCloudFormation) -> None:
    cloudformation.have(NAME, "DELETE_FAILED")

    with pytest.raises(StackStuckError) as refused:
        deploy()

    assert (
        f"aws cloudformation delete-stack --stack-name {NAME} --region eu-west-1" in refused.value.next_step
    )


def test_a_clearing_away_that_fails_says_what_every_further_deploy_says(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "ROLLBACK_COMPLETE")
    cloudformation.next_ends[NAME] = ["DELETE_FAILED"]

    with pytest.raises(StackStuckError) as first:
        deploy()
    with pytest.raises(StackStuckError) as second:
        deploy()

    assert first.value.next_step == second.value.next_step


def test_what_lives_in_a_stack_whose_import_failed_is_not_deleted_on_our_advice(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "IMPORT_ROLLBACK_FAILED")

    with pytest.raises(StackStuckError) as refused:
        deploy()

    assert "delete-stack" not in refused.value.next_step
    assert (
        f"aws cloudformation describe-stack-events --stack-name {NAME} --region eu-west-1"
        in refused.value.next_step
    )


@pytest.mark.parametrize(
    "ending",
    [
        ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        ["UPDATE_ROLLBACK_FAILED"],
        ["UPDATE_FAILED"],
    ],
)
def test_a_rollback_fails_with_the_first_cause_its_line_and_the_evidence(
    deploy: Deploy, cloudformation: FakeCloudFormation, ending: list[str]
) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")
    cloudformation.next_ends[NAME] = ending
    cloudformation.failures = [
        ("Beside", "AWS::C::D", "Resource creation cancelled"),
        ("Thing", "AWS::A::B", "There is no room for it"),
        ("Later", "AWS::C::D", "Another reason"),
    ]

    with pytest.raises(StackFailedError) as failed:
        deploy()

    assert f"stack {NAME} ended in {ending[-1]}" == failed.value.what
    assert "Thing (AWS::A::B): There is no room for it [infra/app.yaml:2]" == failed.value.why
    assert "infra/app.yaml:2" == failed.value.where
    assert ("its last words",) == failed.value.details
    assert 1 == len(deploy.causes)


@pytest.mark.parametrize("ending", [["ROLLBACK_COMPLETE"], ["ROLLBACK_IN_PROGRESS", "DELETE_COMPLETE"]])
def test_the_cause_is_told_where_the_stack_and_its_events_go_before_the_end(
    deploy: Deploy, cloudformation: FakeCloudFormation, ending: list[str]
) -> None:
    cloudformation.next_ends[NAME] = ["CREATE_IN_PROGRESS", *ending]
    cloudformation.failures = [("Thing", "AWS::A::B", "There is no room for it")]
    cloudformation.forgets_events_after = 2

    with pytest.raises(StackFailedError) as failed:
        deploy()

    assert NAME in failed.value.what
    assert "Thing (AWS::A::B): There is no room for it [infra/app.yaml:2]" == failed.value.why
    assert ("its last words",) == failed.value.details


def test_failures_of_an_earlier_run_are_not_this_ones_cause(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    stack_id = cloudformation.have(NAME, "UPDATE_ROLLBACK_COMPLETE")
    cloudformation._event(stack_id, "Old", "AWS::A::B", "UPDATE_FAILED", "An old reason")
    cloudformation.next_ends[NAME] = ["UPDATE_ROLLBACK_COMPLETE"]
    cloudformation.failures = [("Thing", "AWS::A::B", "The new reason")]

    with pytest.raises(StackFailedError) as failed:
        deploy()

    assert "The new reason" in failed.value.why
    assert not any("An old reason" in line for line in deploy.said)


def test_events_are_said_in_order_and_once(deploy: Deploy, cloudformation: FakeCloudFormation) -> None:
    cloudformation.failures = [(f"Thing{i}", "AWS::A::B", "why") for i in range(7)]
    cloudformation.next_ends[NAME] = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]

    deploy()

    said = [line.split()[1] for line in deploy.said if "Thing" in line]
    assert [f"Thing{i}" for i in range(7)] == said


def test_a_change_set_that_aws_refuses_fails_with_its_words(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.refusal = "Parameter validation failed: parameter value vpc-1 does not exist"

    with pytest.raises(StackFailedError) as failed:
        deploy()

    assert "Parameter validation failed: parameter value vpc-1 does not exist" == failed.value.why
    assert "delete_change_set" in cloudformation.log


def test_waiting_ends_in_time_and_says_how_to_carry_on(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.next_ends[NAME] = ["CREATE_IN_PROGRESS"]

    with pytest.raises(WaitTimeoutError) as late:
        deploy()

    assert "run the same command again" in late.value.next_step
    assert 60 <= deploy.time.now < 90


def test_a_change_set_that_an_earlier_run_left_is_taken_away(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")
    cloudformation.create_change_set(
        StackName=NAME, ChangeSetName="slipway-left-over", ChangeSetType="UPDATE"
    )
    cloudformation.create_change_set(StackName=NAME, ChangeSetName="somebody-elses", ChangeSetType="UPDATE")
    cloudformation.now += timedelta(minutes=15)

    deploy()

    assert 1 == cloudformation.log.count("delete_change_set")


def test_a_change_set_that_another_run_may_be_reading_is_left_to_it(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")
    cloudformation.create_change_set(
        StackName=NAME, ChangeSetName="slipway-of-another-plan", ChangeSetType="UPDATE"
    )
    cloudformation.now += timedelta(minutes=14)

    deploy()

    assert 0 == cloudformation.log.count("delete_change_set")


def test_a_change_set_that_cloudformation_still_makes_for_an_interrupted_run_holds_nobody_up(
    deploy: Deploy, cloudformation: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")
    cloudformation.create_change_set(
        StackName=NAME, ChangeSetName="slipway-left-over", ChangeSetType="UPDATE"
    )
    cloudformation.now += timedelta(minutes=15)

    def refused(**_: Any) -> None:
        words = "Cannot delete ChangeSet in status CREATE_IN_PROGRESS"
        raise client_error("DeleteChangeSet", "InvalidChangeSetStatus", words)

    monkeypatch.setattr(cloudformation, "delete_change_set", refused)

    assert "updated" == deploy().word


def test_a_request_that_is_sent_again_asks_for_the_same_change_set(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    deploy()

    request = cloudformation.last_request
    assert request["ChangeSetName"] == request["ClientToken"]


def test_deleting_names_the_resource_that_stayed(deploy: Deploy, cloudformation: FakeCloudFormation) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")
    cloudformation.next_ends[NAME] = ["DELETE_FAILED"]
    cloudformation.failures = [("Thing", "AWS::A::B", "it is in use")]
    current = stacks.describe(cloudformation, NAME)
    assert current is not None

    with pytest.raises(StackStuckError) as stuck:
        deploy.deployer.delete(current, TEMPLATE)

    assert "Thing (AWS::A::B): it is in use" == stuck.value.why
    assert "infra/app.yaml:2" == stuck.value.where


def test_an_interrupted_update_that_ends_as_wanted_was_joined(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    cloudformation.empty.add(NAME)

    assert "joined" == deploy().word


def test_whoever_reads_the_events_is_given_every_look_with_all_events(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.next_ends[NAME] = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]

    deploy()

    assert len(deploy.looks) >= 3
    assert sorted(deploy.looks) == deploy.looks


def test_a_change_set_that_is_not_executed_is_discarded(
    deploy: Deploy, cloudformation: FakeCloudFormation
) -> None:
    cloudformation.have(NAME, "CREATE_COMPLETE")

    with (
        pytest.raises(KeyboardInterrupt),
        deploy.deployer.deploy(WANTED, stacks.describe(cloudformation, NAME)),
    ):
        raise KeyboardInterrupt

    assert [f"create_change_set UPDATE {NAME}", "delete_change_set"] == cloudformation.log
