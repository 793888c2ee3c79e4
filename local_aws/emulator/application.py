"""MiniStack as an ASGI application, with the settings of one checkout."""

import os
from typing import Any

from local_aws.settings import REGION, Settings


def application(settings: Settings) -> Any:
    """The application. It must be made before anything else imports MiniStack.

    MiniStack reads its settings from the process environment when it is first imported.
    """
    os.environ.update(
        {
            "MINISTACK_ACCOUNT_ID": settings.account,
            "MINISTACK_REGION": REGION,
            "MINISTACK_HOST": "localhost",
            "GATEWAY_PORT": str(settings.port),
            "BIND_HOST": "127.0.0.1",
            "STATE_DIR": str(settings.state_directory / "ministack"),
            "S3_DATA_DIR": str(settings.state_directory / "s3"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }
    )
    from ministack.app import app

    return app
