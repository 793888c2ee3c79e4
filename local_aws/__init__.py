"""The local AWS: the unchanged templates and the unchanged pipeline, on one machine, with no account.

These functions run in the command, on the host. They start `server`, the process that answers as AWS.
Importing this package imports neither MiniStack nor any module of the server process.
"""

from local_aws.checkout import Checkout
from local_aws.host.lifecycle import down, running, status, up

__all__ = ["Checkout", "down", "running", "status", "up"]
