"""A CloudFormation template, read as far as the pipeline needs it.

cfn-lint's decoder reads templates too, but cfn-lint is a development dependency and takes a second to import.
Template anatomy: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from pipeline.config import strict_yaml
from pipeline.config.strict_yaml import as_text
from pipeline.errors import TemplateError
from pipeline.graph import references
from pipeline.graph.data_types import HOLDS_DATA
from pipeline.graph.parameter import Parameter
from pipeline.graph.references import Read, Reference
from pipeline.refusals.template import alias_line

SecretType = Literal["SecureString", "String"]
"""A type of SSM parameter."""

INLINE_LIMIT = 51_200
"""Bytes that CloudFormation takes as TemplateBody.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""


BELOW, BELOW_ALL = "/${ServiceName}/${EnvironmentName}/", "/${ServiceName}/"
"""Where in SSM the secrets of a template lie; the second for an account-wide one."""

_SECRET = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")

READS_A_VALUE = "AWS::SSM::Parameter::Value<"
"""How the types begin of a parameter whose value names an SSM parameter, which CloudFormation then reads."""


# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html (StackName)
_NAME = re.compile(r"[A-Za-z0-9-]{1,80}")


@dataclass(frozen=True)
class Resource:
    """A resource of a template. line: in the file; kept: whether its DeletionPolicy is other than Delete;
    secret: whether the resource may hold a secret, for it has a dynamic reference ({{resolve:...}}); marked:
    whether its Metadata says `Slipway: {HoldsData: true}`.
    """

    logical_id: str
    type: str
    line: int
    kept: bool
    secret: bool = False
    marked: bool = False

    @property
    def holds_data(self) -> bool:
        """By its type, by its template's mark, or because its template keeps it when it would be deleted."""
        return self.type in HOLDS_DATA or self.kept or self.marked


