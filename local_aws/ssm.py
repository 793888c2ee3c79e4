"""Parameter Store keeps the 100 latest versions of a parameter and deletes the oldest, as AWS does.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
"""

from local_aws.emulator import ssm
from local_aws.emulator.registry import Registry

KEPT = 100


def register(_: Registry) -> None:
    """Delete the oldest version where a PutParameter made one too many."""
    ssm.after_put(trim)


def trim(name: str) -> None:
    """Delete the versions of a parameter that are too many."""
    versions = ssm.versions()
    versions[name] = versions[name][-KEPT:]
