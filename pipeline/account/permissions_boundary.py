"""The boundary on the roles that a stack makes: a deploy role may make none without it.

Who releases from elsewhere, with other rights, leaves the roles as they are: a stack keeps the boundary that
it has, and one that never had one, in an account without bootstrap, gets none.
"""

from dataclasses import replace

from pipeline.account import roles
from pipeline.cloudformation import parameter_update
from pipeline.cloudformation.change_set import Wanted
from pipeline.cloudformation.stacks import Live, Say
from pipeline.context import Setting

PARAMETER = "PermissionsBoundaryArn"
ROLE = "AWS::IAM::Role"


def given(setting: Setting, wanted: Wanted, live: Live | None) -> Wanted:
    """`wanted` with the boundary of the deploy role, if that is who asks; else with the one the stack has.

    One that the environment file names stays. Who calls is asked only where the template takes a boundary.
    """
    if PARAMETER not in wanted.template.parameters or wanted.parameters.get(PARAMETER):
        return wanted
    caller = setting.identity.get("Arn", "")
    own = roles.boundary_of(caller, setting.project.service, setting.environment.name)
    boundary = own or (live.parameters.get(PARAMETER) if live else None)
    return replace(wanted, parameters={**wanted.parameters, PARAMETER: boundary}) if boundary else wanted


def align(setting: Setting, wanted: Wanted, live: Live, say: Say) -> Live:
    """Put `wanted`'s boundary on the roles of a stack that has another or none; the stack as it is then.

    One that was first deployed from elsewhere has none. Were the boundary part of the release's own update,
    a rollback would have to take it off again, which the deploy role may not: UPDATE_ROLLBACK_FAILED.
    """
    boundary = wanted.parameters.get(PARAMETER)
    if not boundary or not live.status.ready or live.parameters.get(PARAMETER, boundary) == boundary:
        return live
    return parameter_update.align(
        setting.aws.client("cloudformation"),
        live,
        wanted.template,
        {PARAMETER: boundary},
        say,
        setting.wait,
        setting.timeout,
        what="the boundary of its roles",
        kind=ROLE,
    )
