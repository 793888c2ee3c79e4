"""The permissions boundary of the roles that a stack makes: the deploy role may make no role without it.

A deploy with other credentials leaves the roles as they are: a stack keeps the boundary that it has, and a
stack without one, in an account without bootstrap, gets none.
"""

from dataclasses import replace

from pipeline.account import roles
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.parameter_update import ParameterUpdate
from pipeline.cloudformation.stacks import StackDescription
from pipeline.context import Context

PARAMETER = "PermissionsBoundaryArn"
ROLE = "AWS::IAM::Role"


def add(context: Context, spec: StackSpec, current: StackDescription | None) -> StackSpec:
    """`spec` with the boundary of the deploy role, if that role deploys; else with the boundary of the stack.

    A boundary that the environment file names stays. STS is asked only where the template takes a boundary.
    """
    if PARAMETER not in spec.template.parameters or spec.parameters.get(PARAMETER):
        return spec
    caller = context.identity.get("Arn", "")
    own = roles.boundary_of(caller, context.project.service, context.environment.name)
    boundary = own or (current.parameters.get(PARAMETER) if current else None)
    return replace(spec, parameters={**spec.parameters, PARAMETER: boundary}) if boundary else spec


def update_to(spec: StackSpec, current: StackDescription) -> ParameterUpdate | None:
    """The update that puts the boundary of `spec` on the roles of a stack; None where they have it already.

    A stack that was first deployed from elsewhere has none. Were the boundary part of the release's own
    update, a rollback would have to take it off again, which the deploy role may not: UPDATE_ROLLBACK_FAILED.
    """
    boundary = spec.parameters.get(PARAMETER)
    if not boundary or not current.status.ready or current.parameters.get(PARAMETER, boundary) == boundary:
        return None
    return ParameterUpdate({PARAMETER: boundary}, "the boundary of its roles", ROLE)
