"""Bootstrap: an account made ready for the workflows of a repository, once or again."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pipeline.account import bootstrap
from pipeline.account.roles import Repository
from pipeline.context import Context
from pipeline.errors import ProtectedError, UsageError, WrongAccountError
from tests.support.fakes import FakeCloudFormation, FakeSts
from tests.support.small_project import world

SHOP = Repository("acme/shop")
PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
OUTPUTS = {"ProviderArn": PROVIDER, "BoundaryArn": "arn:aws:iam::000000000000:policy/orders-boundary"}


class FakeIam:
    """Identity providers: arn -> the audiences it takes."""

    def __init__(self, **providers: list[str]) -> None:
        self.providers = dict(providers)
        self.services: list[str] = []

    def create_service_linked_role(self, **request: Any) -> dict[str, Any]:
        self.services.append(request["AWSServiceName"])
        return {}

    def list_open_id_connect_providers(self) -> dict[str, Any]:
        return {"OpenIDConnectProviderList": [{"Arn": arn} for arn in self.providers]}

    def get_open_id_connect_provider(self, **request: Any) -> dict[str, Any]:
        return {"ClientIDList": self.providers[request["OpenIDConnectProviderArn"]]}


class Recording(FakeCloudFormation):
    """Keeps every request for a change set, and shows a stack with the parameters it was last given."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[dict[str, Any]] = []

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        answer = super().create_change_set(**request)
        self.stacks[answer["StackId"]]["Parameters"] = request["Parameters"]
        return answer


@dataclasses.dataclass(frozen=True)
class Account:
    context: Context
    cloudformation: Recording
    iam: FakeIam


def account(root: Path, iam: FakeIam | None = None, **clients: Any) -> Account:
    cloudformation, iam = Recording(), iam or FakeIam()
    made = world(root, cloudformation=cloudformation, iam=iam, **clients)
    for name in (bootstrap.SHARED, bootstrap.DEPLOY_ROLE):
        (root / f"infra/{name}.yaml").write_text(
            "Metadata: {Slipway: {Release: false}}\nResources: {A: {Type: 'AWS::IAM::Role'}}\n"
        )
    cloudformation.outputs_of = {"orders-github-oidc": OUTPUTS}
    return Account(made.context, cloudformation, iam)


def of(context: Context, **changes: Any) -> Context:
    return dataclasses.replace(context, environment=context.environment.model_copy(update=changes))


def run(context: Context, *more: Context, repository: Repository = SHOP) -> dict[str, str]:
    return bootstrap.run([context, *more], repository, "main", lambda _: None)


def given(made: Account, stack: str) -> dict[str, str]:
    """The parameters that the stack's latest change set came with."""
    requests = [r for r in made.cloudformation.requests if r["StackName"] == stack]
    return {p["ParameterKey"]: p["ParameterValue"] for p in requests[-1]["Parameters"]}


def test_an_account_gets_one_stack_for_all_and_one_for_each_environment(tmp_path: Path) -> None:
    made = account(tmp_path)

    words = run(made.context, of(made.context, name="prod"))

    assert {
        "orders-github-oidc": "created",
        "orders-github-oidc-dev": "created",
        "orders-github-oidc-prod": "created",
    } == words
    assert {
        "ServiceName": "orders",
        "Repository": "acme/shop",
        "RepositoryWithIds": "",
        "EnvironmentName": "prod",
        "Region": "eu-west-1",
        **OUTPUTS,
    } == given(made, "orders-github-oidc-prod")


def test_an_account_gets_the_service_linked_roles_that_a_first_release_needs(tmp_path: Path) -> None:
    made = account(tmp_path)

    run(made.context)

    services = [f"{name}.amazonaws.com" for name in ("ecs", "elasticloadbalancing", "rds")]
    assert services == made.iam.services


