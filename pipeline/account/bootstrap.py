"""Makes an account ready for releases: service-linked roles, and GitHub's identity provider and roles.

Provider and roles are in stacks like any other: one per account (infra/github-oidc.yaml) and one per
environment (infra/github-deploy-role.yaml). Somebody who may make roles deploys the stacks; a second run
changes nothing. The stacks carry no tag of an environment, so neither a release nor `destroy` takes them for
stacks of the environment.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.account import ownership, service_linked_roles
from pipeline.account import roles as identity
from pipeline.account.roles import Repository
from pipeline.cloudformation import deploy, stacks
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import Log
from pipeline.context import Context
from pipeline.errors import UsageError
from pipeline.graph import template

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

SHARED = "github-oidc"
DEPLOY_ROLE = "github-deploy-role"
EVERYWHERE = {"EnvironmentName": identity.REGIONAL, "Region": "*", "LaunchesStacks": "true"}
"""Parameters of the role of regional.yml, which launches everything in other regions and deletes it."""


def run(
    contexts: Sequence[Context], repository: Repository, branch: str, log: Log, *, regional: bool = False
) -> dict[str, str]:
    """Make the account of these environments ready for the workflows of `repository`.

    branch: whose pushes build images. regional: make the role for launches in other regions, too.

    Gives how each stack ended, by name: created, updated, unchanged.
    Raises UsageError where the environments are of different accounts or regions, WrongAccountError, and what
    deploying a stack raises.
    """
    first = contexts[0]
    for context in contexts:
        _must_be_together(first, context)
    first.guard_account()
    iam = first.aws.client("iam")
    service_linked_roles.create(iam, log)
    name = f"{first.project.service}-{SHARED}"
    current = stacks.describe(first.aws.client("cloudformation"), name)
    given = {
        "ServiceName": first.project.service,
        "Repository": repository.name,
        "RepositoryWithIds": repository.with_ids or _known_ids(current, repository),
    }
    existing = _existing_provider(iam, current)
    of_the_account = {"MainBranch": branch, "ExistingProviderArn": existing}
    shared = _deploy(first, name, SHARED, {**given, **of_the_account}, log)
    words = {name: shared.word}
    handed = {key: shared.stack.outputs[key] for key in ("ProviderArn", "BoundaryArn")}
    roles = [{"EnvironmentName": s.environment.name, "Region": s.environment.region} for s in contexts]
    for its_own in [*roles, EVERYWHERE] if regional else roles:
        name = f"{first.project.service}-{SHARED}-{its_own['EnvironmentName']}"
        words[name] = _deploy(first, name, DEPLOY_ROLE, {**given, **handed, **its_own}, log).word
    return words


def _must_be_together(first: Context, other: Context) -> None:
    for word in ("account", "region"):
        one, another = getattr(first.environment, word), getattr(other.environment, word)
        if one != another:
            raise UsageError(
                f"{first.environment.name} and {other.environment.name} are not in one {word}",
                why=f"infra/environments/ says {one} and {another}",
                next_step=f"run bootstrap once for each {word}, with its environments and its credentials",
            )


def _known_ids(current: stacks.StackDescription | None, repository: Repository) -> str:
    """The repository's numbers that an earlier run was given: a run without numbers keeps them."""
    if current is None or current.parameters.get("Repository") != repository.name:
        return ""
    return current.parameters.get("RepositoryWithIds", "")


def _existing_provider(iam: "IAMClient", current: stacks.StackDescription | None) -> str:
    """The ARN of GitHub's identity provider if the account has one that the stack did not make, else "".

    Raises UsageError where that provider does not take AWS's audience.
    """
    ours = current is not None and not current.status.must_be_cleared
    if current is not None and ours and not current.parameters.get("ExistingProviderArn"):
        return ""
    listed = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    found = [p["Arn"] for p in listed if p["Arn"].endswith(f":oidc-provider/{identity.ISSUER}")]
    if not found:
        return ""
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=found[0])
    if identity.AUDIENCE not in provider.get("ClientIDList", []):
        raise UsageError(
            f"the account's identity provider of GitHub does not take the audience {identity.AUDIENCE}",
            why=f"it takes {', '.join(provider.get('ClientIDList', [])) or 'none'}",
            next_step="aws iam add-client-id-to-open-id-connect-provider "
            f"--open-id-connect-provider-arn {found[0]} --client-id {identity.AUDIENCE}",
        )
    return found[0]


def _deploy(
    context: Context, name: str, template_name: str, parameters: Mapping[str, str], log: Log
) -> deploy.Deployment:
    file = context.project.templates / f"{template_name}.yaml"
    read = template.parse(file.stem, f"infra/{file.name}", file.read_text(encoding="utf-8"))
    cloudformation = context.aws.client("cloudformation")
    current = stacks.describe(cloudformation, name)
    ownership.must_be_ours(cloudformation, current, read, context.account_wide_tags)
    spec = StackSpec(name, read, parameters, context.account_wide_tags)
    with context.deployer(log).deploy(spec, current) as deployment:
        for _ in deployment.events():
            pass
    log(f"{name}: {deployment.word}")
    return deployment
