"""What every command works with: the project, the environment, its graph, AWS, and time passed in."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.aws import deletions, lock
from pipeline.aws.parameters import ParameterVersions
from pipeline.aws.session import Aws, guard_account
from pipeline.cloudformation import stacks as stack_state
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.data_loss import Named
from pipeline.cloudformation.deploy import StackDeployer
from pipeline.cloudformation.outside import Outside
from pipeline.config import environment as config
from pipeline.config.environment import Environment
from pipeline.config.project import Project
from pipeline.errors import EnvironmentFileError, UsageError
from pipeline.graph import graph, refused, template
from pipeline.graph.graph import Node, StackNode
from pipeline.graph.template import Template
from pipeline.waiting import T, Waiter

if TYPE_CHECKING:
    from types_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef


@dataclass(frozen=True)
class Context:
    """One environment of one project, reachable. `sleep` takes seconds and `clock` gives them."""

    project: Project
    environment: Environment
    nodes: Mapping[str, Node]
    aws: Aws
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def stacks(self) -> dict[str, StackNode]:
        """The nodes that are stacks, in the order of a deploy."""
        return {name: node for name, node in self.nodes.items() if isinstance(node, StackNode)}

    @property
    def service_node(self) -> StackNode:
        """The stack that holds the ECS service. Raises UsageError where no template has one."""
        for node in self.stacks.values():
            if node.holds_service:
                return node
        raise UsageError("no template has an ECS service", next_step="there is nothing to roll back")

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

    @property
    def waiter(self) -> Waiter:
        """Waits on this context's time. A local AWS throttles nobody and is asked more often."""
        first_pause, longest_pause = (0.1, 0.25) if self.environment.target == "local" else (1.0, 5.0)
        return Waiter(first_pause, longest_pause, self.sleep, self.clock)

    def pause(self, seconds: float) -> None:
        """Give AWS time that no call asks for. A local AWS needs none."""
        if self.environment.target == "aws" and not self.aws.on_this_machine:
            self.sleep(seconds)

    def wait(self, probe: Callable[[], T | None], *, what: str, timeout: float) -> T:
        """Call `probe` until it gives something other than None. Raises WaitTimeoutError."""
        return self.waiter.until(probe, what=what, timeout=timeout)

    def deployer(self, log: stack_state.Log, replaces: frozenset[str] = frozenset()) -> StackDeployer:
        """What deploys and deletes this environment's stacks. log: is given every stack event. replaces: what
        was named of what holds data (`data_loss.Named`).
        """
        cloudformation, named = self.aws.client("cloudformation"), self.named(replaces)
        return StackDeployer(cloudformation, self.waiter, log, self.timeout, named)

    def named(self, replaces: frozenset[str]) -> Named:
        """What holds data and may be replaced or removed all the same, with the command that names it."""
        return Named(f"python -m pipeline deploy {self.environment.name}", replaces)

    @property
    def promised(self) -> frozenset[str]:
        """The SSM parameters that the templates make: as a resource, or as a secret of their own."""
        values = {name: {**node.given, **self._place} for name, node in self.stacks.items()}
        return frozenset(
            name
            for key, node in self.stacks.items()
            for name in (
                *node.template.own_secrets(values[key]),
                *(read.name for read in node.template.reads(values[key]) if read.kind == "made"),
            )
        )

    @property
    def _place(self) -> dict[str, str]:
        return {
            "AWS::Region": self.aws.region,
            "AWS::AccountId": self.environment.account,
            "AWS::Partition": "aws",
            **self.names,
        }

    @property
    def names(self) -> dict[str, str]:
        """What fills the names of secrets."""
        return {"ServiceName": self.project.service, "EnvironmentName": self.environment.name}

    def outside(self, versions: ParameterVersions) -> Outside:
        """What looks at the inputs of stacks that stand outside of their templates."""
        cloudformation = self.aws.client("cloudformation")
        return Outside(
            cloudformation,
            versions,
            self._place,
            lambda name: deletions.told(self.aws.client("cloudtrail"), name),
        )

    def locked(
        self, command: str, log: stack_state.Log, patience: float = 0.0
    ) -> AbstractContextManager[str]:
        """Hold the environment for a command; gives the token of the lock. Raises BusyError where another one
        holds it for longer than `patience` seconds.
        """
        name = self.environment.name
        parameter = lock.parameter_name(self.project.service, name)
        return self.holding(parameter, f"{command} {name}", log, patience)

    @contextmanager
    def holding(self, parameter: str, command: str, log: stack_state.Log, patience: float) -> Iterator[str]:
        """Hold the lock in an SSM parameter for a command. Raises BusyError as `locked` does."""
        ssm, owner = self.aws.client("ssm"), lock.myself(command)
        with lock.wait_for(
            lambda: lock.held(ssm, parameter, owner, log, sleep=self.sleep), log, self.wait, patience
        ):
            yield owner.token

    def stack_name(self, node: StackNode) -> str:
        return node.template.stack_name(self.project.service, self.environment.name)

    def spec(self, node: StackNode, parameters: Mapping[str, str]) -> StackSpec:
        return StackSpec(self.stack_name(node), node.template, parameters, self.tags_of(node))

    def tags_of(self, node: StackNode) -> dict[str, str]:
        """The tags of a stack: they say whose it is."""
        return self.tags if node.template.per_environment else self.account_wide_tags

    def current(self, node: StackNode) -> stack_state.StackDescription | None:
        return stack_state.describe(self.aws.client("cloudformation"), self.stack_name(node))

    @functools.cached_property
    def identity(self) -> "GetCallerIdentityResponseTypeDef":
        """Whose credentials these are: STS GetCallerIdentity's answer, asked for once."""
        return self.aws.client("sts").get_caller_identity()

    def guard_account(self) -> None:
        """Refuse the credentials of any account but the environment's; raises WrongAccountError."""
        guard_account(self.identity, self.environment)

    def refuse_what_aws_refuses(self) -> None:
        """Raises TemplateError where AWS would refuse a resource with the values that are known already."""
        refused.must_be_taken(self.nodes.values(), self.environment.region, self.environment.account)

    def repository_uri(self) -> str | None:
        """The image repository, as its stack gives it; None while there is none."""
        image = self.nodes.get(graph.IMAGE)
        current = self.current(self.stacks[image.wired[graph.IMAGE_NEEDS]]) if image else None
        return current.outputs.get(graph.IMAGE_NEEDS) if current else None

    def left_over(self) -> list[stack_state.StackDescription]:
        """This environment's stacks whose template is gone from infra/, the newest first; not one that is in
        review, which has no tags yet and holds nothing.
        """
        known = {self.stack_name(node) for node in self.stacks.values()}
        every = stack_state.tagged(self.aws.client("cloudformation"), self.tags)
        return [current for current in every if current.name not in known]

    def live_outputs(self) -> dict[str, str]:
        """The outputs of all stacks that exist, in one mapping: no two templates have an output in common."""
        outputs: dict[str, str] = {}
        for node in self.stacks.values():
            current = self.current(node)
            outputs.update(current.outputs if current else {})
        return outputs


def nodes_of(project: Project, environment: Environment) -> dict[str, Node]:
    """The graph of a project's templates in an environment; raises all faults at once, asks AWS nothing.

    Raises EnvironmentFileError where a stack of another environment has the same name, too.
    """
    templates = template.load_all(project.templates)
    nodes = graph.derive(templates, environment, project.service)
    _must_have_stacks_of_their_own(project, environment, templates)
    return nodes


def _must_have_stacks_of_their_own(
    project: Project, environment: Environment, templates: Sequence[Template]
) -> None:
    """No two templates give a stack the same name, be it in two environments."""
    ours = {each.stack_name(project.service, environment.name): each for each in templates}
    faults = []
    for other in config.names(project.environments):
        for each in templates:
            name = each.stack_name(project.service, other)
            if ours.get(name, each) is not each:
                faults.append(f"{name} is a stack of {ours[name].path} here, and of {each.path} in {other}")
    if faults:
        raise EnvironmentFileError(
            f"{environment.name} has the name of a stack in common with another environment",
            next_step="give the environment, or the template, another name",
            details=faults,
        )
