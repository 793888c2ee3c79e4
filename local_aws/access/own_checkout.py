"""Nobody deploys into another checkout's local AWS: ours may have died, and its port been taken, meanwhile.

The pipeline signs with an access key that names its checkout; anybody else may sign with what they like.
"""

from local_aws.emulator.registry import Registry
from local_aws.emulator.request import Request, Response
from local_aws.settings import OWN_KEY, Settings


def register(registry: Registry) -> None:
    registry.before_request(lambda request: refusal(request, registry.settings))


def refusal(request: Request, settings: Settings) -> Response | None:
    """AWS's refusal of a key it does not know, for one that names another checkout."""
    if not request.access_key.startswith(OWN_KEY) or request.access_key == settings.access_key:
        return None
    return request.refused(
        "InvalidClientTokenId",
        "The security token included in the request is invalid: this is the local AWS of "
        f"{settings.checkout}, and yours no longer runs (make up)",
    )
