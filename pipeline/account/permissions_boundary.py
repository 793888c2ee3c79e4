"""The boundary on the roles that a stack makes: a deploy role may make none without it.

Who releases from elsewhere, with other rights, leaves the roles as they are: a stack keeps the boundary that
it has, and one that never had one, in an account without bootstrap, gets none.
"""

from dataclasses import replace

from pipeline.account import roles
from pipeline.cloudformation import parameter_update
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import Log, StackDescription
from pipeline.context import Context

PARAMETER = "PermissionsBoundaryArn"
ROLE = "AWS::IAM::Role"


def add(context: Context, spec: StackSpec, current: StackDescription | None) -> StackSpec:
    """`wanted` with the boundary of the deploy role, if that is who asks; else with the one the stack has.

    One that the environment file names stays. Who calls is asked only where the template takes a boundary.
    """
    if PARAMETER not in spec.template.parameters or spec.parameters.get(PARAMETER):
        return spec
    caller = context.identity.get("Arn", "")
    own = roles.boundary_of(caller, context.project.service, context.environment.name)
    boundary = own or (current.parameters.get(PARAMETER) if current else None)
    return replace(spec, parameters={**spec.parameters, PARAMETER: boundary}) if boundary else spec


def attach(context: Context, spec: StackSpec, current: StackDescription, log: Log) -> StackDescription:
    """Put `wanted`'s boundary on the roles of a stack that has another or none; the stack as it is then.

    One that was first deployed from elsewhere has none. Were the boundary part of the release's own update,
    a rollback would have to take it off again, which the deploy role may not: UPDATE_ROLLBACK_FAILED.
    """
    boundary = spec.parameters.get(PARAMETER)
    if not boundary or not current.status.ready or current.parameters.get(PARAMETER, boundary) == boundary:
        return current
    return parameter_update.apply(
        context.aws.client("cloudformation"),
        current,
        spec.template,
        {PARAMETER: boundary},
        log,
        context.wait,
        context.timeout,
        what="the boundary of its roles",
        kind=ROLE,
    )
