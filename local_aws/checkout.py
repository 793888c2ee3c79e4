"""The names, labels and ports of one checkout's local AWS: pure."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.errors import LocalAwsError

ACCOUNT = "000000000000"
REGION = "eu-west-1"
STATE_DIRECTORY = ".slipway"
CHECKOUT_LABEL = "slipway.local"
KIND_LABEL = "slipway.kind"
OWN_KEY = "slipway"
PREFERRED_PORT = 4566
PREFERRED_HTTP_PORT = 8080


def region_of(arn: str) -> str:
    """The region that an ARN names, the default region where the ARN names none."""
    return "".join(arn.split(":")[3:4]) or REGION


def replace_file(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, also when the process is killed or the disk is full."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


@dataclass(frozen=True)
class Checkout:
    """One checkout's local AWS.

    path: the checkout's directory, absolute.
    port: the TCP port of its API on 127.0.0.1.
    http_port: the port the first listener on port 80 must have, None for "8080 or the next free one".
    minute_seconds: how many real seconds stand for one minute that AWS counts (bake time, hook timeouts).
    account: the AWS account that the local AWS stands for, 12 digits.
    """

    path: Path
    port: int = PREFERRED_PORT
    http_port: int | None = None
    minute_seconds: float = 1.0
    account: str = ACCOUNT

    @property
    def id(self) -> str:
        """Eight hex digits that no other checkout on this machine shares."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:8]

    @property
    def access_key(self) -> str:
        """The access key that the pipeline signs with. Another checkout's local AWS refuses it."""
        return f"{OWN_KEY}{self.id}"

    @property
    def state_directory(self) -> Path:
        return self.path / STATE_DIRECTORY

    @property
    def endpoint_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def region(self) -> str:
        """The region that a client uses unless told otherwise; the local AWS answers in every other too."""
        return REGION

    @property
    def registry(self) -> str:
        """Host and port of the image registry, the first part of every RepositoryUri."""
        return f"localhost:{self.port}"

    @property
    def network(self) -> str:
        """The Docker network that stands for all VPCs of this checkout."""
        return f"slipway-{self.id}"

    def name(self, *parts: str) -> str:
        """A Docker name of this checkout: slipway-<id>-<parts joined by dashes>."""
        return "-".join((f"slipway-{self.id}", *parts))

    def labels(self, kind: str, **more: str) -> dict[str, str]:
        """Labels for a container, network or volume; `kind` is for instance "task" or "database"."""
        return {CHECKOUT_LABEL: self.id, KIND_LABEL: kind} | {f"slipway.{k}": v for k, v in more.items()}

    @property
    def label_filter(self) -> str:
        """The Docker label filter for the resources of this checkout."""
        return f"{CHECKOUT_LABEL}={self.id}"

    def save(self) -> None:
        """Remember ports, minute and account until `local down`."""
        self.state_directory.mkdir(parents=True, exist_ok=True)
        chosen = {name: value for name, value in asdict(self).items() if name != "path"}
        replace_file(self.state_directory / "local.json", json.dumps(chosen, indent=2).encode() + b"\n")


def for_checkout(path: Path) -> Checkout:
    """The checkout with the ports, minute and account that `up` chose, else with the defaults.

    Raises LocalAwsError when the file that remembers it cannot be read.
    """
    checkout = Checkout(path.resolve())
    remembered = checkout.state_directory / "local.json"
    try:
        return replace(checkout, **json.loads(remembered.read_text()))
    except FileNotFoundError:
        return checkout
    except (ValueError, TypeError) as error:
        raise LocalAwsError(
            f"{remembered} cannot be read", why=str(error), next_step=f"delete {remembered} and run it again"
        ) from error


def is_remembered(checkout: Checkout) -> bool:
    """Whether `up` has chosen the ports of this checkout."""
    return (checkout.state_directory / "local.json").exists()


def has_records(checkout: Checkout) -> bool:
    """Whether a server of this checkout saved records. Records hold addresses with its ports."""
    return any((checkout.state_directory / "state").glob("*.pickle"))
