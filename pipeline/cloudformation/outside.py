"""What a stack reads from outside of its template: which version it has now, and whether it is there at all.

Versions are read without any value: GetParameters decrypts nothing here. A dynamic reference that asks for
the newest version is given that version's number (`pinned`), so that CloudFormation sees another version as
a change, and a rollback puts back what was there. ECS reads the secrets of a task definition by name alone,
so a template parameter INPUT_VERSIONS carries their versions into the task definition.
"""

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.aws.parameters import ParameterVersions
from pipeline.cloudformation.change_set import StackSpec
from pipeline.cloudformation.stacks import StackDescription
from pipeline.errors import MissingInputError, TemplateError
from pipeline.graph import template
from pipeline.graph.references import Read
from pipeline.graph.template import SecretType

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

INPUT_VERSIONS = "InputVersions"
"""The template parameter that carries the versions of a task definition's secrets."""


@dataclass(frozen=True)
class Needs:
    """What a stack reads. versions: name -> version, of what is there. new: the stack's own secrets that are
    to be made first -> SecureString or String.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, SecretType] = field(default_factory=dict)


@dataclass(frozen=True)
class Outside:
    """Looks at what stacks read. place: AWS::Region, AWS::AccountId, AWS::Partition, ServiceName and
    EnvironmentName. since: when and by whom a parameter was deleted, as a clause; "" where nobody knows.
    """

    cloudformation: "CloudFormationClient"
    versions: ParameterVersions
    place: Mapping[str, str]
    since: Callable[[str], str]

    def needs(
        self,
        spec: StackSpec,
        current: StackDescription | None,
        promised: Iterable[str] = (),
    ) -> Needs:
        """What `spec` reads. promised: names of parameters that this deploy makes before this stack's turn.

        Raises MissingInputError for what is not there and that nobody is to make.
        """
        values = {**spec.parameters, **self.place}
        own = spec.template.own_secrets(values)
        reads = spec.template.reads(values)
        made = {read.name for read in reads if read.kind == "made"}
        named = {read.name: read for read in reads if read.kind != "made"}
        found = self.versions.of({*own, *named})
        absent = [name for name, version in found.items() if version is None]
        before = self._before(current, values, absent) if absent else frozenset()
        new = {name: own[name] for name in absent if name in own and name not in before}
        expected = {*new, *made, *promised} - (own.keys() - new.keys())
        lost = [name for name in absent if name not in expected and (name in own or named[name].certain)]
        if lost:
            raise self._missing(lost, spec, own, before, named)
        return Needs({name: version for name, version in found.items() if version is not None}, new)

    def fixed(self, spec: StackSpec, needs: Needs) -> StackSpec:
        """`spec` with the versions of what it reads: in its references, and in INPUT_VERSIONS."""
        values = {**spec.parameters, **self.place}
        pinned = spec.template.pinned(values, {n: v.partition("@")[0] for n, v in needs.versions.items()})
        spec = replace(spec, template=pinned, reads=needs.versions)
        tasks = {read.name for read in spec.template.reads(values) if read.kind == "task"}
        of_tasks = sorted((name, needs.versions[name]) for name in tasks if name in needs.versions)
        if not of_tasks or INPUT_VERSIONS not in spec.template.parameters:
            return spec
        digest = hashlib.sha256(json.dumps(of_tasks).encode()).hexdigest()[:16]
        return replace(spec, parameters={**spec.parameters, INPUT_VERSIONS: digest})

    def changes(self, spec: StackSpec, before: Mapping[str, str]) -> list[str]:
        """What is there in another version than the stack was last deployed with, as sentences without any
        value. before: name -> version, as remembered.
        """
        tasks = {
            read.name
            for read in spec.template.reads({**spec.parameters, **self.place})
            if read.kind == "task"
        }
        carried = INPUT_VERSIONS in spec.template.parameters
        return [
            f"{name} changed: version {before[name].partition('@')[0]}, now {version.partition('@')[0]}"
            + (f" (no task gets it: {spec.template.path} has no parameter {INPUT_VERSIONS})" if lost else "")
            for name, version in sorted(spec.reads.items())
            if before.get(name, version) != version
            for lost in [name in tasks and not carried]
        ]

    def _before(
        self, current: StackDescription | None, values: Mapping[str, str], absent: Iterable[str]
    ) -> frozenset[str]:
        """The names that the stack reads as it is; of a stack that never came to be, none."""
        if current is None or current.status.in_review or current.status.must_be_cleared:
            return frozenset()
        answer = self.cloudformation.get_template(StackName=current.stack_id, TemplateStage="Original")
        body, values = answer["TemplateBody"], {**values, **current.parameters}
        try:
            text = body if isinstance(body, str) else json.dumps(body)
            parsed = template.parse(current.name, current.name, text)
            own = parsed.own_secrets(values)
        except TemplateError:  # nobody can tell, so the stack may have been made with all of them
            return frozenset(absent)
        return frozenset({*own, *(read.name for read in parsed.reads(values))})

    def _missing(
        self,
        lost: Sequence[str],
        spec: StackSpec,
        own: Container[str],
        before: Container[str],
        named: Mapping[str, Read],
    ) -> MissingInputError:
        """own: what the template declares as its own; before: what the stack was made with."""
        gone = [name for name in lost if name in own or name in before]
        told = []
        for name in lost:
            where = spec.template.where(named[name].resource) if name in named else spec.template.path
            if name not in gone:
                told.append(
                    f"{name} [{where}] does not exist, and no template declares it as its own to make"
                )
                continue
            since = self.since(name)
            told.append(
                f"{name} [{where}] " + (f"was {since}" if since else "is gone; since when is not known")
            )
        first = (gone or lost)[0]
        where = spec.template.where(named[first].resource) if first in named else spec.template.path
        put = f"aws ssm put-parameter --region {self.place['AWS::Region']} --name {first}"
        if gone:
            # Neither way shows the value in a list of processes or in a shell's history.
            secure = first not in named or named[first].kind != "ssm"
            rotate = f"python -m pipeline secret rotate {self.place['EnvironmentName']} {first}"
            put += f" --type {'SecureString' if secure else 'String'} --value file:///dev/stdin"
            return MissingInputError(
                f"{spec.name} was made with {', '.join(gone)}, which is not there any more",
                why="a new value in its place would not be the one that is in use",
                next_step=f'put the old value in: read -rs OLD && printf %s "$OLD" | {put}, and deploy again'
                + (f"; or change it everywhere, through the gates: {rotate}" if first in own else ""),
                details=told,
                where=where,
            )
        return MissingInputError(
            f"{spec.template.path} names {', '.join(lost)}, which does not exist",
            why="Slipway makes only the secrets that a template declares as its own to make",
            next_step="mend the name, or put a value there, or list the name in the template under Metadata: "
            "Slipway: Secrets",
            details=told,
            where=where,
        )
