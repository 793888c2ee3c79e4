"""MiniStack as an ASGI application, with the settings of one checkout."""

import os
from typing import Any

from local_aws.checkout import REGION, Checkout


def application(checkout: Checkout) -> Any:
    """The application. Call this before any other module imports MiniStack.

    MiniStack reads its settings from the process environment when it is first imported.
    """
    os.environ.update(
        {
            "MINISTACK_ACCOUNT_ID": checkout.account,
            "MINISTACK_REGION": REGION,
            "MINISTACK_HOST": "localhost",
            "GATEWAY_PORT": str(checkout.port),
            "BIND_HOST": "127.0.0.1",
            "STATE_DIR": str(checkout.state_directory / "ministack"),
            "S3_DATA_DIR": str(checkout.state_directory / "s3"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }
    )
    from ministack.app import app

    return app
