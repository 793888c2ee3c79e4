"""The stacks and the image as a graph, derived from the templates: pure, and before any AWS call.

A parameter whose name equals another template's output is filled from it and makes an edge. The image is a
node that needs `RepositoryUri` and gives `ImageUri`. Order is never listed anywhere.
"""

import graphlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.config.environment import Environment, did_you_mean
from pipeline.errors import EnvironmentFileError, TemplateError
from pipeline.graph import template_rules
from pipeline.graph.template import Template

SERVICE = "AWS::ECS::Service"
IMAGE = "image"
IMAGE_NEEDS = "RepositoryUri"
IMAGE_GIVES = "ImageUri"


@dataclass(frozen=True)
class Node:
    """A stack or the image.

    given: parameters whose values are known now. wired: parameter -> the node whose output fills it.
    """

    name: str
    given: Mapping[str, str]
    wired: Mapping[str, str]

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(self.wired.values())

    def missing_outputs(self, outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Parameter -> the node whose outputs are known and hold nothing for it."""
        return {k: node for k, node in self.wired.items() if node in outputs and k not in outputs[node]}

    def require_outputs(self, outputs: Mapping[str, Mapping[str, str]]) -> None:
        """Raises TemplateError where a node is done and gives less than its template says."""
        for key, node in self.missing_outputs(outputs).items():
            raise TemplateError(
                f"{node} gives no output {key}, which {self.name} needs",
                why=f"infra/{node}.yaml has it, but its stack has not: the output's Condition is false there",
                next_step=f"let infra/{node}.yaml give {key} in any case, and run the command again",
            )

    def known(self, outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The parameter values that are known before every needed node is done."""
        found = {key: outputs.get(node, {}).get(key) for key, node in self.wired.items()}
        return {**self.given, **{key: value for key, value in found.items() if value is not None}}

    def inputs(self, outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """All parameter values, once every needed node is done. Raises what `require_outputs` raises."""
        self.require_outputs(outputs)
        return {**self.given, **{key: outputs[node][key] for key, node in self.wired.items()}}


@dataclass(frozen=True)
class StackNode(Node):
    """A stack of the environment or of the account."""

    template: Template

    @property
    def holds_service(self) -> bool:
        """Whether the ECS service is in this stack: its rollout is followed and can be stopped."""
        return self.template.has(SERVICE)


class ImageNode(Node):
    """The image of app/: needs the repository, gives the image's URI."""


def derive(templates: Sequence[Template], environment: Environment, service: str) -> dict[str, Node]:
    """Name -> node, in an order in which each comes after what it needs.

    Raises EnvironmentFileError or TemplateError with all faults at once: a parameter that nothing fills, an
    output that two templates give, a value CloudFormation would refuse, an unknown key, a cycle.
    """
    from_pipeline = {"EnvironmentName": environment.name, "ServiceName": service}
    givers, faults = _givers(templates, from_pipeline)
    file_faults = _unknown_keys(templates, environment, givers, from_pipeline)
    nodes: dict[str, Node] = {}
    for template in templates:
        given: dict[str, str] = {}
        wired: dict[str, str] = {}
        for name, parameter in template.parameters.items():
            giver = givers.get(name)
            if name in from_pipeline:
                given[name] = from_pipeline[name]
            elif giver is not None and giver != template.name:
                wired[name] = giver
            elif name in environment.parameters:
                given[name] = environment.parameters[name]
            elif parameter.default is not None:
                given[name] = parameter.default
            else:
                faults.append(
                    f"{template.path}: nothing fills the parameter {name}: no template gives an output of "
                    f"that name, infra/environments/{environment.name}.yaml does not set it, and there is no "
                    "Default" + did_you_mean(name, givers)
                )
            problem = parameter.fault(given[name]) if name in given else None
            if problem is not None and name in environment.parameters:
                file_faults.append(f"parameters.{name}: {problem} ({template.path})")
            elif problem is not None:
                faults.append(f"{template.path}: {name} {problem}")
        for fault in template_rules.broken(template.rules, given):
            file_faults.append(f"parameters: {fault} ({template.path})")
        nodes[template.name] = StackNode(template.name, given, wired, template)
    if any(IMAGE_GIVES in template.parameters for template in templates):
        repository = givers.get(IMAGE_NEEDS)
        if repository is None:
            faults.append(f"the image needs an output {IMAGE_NEEDS}, and no template gives one")
        else:
            nodes[IMAGE] = ImageNode(IMAGE, {}, {IMAGE_NEEDS: repository})
    if file_faults:
        raise EnvironmentFileError(
            f"infra/environments/{environment.name}.yaml does not fit the templates",
            next_step="mend the file and run the command again",
            details=[*dict.fromkeys(file_faults), *faults],
        )
    if faults:
        raise TemplateError(
            "the templates do not fit together",
            next_step="mend the templates and run the command again",
            details=faults,
        )
    return _ordered(nodes)


def needed_for(nodes: Mapping[str, Node], name: str) -> frozenset[str]:
    """What must be there before a node can be worked on, directly or not; the node itself is not among it."""
    direct = nodes[name].needs
    return direct.union(*(needed_for(nodes, needed) for needed in direct))


def reverse_needs(nodes: Mapping[str, Node]) -> dict[str, frozenset[str]]:
    """Node -> the nodes that need it: the order in which to delete."""
    return {name: frozenset(n.name for n in nodes.values() if name in n.needs) for name in nodes}


def _givers(
    templates: Sequence[Template], from_pipeline: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    givers: dict[str, str] = {IMAGE_GIVES: IMAGE}
    faults = []
    for template in templates:
        if template.name == IMAGE:
            faults.append(f"{template.path}: a template may not be called {IMAGE}, the image's own name")
        for output in sorted(template.outputs):
            if output in from_pipeline or output == IMAGE_GIVES:
                faults.append(
                    f"{template.path}: the output {output} has a name that the pipeline itself fills"
                )
            elif output in givers:
                faults.append(
                    f"{template.path}: the output {output} is also given by infra/{givers[output]}.yaml"
                )
            else:
                givers[output] = template.name
    return givers, faults


def _unknown_keys(
    templates: Sequence[Template],
    environment: Environment,
    givers: Mapping[str, str],
    from_pipeline: Mapping[str, str],
) -> list[str]:
    known = {name for template in templates for name in template.parameters}
    faults = []
    for key in environment.parameters:
        if key not in known:
            settable = sorted(known - set(givers) - set(from_pipeline))
            faults.append(
                f"parameters.{key}: no template has this parameter; allowed are {', '.join(settable)}"
                + did_you_mean(key, settable)
            )
        elif key in from_pipeline or key == IMAGE_GIVES:
            faults.append(f"parameters.{key}: the pipeline fills this itself; remove it")
        elif key in givers and all(givers[key] != t.name for t in templates if key in t.parameters):
            faults.append(f"parameters.{key}: infra/{givers[key]}.yaml gives this as an output; remove it")
    return faults


def _ordered(nodes: Mapping[str, Node]) -> dict[str, Node]:
    try:
        order = list(graphlib.TopologicalSorter({n.name: n.needs for n in nodes.values()}).static_order())
    except graphlib.CycleError as error:
        circle = list(reversed(error.args[1]))
        steps = [
            f"{name} needs {', '.join(k for k, v in nodes[name].wired.items() if v == needed)} from {needed}"
            for name, needed in itertools.pairwise(circle)
        ]
        raise TemplateError(
            "the templates need each other in a circle",
            why=" -> ".join(circle),
            next_step="move one of these outputs to another template",
            details=steps,
        ) from error
    return {name: nodes[name] for name in order}