def test_the_launches_in_other_regions_get_a_role_of_their_own_if_they_are_asked_for(tmp_path: Path) -> None:
    made = account(tmp_path)

    made_of = bootstrap.run([made.context], SHOP, "main", lambda _: None, regional=True)

    assert ["orders-github-oidc", "orders-github-oidc-dev", "orders-github-oidc-regional"] == list(made_of)
    role = given(made, "orders-github-oidc-regional")
    assert ("regional", "*", "true") == (role["EnvironmentName"], role["Region"], role["LaunchesStacks"])


def test_no_stack_of_it_is_taken_for_an_environments_own(tmp_path: Path) -> None:
    made = account(tmp_path)

    run(made.context)

    tags = [{t["Key"] for t in r["Tags"]} for r in made.cloudformation.requests]
    assert [{"service", "managed-by"}] * 2 == tags


def test_a_stack_that_only_has_its_name_is_refused(tmp_path: Path) -> None:
    made = account(tmp_path)
    stack_id = made.cloudformation.have("orders-github-oidc", "CREATE_COMPLETE")
    made.cloudformation.stacks[stack_id]["Tags"] = []
    made.cloudformation.resources = {"Theirs": ("AWS::IAM::Role", "their-role")}

    with pytest.raises(ProtectedError, match="was not made by Slipway, and holds Theirs"):
        run(made.context)

    assert [] == made.cloudformation.requests


def test_a_provider_that_the_account_has_is_used(tmp_path: Path) -> None:
    made = account(tmp_path, FakeIam(**{PROVIDER: ["sts.amazonaws.com"], "arn:other": []}))

    run(made.context)

    assert PROVIDER == given(made, "orders-github-oidc")["ExistingProviderArn"]


def test_the_stacks_own_provider_stays_its_own_the_second_time(tmp_path: Path) -> None:
    made = account(tmp_path)
    run(made.context)
    made.iam.providers[PROVIDER] = ["sts.amazonaws.com"]

    run(made.context)

    assert "" == given(made, "orders-github-oidc")["ExistingProviderArn"]


def test_a_provider_that_does_not_take_awss_audience_is_refused_with_the_command_that_helps(
    tmp_path: Path,
) -> None:
    made = account(tmp_path, FakeIam(**{PROVIDER: ["somebody.example"]}))

    with pytest.raises(UsageError) as refused:
        run(made.context)

    assert "add-client-id-to-open-id-connect-provider" in refused.value.next_step
    assert [] == made.cloudformation.requests


def test_numbers_that_were_given_once_are_kept(tmp_path: Path) -> None:
    made = account(tmp_path)
    run(made.context, repository=Repository("acme/shop", ("11", "22")))

    run(made.context)

    assert "acme@11/shop@22" == given(made, "orders-github-oidc")["RepositoryWithIds"]


def test_another_repository_does_not_inherit_numbers(tmp_path: Path) -> None:
    made = account(tmp_path)
    run(made.context, repository=Repository("acme/shop", ("11", "22")))

    run(made.context, repository=Repository("acme/other"))

    assert "" == given(made, "orders-github-oidc")["RepositoryWithIds"]


def test_the_wrong_account_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    made = account(tmp_path, sts=FakeSts("999999999999"))

    with pytest.raises(WrongAccountError):
        run(made.context)

    assert ([], []) == (made.cloudformation.requests, made.iam.services)


@pytest.mark.parametrize(("word", "value"), [("account", "111111111111"), ("region", "us-east-1")])
def test_environments_of_two_accounts_or_regions_are_two_runs(tmp_path: Path, word: str, value: str) -> None:
    made = account(tmp_path)

    with pytest.raises(UsageError) as refused:
        run(made.context, of(made.context, name="prod", **{word: value}))

    assert f"dev and prod are not in one {word}" == refused.value.what


def test_the_stack_of_another_services_roles_is_refused(tmp_path: Path) -> None:
    made = account(tmp_path)
    taken = made.cloudformation.have("orders-github-oidc", "CREATE_COMPLETE")
    tags = {"service": "orders-github", "managed-by": "slipway"}
    made.cloudformation.stacks[taken]["Tags"] = [{"Key": k, "Value": v} for k, v in tags.items()]

    with pytest.raises(ProtectedError, match="belongs to orders-github in the whole account"):
        run(made.context)
