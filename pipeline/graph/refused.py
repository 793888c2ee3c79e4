"""What AWS would refuse about the templates, asked before anything is touched.

AWS would say so in the middle of a deploy, or after the minutes that the resource takes. The rules are those
of pipeline/refusals; the local AWS asks them too.
"""

from collections.abc import Iterable, Iterator, Mapping

from pipeline.errors import TemplateError
from pipeline.graph.graph import Node, StackNode
from pipeline.graph.resolve import resources
from pipeline.graph.template import Template
from pipeline.refusals import network, secrets
from pipeline.refusals.resource import is_excused, refusals
from pipeline.refusals.values import Unknown

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def must_be_taken(nodes: Iterable[Node], region: str, account: str) -> None:
    """Raises TemplateError, with all faults at once, where AWS would refuse a resource of a stack."""
    found = [
        (node.template.where(logical_id), f"{node.template.where(logical_id)}: {logical_id}: {words}")
        for node in nodes
        if isinstance(node, StackNode)
        for logical_id, words in faults(node.template, node.given, region, account)
    ]
    if found:
        raise TemplateError(
            "AWS would refuse the templates with the values of this environment",
            why=found[0][1],
            next_step="mend the template or the parameter, and run the command again; where AWS takes this "
            "by now, say so in the resource's Metadata (docs/your-service.md, What AWS refuses)",
            where=found[0][0],
            details=[fault for _, fault in found[1:]],
        )


def faults(
    template: Template, given: Mapping[str, str], region: str, account: str
) -> Iterator[tuple[str, str]]:
    """Logical id and AWS's words, for each thing that AWS would refuse about the resources of a template."""
    values = {**given, **_pseudo_parameters(region, account)}
    known = resources(template.content, values)
    for name, resource in known.items():
        if not is_excused(resource):
            for words in refusals(str(resource.get("Type")), resource["Properties"], region):
                yield name, words
    yield from _subnets(known)
    yield from secrets.unreadable(known)


def _pseudo_parameters(region: str, account: str) -> dict[str, str]:
    partition = next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return {
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::URLSuffix": suffix,
    }


def _subnets(known: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    """The subnets of each VPC, beside the VPC's addresses and each other's."""
    blocks = {
        f"${{{name}}}": _properties(one).get("CidrBlock")
        for name, one in known.items()
        if one.get("Type") == "AWS::EC2::VPC"
    }
    taken: dict[str, list[object]] = {}
    for name, resource in known.items():
        if resource.get("Type") != "AWS::EC2::Subnet":
            continue
        vpc, cidr = _properties(resource).get("VpcId"), _properties(resource).get("CidrBlock")
        words = vpc.words if isinstance(vpc, Unknown) else str(vpc)
        others = taken.setdefault(words, [])
        inside = [blocks[words]] if words in blocks else []
        for refusal in network.place(cidr, inside, others):
            yield name, refusal
        others.append(cidr)


def _properties(resource: Mapping[str, object]) -> Mapping[str, object]:
    found = resource["Properties"]
    return found if isinstance(found, dict) else {}
