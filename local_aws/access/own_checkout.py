"""Nobody deploys into another checkout's local AWS: ours may have died, and its port been taken, meanwhile.

The pipeline signs with an access key that names its checkout; anybody else may sign with what they like.
"""

from local_aws.checkout import OWN_KEY, Checkout
from local_aws.emulator.registry import Registry
from local_aws.emulator.request import Request, Response


def register(registry: Registry) -> None:
    registry.before_request(lambda request: refusal(request, registry.checkout))


def refusal(request: Request, checkout: Checkout) -> Response | None:
    """AWS's refusal of a key it does not know, for one that names another checkout."""
    if not request.access_key.startswith(OWN_KEY) or request.access_key == checkout.access_key:
        return None
    return request.refused(
        "InvalidClientTokenId",
        "The security token included in the request is invalid: this is the local AWS of "
        f"{checkout.path}, and yours no longer runs (make up)",
    )
