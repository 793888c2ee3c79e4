"""The local AWS refuses the pipeline of another checkout.

The local AWS of that checkout may have died, and this one may have its port. The pipeline signs with an
access key that names its checkout; any other access key is accepted.
"""

from local_aws.checkout import OWN_KEY, Checkout
from local_aws.emulator.registry import Registry
from local_aws.emulator.request import Request, Response


def register(registry: Registry) -> None:
    registry.before_request(lambda request: refusal(request, registry.checkout))


def refusal(request: Request, checkout: Checkout) -> Response | None:
    """AWS's refusal of an unknown access key when the key names another checkout, else None."""
    if not request.access_key.startswith(OWN_KEY) or request.access_key == checkout.access_key:
        return None
    return request.refused(
        "InvalidClientTokenId",
        "The security token included in the request is invalid: this is the local AWS of "
        f"{checkout.path}, and yours no longer runs (make up)",
    )
