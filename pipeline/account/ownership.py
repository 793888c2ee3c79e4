"""Whose stack it is: no command changes a stack that belongs to another service or environment.

A stack is called `<service>-<environment>-<template>`, and a hyphen may be part of each: `aa-b` in `local`
and `aa` in `b-local` have the same names. The tags of a stack say whose it is.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pipeline.cloudformation import resources, stacks
from pipeline.cloudformation.stacks import StackDescription
from pipeline.errors import ProtectedError
from pipeline.graph.template import Template

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

_OTHER_NAME = "give the service (pyproject.toml) or the environment (infra/environments/) another name"


def must_be_ours(
    cloudformation: "CloudFormationClient",
    current: StackDescription | None,
    template: Template,
    tags: Mapping[str, str],
) -> None:
    """Raises ProtectedError for a stack that is another service's or environment's, or not Slipway's at all.

    tags: those that the stack should have. A stack that somebody deployed from the template by hand has no
    other resources than the template's: that stack is taken over.
    """
    if current is None or current.status.in_review:
        return
    must_not_be_anothers(current, tags)
    if stacks.OURS.items() <= current.tags.items():
        return
    there = resources.read(cloudformation, current.stack_id).types
    strange = sorted(there.keys() - template.resources.keys())
    if strange:
        rename = (
            "if it is yours, tag it managed-by=slipway (aws cloudformation update-stack "
            "--use-previous-template --tags ...), else give the service another name in pyproject.toml; what "
            "it holds, says "
        )
        stacks.must_be_ours(
            current,
            stacks.OURS,
            rename + current.command("describe-stack-resources"),
            f"was not made by Slipway, and holds {', '.join(strange)}, which {template.path} does not have",
        )


def must_not_be_anothers(current: StackDescription, tags: Mapping[str, str]) -> None:
    """Raises ProtectedError where Slipway made a stack for another service or environment than `tags` name.

    A stack in review has no tags yet, and one that was tagged managed-by=slipway by hand may name neither.
    """
    theirs = current.tags
    if current.status.in_review or not stacks.OURS.items() <= theirs.items():
        return
    differs = any(key in theirs and theirs[key] != tags.get(key) for key in ("service", "environment"))
    of_the_account = "service" in theirs and "environment" not in theirs and "environment" in tags
    if differs or of_the_account:
        raise ProtectedError(
            f"stack {current.name} belongs to {_told(theirs)}",
            why=f"its tags say so, and the name is that of a stack of {_told(tags)} as well",
            next_step=_OTHER_NAME,
        )


def must_be_apart(cloudformation: "CloudFormationClient", tags: Mapping[str, str]) -> None:
    """Raises ProtectedError where the names of a new environment could meet those of another one.

    tags: those of the environment's stacks. An environment that has a stack already has its names, and is let
    be. All stacks of the region are listed once.
    """
    theirs = [stack.tags for stack in stacks.tagged(cloudformation, stacks.OURS)]
    if not any(tags.items() <= each.items() for each in theirs):
        _refuse_to_meet(tags, theirs)


def _refuse_to_meet(tags: Mapping[str, str], others: Iterable[Mapping[str, str]]) -> None:
    ours = _prefix(tags)
    for other in others:
        if not {"service", "environment"} <= other.keys():
            continue
        theirs = _prefix(other)
        if ours.startswith(theirs) or theirs.startswith(ours):
            raise ProtectedError(
                f"the names of {_told(tags)} could meet those of {_told(other)}",
                why=f"stacks and roles of the one begin with {ours}, of the other with {theirs}, and "
                "both are in this account and region",
                next_step=f"{_OTHER_NAME}, or the environment an account of its own",
            )


def _prefix(tags: Mapping[str, str]) -> str:
    return f"{tags['service']}-{tags['environment']}-"


def _told(tags: Mapping[str, str]) -> str:
    place = tags.get("environment")
    return f"{tags.get('service', 'another service')} {f'in {place}' if place else 'in the whole account'}"
