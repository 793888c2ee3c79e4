"""What CloudFormation refuses about the text of a template."""

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_aliases(body: str) -> None:
    """Raise ValueError, in CloudFormation's words, for a YAML alias; YAML itself fails on what is no YAML.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
    """
    if (line := alias_line(body)) is not None:
        raise ValueError(f"YAML aliases are not allowed in CloudFormation templates (line {line})")


def alias_line(body: str) -> int | None:
    """The line of the first YAML alias, None where there is none or where the text is no YAML."""
    if "*" not in body:
        return None
    try:
        for event in yaml.parse(body, Loader=Loader):
            if isinstance(event, yaml.AliasEvent):
                return event.start_mark.line + 1 if event.start_mark else 1
    except yaml.YAMLError:
        return None
    return None
