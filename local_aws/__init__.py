"""The local AWS: the unchanged templates and the unchanged pipeline, on one machine, with no account.

This side runs on the host and starts everything; `server` is the process that answers as AWS.
Importing this package imports neither MiniStack nor anything of the server's side.
"""

from local_aws.host.lifecycle import LocalAws, down, running, status, up

__all__ = ["LocalAws", "down", "running", "status", "up"]
