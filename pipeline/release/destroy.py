"""Delete an environment: its stacks in reverse order, then its secrets; nothing that Slipway did not make.

Account-wide stacks (the image repository) stay: other environments use them, and images are kept for them.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from pipeline.account import permissions_boundary
from pipeline.aws import errors
from pipeline.cloudformation import fingerprints, resources, secrets, stacks
from pipeline.config.environment import Environment
from pipeline.context import Setting
from pipeline.errors import ProtectedError, SlipwayError
from pipeline.graph import graph, runner
from pipeline.graph.runner import Result
from pipeline.graph.template import Template
from pipeline.release import stop_rollout
from pipeline.rollout.controller import Choices


class Audience(runner.Watcher, Protocol):
    """Who is told what happens."""

    def say(self, node: str) -> Callable[[str], None]: ...


def must_be_meant(wanted: Environment, confirmed: str) -> None:
    """Raises ProtectedError unless the environment may be destroyed and its name was typed."""
    if wanted.protected:
        raise ProtectedError(
            f"{wanted.name} is protected",
            why=f"infra/environments/{wanted.name}.yaml says protected: true",
            next_step="set it to false in that file, have it reviewed, and run the command again",
        )
    if confirmed != wanted.name:
        raise ProtectedError(
            f"destroying {wanted.name} deletes its database and everything else in it",
            why="the environment's name was not confirmed",
            next_step=f"python -m pipeline destroy {wanted.name} --confirm {wanted.name}",
        )


def destroy(setting: Setting, audience: Audience) -> SlipwayError | None:
    """Delete every stack of the environment and its SecureStrings; give the first failure, if any.

    Raises BusyError while a deploy runs.
    """
    ssm = setting.aws.client("ssm")
    names = setting.project.service, setting.environment.name
    with setting.locked("destroy", audience.say("lock")):

        def work(name: str, _: Mapping[str, Mapping[str, str]]) -> Result:
            return _delete_stack(setting, name, audience.say(name))

        mine = {
            name: node
            for name, node in setting.stacks.items()
            if node.template is not None and node.template.per_environment
        }
        for name in setting.stacks.keys() - mine.keys():
            stack_name = setting.stack_name(setting.nodes[name])
            audience.say(name)(f"{stack_name} stays: it belongs to the account, not to this environment")
        # Nothing that is left stands on them: a needed output with no template is refused before this.
        for live in setting.left_over():
            audience.say(live.name)("its template is gone from infra/: deleting it first")
            _delete(setting, live, None, audience.say(live.name))
        outcomes = runner.run(graph.reverse_needs(mine), work, audience, clock=setting.clock)
        failure = errors.first_failure(outcome.error for outcome in outcomes.values())
        if failure is None:
            doomed = [
                n
                for node in mine.values()
                if node.template
                for n in secrets.names_in(node.template, node.given)
            ]
            for secret in secrets.delete(ssm, doomed):
                audience.say("secrets")(f"deleted {secret}")
            secrets.delete(ssm, [fingerprints.parameter_name(*names)])
        return failure


def _delete_stack(setting: Setting, name: str, say: Callable[[str], None]) -> Result:
    node = setting.nodes[name]
    live = setting.live(node)
    if live is None or node.template is None:
        return Result("not there")
    by_hand = f"if you mean to: {live.command('delete-stack')}"
    stacks.must_be_ours(live, stacks.OURS, by_hand)
    if node.template.has(resources.SERVICE) and not live.status.in_review:
        # Nobody is left to answer a gate: whoever held the lock is gone, or never had it.
        stop_rollout.stop(setting, setting.wanted(node, node.given), live, say, Choices())
        live = setting.live(node)
    if live is None:
        return Result("deleted")
    # The deploy role takes no powers from a role without the boundary, so it could not delete it either.
    wanted = permissions_boundary.given(setting, setting.wanted(node, node.given), live)
    live = permissions_boundary.align(setting, wanted, live, say)
    _delete(setting, live, node.template, say)
    return Result("deleted")


def _delete(
    setting: Setting, live: stacks.Live, template: Template | None, say: Callable[[str], None]
) -> None:
    cloudformation = setting.aws.client("cloudformation")
    settled = stacks.settle(cloudformation, live, say, setting.wait, setting.timeout)
    if settled is not None:
        stacks.delete(cloudformation, settled, template, say, setting.wait, timeout=setting.timeout)
