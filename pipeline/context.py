"""What every command stands on: the project, the environment, its graph, AWS, and time passed in."""

import functools
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.aws import lock
from pipeline.aws.session import Aws, guard_account
from pipeline.cloudformation import stacks as stack_state
from pipeline.cloudformation.change_set import StackSpec
from pipeline.config.environment import Environment
from pipeline.config.project import Project
from pipeline.graph import graph, template
from pipeline.graph.graph import Node
from pipeline.waiting import wait_until

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef


@dataclass(frozen=True)
class Context:
    """One environment of one project, reachable. `sleep` and `clock` are seconds."""

    project: Project
    environment: Environment
    nodes: Mapping[str, Node]
    aws: Aws
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def stacks(self) -> dict[str, Node]:
        """The nodes that are stacks, in order."""
        return {name: node for name, node in self.nodes.items() if node.template is not None}

    @property
    def tags(self) -> dict[str, str]:
        """Stack tags of what belongs to this environment. CloudFormation puts them on every resource, so they
        must be the same at every deploy: a tag that changes touches every resource.
        """
        return {**self.account_wide_tags, "environment": self.environment.name}

    @property
    def account_wide_tags(self) -> dict[str, str]:
        return {"service": self.project.service, **stack_state.OURS}

    @property
    def timeout(self) -> float:
        return self.environment.stack_timeout_minutes * 60.0

    def wait(self, probe: Callable[[], Any], **options: Any) -> Any:
        """waiting.wait_until on this setting's time; a local AWS throttles nobody and is asked more often."""
        local = self.environment.target == "local"
        options.setdefault("first_pause", 0.1 if local else 1.0)
        options.setdefault("longest_pause", 0.25 if local else 5.0)
        return wait_until(probe, sleep=self.sleep, clock=self.clock, **options)

    def locked(
        self, command: str, log: Callable[[str], None], patience: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold the environment for a command. Raises BusyError where another one holds it for longer than
        `patience` seconds.
        """
        name = self.environment.name
        owner = lock.myself(f"{command} {name}")
        parameter = lock.parameter_name(self.project.service, name)
        ssm = self.aws.client("ssm")
        return lock.wait_for(
            lambda: lock.held(ssm, parameter, owner, log, sleep=self.sleep), log, self.wait, patience
        )

    def stack_name(self, node: Node) -> str:
        if node.template is None:
            raise ValueError(f"{node.name} is not a stack")
        return node.template.stack_name(self.project.service, self.environment.name)

    def spec(self, node: Node, parameters: Mapping[str, str]) -> StackSpec:
        if node.template is None:
            raise ValueError(f"{node.name} is not a stack")
        tags = self.tags if node.template.per_environment else self.account_wide_tags
        return StackSpec(self.stack_name(node), node.template, parameters, tags)

    def current(self, node: Node) -> stack_state.StackDescription | None:
        return stack_state.describe(self.aws.client("cloudformation"), self.stack_name(node))

    @functools.cached_property
    def identity(self) -> "GetCallerIdentityResponseTypeDef":
        """Whose credentials these are: STS GetCallerIdentity's answer, asked for once."""
        return self.aws.client("sts").get_caller_identity()

    def guard_account(self) -> None:
        """Refuse the credentials of any account but the environment's; raises WrongAccountError."""
        guard_account(self.identity, self.environment)

    @functools.cached_property
    def repository_node(self) -> Node | None:
        """The stack that gives RepositoryUri."""
        image = self.nodes.get(graph.IMAGE)
        return self.nodes[image.wired[graph.IMAGE_NEEDS]] if image else None

    def left_over(self) -> list[stack_state.StackDescription]:
        """This environment's stacks whose template is gone from infra/, the newest first; not one that is in
        review, which has no tags yet and holds nothing.
        """
        known = {self.stack_name(node) for node in self.stacks.values()}
        every = stack_state.tagged(self.aws.client("cloudformation"), self.tags)
        return [current for current in every if current.name not in known]

    def live_outputs(self) -> dict[str, str]:
        """Every output of every stack that is there, in one mapping: names are unique over the templates."""
        outputs: dict[str, str] = {}
        for node in self.stacks.values():
            current = self.current(node)
            outputs.update(current.outputs if current else {})
        return outputs


def nodes_of(project: Project, environment: Environment) -> dict[str, Node]:
    """The graph of a project's templates in an environment; raises all faults at once, asks AWS nothing."""
    return graph.derive(template.load_all(project.templates), environment, project.service)
