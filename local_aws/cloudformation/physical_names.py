"""The names that CloudFormation generates differ between regions, so that two stacks share no IAM role.

At AWS the last part of a name is random. MiniStack makes the last part from the stack's name and the logical
id.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

import hashlib

from local_aws.checkout import REGION
from local_aws.emulator import cloudformation as engine
from local_aws.emulator.registry import Registry

SUFFIX = 13


def register(registry: Registry) -> None:
    """Make each generated name depend on the region."""
    engine.around_physical_names(lambda name: in_region(name, registry.region()))


def in_region(name: str, region: str) -> str:
    """The name as it is in the default region; in other regions with another last part of 13 characters."""
    if region == REGION:
        return name
    own = hashlib.sha256(f"{region}:{name}".encode()).hexdigest()[:SUFFIX]
    return name[:-SUFFIX] + (own if name == name.lower() else own.upper())
