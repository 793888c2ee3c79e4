"""A local AWS of its own for these tests, in a temporary checkout, with the probe's image pushed to it."""

import os
import pickle
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import docker
import requests
from botocore.exceptions import ClientError

from local_aws import down, up
from local_aws.checkout import for_checkout
from local_aws.ecs.services.service import Service
from local_aws.host.base_images import base_images
from pipeline.waiting import wait_until
from tests.support.ports import free_port

PROBE = Path(__file__).parent / "probe"
TEMPLATE = (PROBE / "stack.yaml").read_text()


def eventually(what: str, probe: Callable[[], Any], timeout: float = 180) -> Any:
    """Wait for something other than None and False."""
    return wait_until(
        lambda: probe() or None, what=what, timeout=timeout, first_pause=0.05, longest_pause=0.3
    )


@dataclass
class Load:
    """Requests sent steadily by four clients while entered. seen: which status and version, how often."""

    url: str
    per_second: float = 60
    seen: Counter[tuple[int, str]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    @property
    def versions(self) -> set[str]:
        return {version for status, version in self.seen if status == 200}

    @property
    def failures(self) -> list[Any]:
        return self.errors + [key for key in self.seen if key[0] != 200]

    def _send(self) -> None:
        with requests.Session() as session:
            while not self._stopped.wait(4 / self.per_second):
                try:
                    response = session.get(self.url, timeout=20)
                except requests.RequestException as error:
                    self.errors.append(str(error))
                else:
                    self.seen[response.status_code, response.headers.get("X-Service-Version", "")] += 1


class Aws:
    """The local AWS as these tests use it: the probe's stack, and questions about it."""

    def __init__(self, checkout: Path, endpoint_url: str, image: str) -> None:
        self.checkout = checkout
        self.image = image
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self._endpoint_url,
                region_name="eu-west-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[service]

    def deploy(self, **parameters: str) -> str:
        """Create or update the probe's stack; gives the status it ends in."""
        cloudformation = self.client("cloudformation")
        known = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
        change = cloudformation.update_stack if "probe" in known else cloudformation.create_stack
        values = {"ImageUri": self.image, **parameters}
        try:
            change(
                StackName="probe",
                TemplateBody=TEMPLATE,
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
            )
        except ClientError as error:
            if "No updates" not in str(error):
                raise
            return "NO UPDATES"
        return str(eventually("the stack", self._end_of_operation, timeout=300))

    def delete(self) -> None:
        self.client("cloudformation").delete_stack(StackName="probe")
        eventually("the deletion", lambda: not self._stack(), timeout=300)

    def output(self, name: str) -> str:
        outputs = self._stack()[0]["Outputs"]
        return next(str(one["OutputValue"]) for one in outputs if one["OutputKey"] == name)

    @property
    def url(self) -> str:
        return self.output("ServiceUrl")

    def reasons(self) -> list[str]:
        """Why resources failed, newest first."""
        events = self.client("cloudformation").describe_stack_events(StackName="probe")["StackEvents"]
        return [one["ResourceStatusReason"] for one in events if one["ResourceStatus"].endswith("_FAILED")]

    def service(self) -> dict[str, Any]:
        found = self.client("ecs").describe_services(cluster="probe", services=["probe"])
        service: dict[str, Any] = found["services"][0]
        return service

    def messages(self) -> list[str]:
        """The service's events, newest first."""
        return [one["message"] for one in self.service()["events"]]

    def tasks(self, desired_status: str = "RUNNING") -> list[dict[str, Any]]:
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster="probe", desiredStatus=desired_status)["taskArns"]
        found: list[dict[str, Any]] = ecs.describe_tasks(cluster="probe", tasks=arns)["tasks"] if arns else []
        return found

    def task(self, arn: str) -> dict[str, Any]:
        found = self.client("ecs").describe_tasks(cluster="probe", tasks=[arn])
        task: dict[str, Any] = found["tasks"][0]
        return task

    def task_with_reason(self, text: str) -> dict[str, Any]:
        """The newest stopped task whose stopped reason holds `text`."""
        found = [one for one in self.tasks("STOPPED") if text in one.get("stoppedReason", "")]
        assert found, [one.get("stoppedReason") for one in self.tasks("STOPPED")]
        return found[0]

    def saved_service(self) -> Service | None:
        """The probe's service as the state has it that a server would come back with."""
        kept = self.checkout / ".slipway" / "state" / "kept.pickle"
        services = pickle.loads(kept.read_bytes())["ecs"] if kept.exists() else {}  # noqa: S301 - our own
        return next((one for one in services.values() if one.name == "probe"), None)

    def log(self, group: str = "/probe") -> list[str]:
        events = self.client("logs").filter_log_events(logGroupName=group)["events"]
        return [one["message"] for one in events]

    def containers(self, name: str = "") -> list[Any]:
        filters = {"label": [for_checkout(self.checkout).label_filter, "slipway.kind=task"]}
        found = docker.from_env().containers.list(filters=filters, ignore_removed=True)
        return [one for one in found if not name or one.labels.get("slipway.container") == name]

    def _stack(self) -> list[dict[str, Any]]:
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return [one for one in stacks if one["StackName"] == "probe"]

    def _end_of_operation(self) -> str | None:
        status = str(self._stack()[0]["StackStatus"])
        return None if status.endswith("IN_PROGRESS") else status


@contextmanager
def probe_in(checkout: Path) -> Iterator[Aws]:
    """A local AWS in this checkout, with the probe's image pushed to it; taken down at the end.

    Its ports are from this worker's own block: a test that kills the server finds them free again.
    """
    ports = {"SLIPWAY_LOCAL_PORT": str(free_port()), "SLIPWAY_LOCAL_HTTP_PORT": str(free_port())}
    running = up(checkout, lambda _: None, os.environ | ports)
    try:
        made = Aws(checkout, running.endpoint_url, "")
        made.image = push_probe(made, running.endpoint_url.removeprefix("http://"))
        made.client("ssm").put_parameter(Name="/probe/secret", Value="hush", Type="SecureString")
        yield made
    finally:
        down(checkout, lambda _: None)


def push_probe(aws: Aws, registry: str) -> str:
    """Build the probe, push it to the local ECR; gives its URI by digest."""
    client = docker.from_env()
    base = base_images(client, lambda _: None).python or "python:3.13-slim-bookworm"
    image, _ = client.images.build(path=os.fspath(PROBE), buildargs={"BASE_IMAGE": base}, rm=True)
    aws.client("ecr").create_repository(repositoryName="probe")
    image.tag(f"{registry}/probe", "1")
    client.images.push(f"{registry}/probe", tag="1", auth_config={"username": "AWS", "password": "x"})
    details = aws.client("ecr").describe_images(repositoryName="probe")["imageDetails"]
    return f"{registry}/probe@{details[0]['imageDigest']}"