@dataclass(frozen=True)
class Template:
    """One template. `path` is as shown to people: infra/<name>.yaml."""

    name: str
    path: str
    body: str
    parameters: Mapping[str, Parameter]
    outputs: frozenset[str]
    resources: Mapping[str, Resource]
    references: tuple[Reference, ...] = ()
    """Every place that names an SSM parameter."""
    secrets: tuple[str, ...] = ()
    """The names of the secrets that the template declares as its own to make, in Metadata: Slipway: Secrets,
    with ${ServiceName} and ${EnvironmentName} to fill.
    """
    conditions: Mapping[str, object] = field(default_factory=dict)
    changes_unseen: bool = False
    """Whether the template has parts of which only CloudFormation can tell that they changed: a macro, an
    include, a module, a nested template.
    """
    rules: Mapping[str, object] = field(default_factory=dict)
    """The section Rules, its short-form functions written out."""
    content: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The whole template, its short-form functions written out: YAML of any shape."""
    released: bool = True
    """False where Metadata says `Slipway: {Release: false}`: the template is no part of a release."""

    @property
    def per_environment(self) -> bool:
        """A template without an EnvironmentName parameter is account-wide."""
        return "EnvironmentName" in self.parameters

    def has(self, type_: str) -> bool:
        """Whether the template makes a resource of this type."""
        return any(resource.type == type_ for resource in self.resources.values())

    @property
    def has_data(self) -> bool:
        """Whether the template makes anything that holds data."""
        return any(resource.holds_data for resource in self.resources.values())

    def holds_data(self, logical_id: str, type_: str) -> bool:
        """Whether a resource of the stack holds data; the template may no longer have it, or not yet."""
        resource = self.resources.get(logical_id)
        return type_ in HOLDS_DATA or (resource is not None and resource.holds_data)

    def stack_name(self, service: str, environment: str) -> str:
        """`orders-dev-ecs-stack`, or `orders-ecr` of an account-wide template."""
        return f"{service}-{environment}-{self.name}" if self.per_environment else f"{service}-{self.name}"

    def own_secrets(self, values: Mapping[str, str]) -> dict[str, SecretType]:
        """The secrets that the template declares as its own to make, by name. A String is one that it
        resolves as plain text ({{resolve:ssm:...}}). values: ServiceName, EnvironmentName, and more.
        """
        plain = {references.named(one, values) for one in self.references if one.kind == "ssm"}
        names = sorted(filter(None, (references.filled(name, values) for name in self.secrets)))
        return {name: "String" if name in plain else "SecureString" for name in names}

    def reads(self, values: Mapping[str, str]) -> list[Read]:
        """The SSM parameters that a stack reads, as far as their names are known; `references.reads`."""
        found = references.reads(self.references, self.conditions, values)
        for name, parameter in self.parameters.items():
            if parameter.type.startswith(READS_A_VALUE) and values.get(name):
                found.append(Read(values[name], "parameter"))
        return found

    def pinned(self, values: Mapping[str, str], versions: Mapping[str, str]) -> "Template":
        """The template with the version of each SSM parameter that it asks for without one. versions: by
        name; a parameter that is not among them stays as it is.
        """
        return replace(self, body=references.pinned(self.body, values, versions))

    def where(self, logical_id: str) -> str:
        """`infra/x.yaml:12`, or the path alone for a resource that a macro added to the template."""
        resource = self.resources.get(logical_id)
        return f"{self.path}:{resource.line}" if resource else self.path


def load_all(directory: Path) -> list[Template]:
    """Every template in `directory` that a release deploys, sorted by name.

    Raises TemplateError with all faults at once, also of templates that are no part of a release.
    """
    templates, faults = [], []
    for file in sorted(directory.glob("*.yaml")):
        path = f"{directory.name}/{file.name}"
        try:
            templates.append(parse(file.stem, path, file.read_text(encoding="utf-8")))
        except TemplateError as error:
            faults.append(error)
        except (OSError, UnicodeDecodeError) as error:
            faults.append(_refused(f"{path} can't be read as UTF-8", str(error), path))
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise TemplateError(
            f"{len(faults)} templates do not parse",
            next_step="mend the templates and run the command again",
            details=[str(fault) for fault in faults],
        )
    templates = [template for template in templates if template.released]
    for template in templates:
        if not _NAME.fullmatch(template.name):
            raise _refused(
                f"{template.path}: CloudFormation takes no stack of this name",
                "the name of the file is part of the stack's: up to 80 letters, digits and hyphens",
                template.path,
            )
    if not templates:
        raise TemplateError(f"there is no template in {directory.name}/", next_step="put a template there")
    return templates


def parse(name: str, path: str, body: str) -> Template:
    """Read one template's text. Raises TemplateError naming file and line."""
    if (aliased := alias_line(body)) is not None:
        why = "CloudFormation takes no YAML alias (*name); write the value out"
        raise _refused(f"{path}:{aliased} has a YAML alias", why, f"{path}:{aliased}")
    try:
        loader = _Loader(body)
        root = loader.get_single_node()
        content = loader.construct_document(root) if root else None
    except yaml.YAMLError as error:
        problem, line = strict_yaml.describe(error)
        raise _refused(f"{path}:{line} does not parse", problem, f"{path}:{line}") from error
    if not isinstance(content, dict) or not isinstance(content.get("Resources"), dict):
        raise _refused(f"{path} is not a CloudFormation template", "it has no Resources", path)
    size = len(body.encode())
    if size > INLINE_LIMIT:
        raise _refused(f"{path} is too long", f"{size:,} bytes; CloudFormation takes {INLINE_LIMIT:,}", path)
    lines = _lines(root, "Resources")
    resources: dict[str, Resource] = {}
    for logical_id, resource in content["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            if str(logical_id).startswith("Fn::"):
                continue
            line = lines.get(str(logical_id), 1)
            raise _refused(
                f"{path}:{line}: {logical_id} has no Type", "every resource needs one", f"{path}:{line}"
            )
        kept = resource.get("DeletionPolicy", "Delete") != "Delete"
        secret = any("{{resolve:" in words for words in _texts(resource))
        line, marked = lines.get(logical_id, 1), _marked(path, logical_id, resource, lines.get(logical_id, 1))
        resources[logical_id] = Resource(logical_id, resource["Type"], line, kept, secret, marked)
    parameters = {
        str(key): Parameter(
            str(key),
            str(rules.get("Type", "String")),
            as_text(rules["Default"]) if "Default" in rules else None,
            rules,
        )
        for key, rules in _mapping(content, "Parameters", path).items()
        if isinstance(rules, dict)
    }
    slipway = _mapping(_mapping(content, "Metadata", path), "Slipway", path)
    return Template(
        name,
        path,
        body,
        parameters,
        frozenset(_mapping(content, "Outputs", path)),
        resources,
        references.find(content["Resources"]),
        _own_secrets(
            slipway.get("Secrets", []), BELOW if "EnvironmentName" in parameters else BELOW_ALL, path
        ),
        _mapping(content, "Conditions", path),
        references.changes_unseen(content),
        _mapping(content, "Rules", path),
        content,
        slipway.get("Release") is not False,
    )


def _own_secrets(declared: object, below: str, path: str) -> tuple[str, ...]:
    names = declared if isinstance(declared, list) else [None]
    if not all(isinstance(name, str) and _SECRET.fullmatch(name) for name in names):
        raise _refused(
            f"{path}: Secrets under Metadata and Slipway is no list of names",
            f"it lists what Slipway is to make below {below} in SSM, such as database/password",
            path,
        )
    return tuple(f"{below}{name}" for name in names)


class _Loader(strict_yaml.StrictLoader):
    """CloudFormation's short-form tags written out, and dates left as the text they are."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, object]:
    """A short-form function, `!Sub`, written out as `Fn::Sub`. Only CloudFormation evaluates functions."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has three kinds of node
    return {name: loader.construct_mapping(node, deep=True)}


def _as_text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_multi_constructor("!", _short_form)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def _marked(path: str, logical_id: str, resource: Mapping[str, object], line: int) -> bool:
    metadata = resource.get("Metadata")
    slipway = metadata.get("Slipway") if isinstance(metadata, dict) else None
    if slipway is None:
        return False
    if not _is_known(slipway):
        raise _refused(
            f"{path}:{line}: {logical_id} has Metadata that Slipway does not know",
            f"Slipway: {slipway!r}; a resource that holds data has Slipway: {{HoldsData: true}}, and one "
            "that Slipway refuses and AWS takes has Slipway: {AwsTakes: why}",
            f"{path}:{line}",
        )
    return "HoldsData" in slipway


def _is_known(slipway: Any) -> bool:
    return (
        isinstance(slipway, dict)
        and slipway.keys() <= {"AwsTakes", "HoldsData"}
        and slipway.get("HoldsData", True) is True
        and bool(slipway.get("AwsTakes", "why"))
    )


def _mapping(content: Mapping[str, object], section: str, path: str) -> dict[str, object]:
    found = content.get(section) or {}
    if not isinstance(found, dict):
        raise _refused(f"{path}: {section} is no mapping", f"{section} must map names to their content", path)
    return found


def _lines(root: yaml.Node | None, section: str) -> dict[str, int]:
    if not isinstance(root, yaml.MappingNode):
        return {}
    for key, value in root.value:
        if key.value == section and isinstance(value, yaml.MappingNode):
            return {entry.value: entry.start_mark.line + 1 for entry, _ in value.value}
    return {}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _refused(what: str, why: str, where: str) -> TemplateError:
    return TemplateError(what, why=why, next_step="mend the template and run the command again", where=where)
