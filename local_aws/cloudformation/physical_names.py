"""Names that CloudFormation makes up differ from region to region, so that two stacks share no IAM role.

At AWS their last part is random; MiniStack makes it from the stack's name and the logical id alone.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
"""

import hashlib

from local_aws.checkout import REGION
from local_aws.emulator import cloudformation as engine
from local_aws.emulator.registry import Registry

SUFFIX = 13


def register(registry: Registry) -> None:
    """Let the region have a part in every name that CloudFormation makes up."""
    engine.around_physical_names(lambda name: in_region(name, registry.region()))


def in_region(name: str, region: str) -> str:
    """`name` as it is in the default region; elsewhere with another last part of thirteen characters."""
    if region == REGION:
        return name
    own = hashlib.sha256(f"{region}:{name}".encode()).hexdigest()[:SUFFIX]
    return name[:-SUFFIX] + (own if name == name.lower() else own.upper())
