"""Delete an environment: its stacks in reverse order, then its secrets; nothing that Slipway did not make.

Account-wide stacks (the image repository) stay: other environments use them, and images are kept for them.
"""

from pipeline.account import ownership, permissions_boundary
from pipeline.aws import errors, parameters, release_record
from pipeline.cloudformation import fingerprints, stacks
from pipeline.cloudformation.deploy import StackDeployer
from pipeline.cloudformation.stacks import Log
from pipeline.config.environment import Environment
from pipeline.context import Context
from pipeline.errors import ProtectedError, SlipwayError
from pipeline.graph import graph, runner
from pipeline.graph.graph import StackNode
from pipeline.graph.runner import Audience, Result
from pipeline.graph.template import Template
from pipeline.release import stop_rollout
from pipeline.rollout.options import RolloutOptions


def must_be_meant(environment: Environment, confirmed: str) -> None:
    """Raises ProtectedError unless the environment may be destroyed and its name was typed."""
    name = environment.name
    if environment.protected:
        raise ProtectedError(
            f"{name} is protected",
            why=f"infra/environments/{name}.yaml says protected: true",
            next_step="set protected to false in that file, have it reviewed, and run the command again",
        )
    if confirmed != name:
        raise ProtectedError(
            f"destroying {name} deletes its database and everything else in it",
            why="the environment's name was not confirmed",
            next_step=f"python -m pipeline destroy {name} --confirm {name}",
        )


def destroy(context: Context, audience: Audience) -> SlipwayError | None:
    """Delete every stack of the environment, then its secrets and fingerprints. Gives the first failure.

    Raises BusyError while another command holds the environment.
    """
    ssm = context.aws.client("ssm")
    names = context.project.service, context.environment.name
    with context.locked("destroy", audience.log("lock")):

        def step(node: StackNode) -> runner.Step:
            return lambda _: _delete_stack(context, node, audience.log(node.name))

        mine = {name: node for name, node in context.stacks.items() if node.template.per_environment}
        for name in context.stacks.keys() - mine.keys():
            stack_name = context.stack_name(context.stacks[name])
            audience.log(name)(f"{stack_name} stays: it belongs to the account, not to this environment")
        # No other stack needs them: a parameter that no template's output fills is refused before this.
        for current in context.left_over():
            audience.log(current.name)("its template is gone from infra/: deleting the stack first")
            _delete(context.deployer(audience.log(current.name)), current, None)
        steps = {name: step(node) for name, node in mine.items()}
        outcomes = runner.run(graph.reverse_needs(mine), steps, audience, clock=context.clock)
        failure = errors.first_failure(outcome.error for outcome in outcomes.values())
        if failure is None:
            doomed = [n for node in mine.values() for n in node.template.own_secrets(context.names)]
            deleted = parameters.delete(ssm, doomed)
            for secret in deleted:
                audience.log("secrets")(f"deleted {secret}")
            parameters.delete(
                ssm, [fingerprints.parameter_name(*names), release_record.parameter_name(*names)]
            )
            if deleted:
                context.pause(parameters.REUSED_AFTER)  # the next deploy may make the secrets anew
        return failure


def _delete_stack(context: Context, node: StackNode, log: Log) -> Result:
    current = context.current(node)
    if current is None:
        return Result("not there")
    by_hand = f"to delete the stack all the same: {current.command('delete-stack')}"
    stacks.must_be_ours(current, stacks.OURS, by_hand)
    ownership.must_not_be_anothers(current, context.tags_of(node))
    if node.holds_service and not current.status.in_review:
        # No deploy runs that would answer the gates of a rollout under way: destroy holds the lock.
        stop_rollout.stop(context, context.spec(node, node.given), current, log, RolloutOptions())
        current = context.current(node)
    if current is None:
        return Result("deleted")
    held = [one.logical_id for one in node.template.resources.values() if one.holds_data]
    if held:
        log(f"deleting {', '.join(held)} with its data, unless its DeletionPolicy keeps it")
    # The deploy role may take no policy from a role without the boundary, so it could not delete the role.
    spec = permissions_boundary.add(context, context.spec(node, node.given), current)
    boundary, deployer = permissions_boundary.update_to(spec, current), context.deployer(log)
    _delete(deployer, deployer.update_parameters(current, node.template, boundary), node.template)
    return Result("deleted")


def _delete(deployer: StackDeployer, current: stacks.StackDescription, template: Template | None) -> None:
    settled = deployer.settle(current)
    if settled is not None:
        deployer.delete(settled, template)
