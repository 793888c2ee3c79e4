"""A project of four small templates, and a Setting on it that reaches nothing but the fakes."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from pipeline.config import environment, project
from pipeline.context import Context, nodes_of
from pipeline.image import build
from tests.support.fakes import (
    FakeAws,
    FakeCloudFormation,
    FakeCloudTrail,
    FakeEcr,
    FakeSession,
    FakeSsm,
    FakeSts,
    Time,
)

DIGEST = "sha256:" + "a" * 64
REPOSITORY = "registry/orders"
SECRET = "/orders/dev/password"

FILES = {
    "pyproject.toml": '[project]\nversion = "1.2.3"\n[tool.slipway]\nservice = "orders"\n',
    "app/Dockerfile": "FROM scratch\n",
    "app/smoke.yaml": "probe: /orders\n",
    "infra/environments/dev.yaml": 'target: aws\naccount: "000000000000"\nregion: eu-west-1\n',
    "infra/ecr.yaml": (
        "Parameters: {ServiceName: {Type: String}}\n"
        "Resources: {Repository: {Type: 'AWS::ECR::Repository', DeletionPolicy: Retain}}\n"
        "Outputs: {RepositoryUri: {Value: x}}\n"
    ),
    "infra/vpc.yaml": (
        "Parameters: {EnvironmentName: {Type: String}}\n"
        "Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}}\n"
        "Outputs: {VpcId: {Value: x}}\n"
    ),
    "infra/rds.yaml": (
        "Parameters: {EnvironmentName: {Type: String}, ServiceName: {Type: String}, VpcId: {Type: String}}\n"
        "Resources:\n"
        "  Database:\n"
        "    Type: AWS::RDS::DBInstance\n"
        "    Properties:\n"
        "      MasterUserPassword:\n"
        "        Fn::Sub: '{{resolve:ssm-secure:/${ServiceName}/${EnvironmentName}/password}}'\n"
        "Outputs: {DatabaseEndpoint: {Value: x}}\n"
        "Metadata: {Slipway: {Secrets: [password]}}\n"
    ),
    "infra/app.yaml": (
        "Parameters:\n"
        "  EnvironmentName: {Type: String}\n"
        "  VpcId: {Type: String}\n"
        "  DatabaseEndpoint: {Type: String}\n"
        "  ImageUri: {Type: String}\n"
        "  AllowedHttpMethods: {Type: CommaDelimitedList, Default: 'GET,HEAD,POST'}\n"
        "Resources:\n"
        "  Service: {Type: 'AWS::ECS::Service'}\n"
        "Outputs: {ServiceUrl: {Value: x}, ImageInUse: {Value: x}, LogGroupName: {Value: x}}\n"
    ),
}

OUTPUTS = {
    "orders-ecr": {"RepositoryUri": REPOSITORY},
    "orders-dev-vpc": {"VpcId": "vpc-1"},
    "orders-dev-rds": {"DatabaseEndpoint": "db.local"},
    "orders-dev-app": {
        "ServiceUrl": "http://lb",
        "ImageInUse": f"{REPOSITORY}@{DIGEST}",
        "LogGroupName": "/orders/dev",
    },
}


@dataclass
class World:
    """The fakes, and the setting that stands on them."""

    context: Context
    cloudformation: FakeCloudFormation
    ssm: FakeSsm
    ecr: FakeEcr
    time: Time

    def reread(self) -> "World":
        """After a file was edited."""
        here = self.context.project
        dev = environment.load("dev", here.environments)
        return dataclasses.replace(
            self, context=dataclasses.replace(self.context, environment=dev, nodes=nodes_of(here, dev))
        )

    def deployed(self) -> "World":
        """Every stack is there, by an earlier version of Slipway that remembered nothing."""
        for name, outputs in OUTPUTS.items():
            self.cloudformation.bodies[name] = FILES[f"infra/{name.split('-')[-1]}.yaml"]
            self.cloudformation.have(name, "CREATE_COMPLETE", outputs=outputs)
        self.ssm.put_parameter(Name=SECRET, Value="x", Type="SecureString", Overwrite=True)
        return self


def write(root: Path) -> None:
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def world(root: Path, **clients: Any) -> World:
    """The project in `root`; the image of its app/ is in the repository already."""
    write(root)
    here = project.find(root)
    dev = environment.load("dev", here.environments)
    cloudformation, ssm, time = FakeCloudFormation(), FakeSsm(), Time()
    cloudformation.outputs_of = OUTPUTS
    ecr = FakeEcr(**{build.content_tag(here.app, None): DIGEST})
    every = {"cloudformation": cloudformation, "ssm": ssm, "ecr": ecr, "sts": FakeSts(), **clients}
    every.setdefault("cloudtrail", FakeCloudTrail())
    aws = cast(Any, FakeAws(**every))
    context = Context(here, dev, nodes_of(here, dev), aws, time.sleep, time.clock)
    return World(context, cloudformation, ssm, ecr, time)


def answering_world(root: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose service answers the smoke tests, with the version of the image in its repository."""
    made = world(root)
    [tags] = made.ecr.images.values()
    monkeypatch.setattr(FakeSession, "version", tags[0])
    monkeypatch.setattr(requests, "Session", FakeSession)
    return made
