"""An ECS that shifts traffic, as the pipeline sees it: a deployment moves on whenever it is looked at."""

import itertools
from datetime import timedelta
from typing import Any

from tests.support.fakes import START, client_error, http_date

STAGES = (
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
)
SERVICE = "arn:aws:ecs:eu-west-1:000000000000:service/dev-cluster/orders"
GATES = ("PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT")
RESOURCES = {
    "Service": ("AWS::ECS::Service", SERVICE),
    "ProductionRule": ("AWS::ElasticLoadBalancingV2::ListenerRule", "arn:rule"),
    "BlueTargetGroup": ("AWS::ElasticLoadBalancingV2::TargetGroup", "arn:blue"),
    "GreenTargetGroup": ("AWS::ElasticLoadBalancingV2::TargetGroup", "arn:green"),
    "LoadBalancer": ("AWS::ElasticLoadBalancingV2::LoadBalancer", "arn:lb"),
    "TargetErrorsAlarmBlue": ("AWS::CloudWatch::Alarm", "errors"),
    "MigrationTaskRole": ("AWS::IAM::Role", "migration-role"),
    "MigrationSecurityGroup": ("AWS::EC2::SecurityGroup", "sg-migration"),
}


class FakeRollouts:
    """The ECS calls of a rollout.

    stays: a stage that never ends. migration_exits: the exit code of the migration's task. lags: an answer
    takes its time to show. services: what DescribeServices shows; starts: as many tasks can run at once.
    updates: what UpdateService was asked for; listed: how many pages ListServiceDeployments gave.
    """

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []
        self.revisions: dict[str, dict[str, Any]] = {}
        self.answers: list[tuple[str, str]] = []
        self.stopped: list[str] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self.run_requests: list[dict[str, Any]] = []
        self.migration_exits = 0
        self.other_containers: list[dict[str, Any]] = []
        self.stays = ""
        self.gates = GATES
        self.lags = False
        self.services: list[dict[str, Any]] = [
            {"status": "ACTIVE", "taskDefinition": "orders-dev:1", "desiredCount": 2, "runningCount": 2}
        ]
        self.starts = 100
        self.updates: list[dict[str, Any]] = []
        self.listed = 0
        self.rollback_ends = "ROLLBACK_SUCCESSFUL"
        self._count = itertools.count(1)

    def release(self, image: str, *, status: str = "IN_PROGRESS", first: bool = False) -> str:
        """Begin a deployment of `image`, or have one that ended with `status`."""
        number = next(self._count)
        arn = f"arn:aws:ecs:eu-west-1:000000000000:service-deployment/dev-cluster/orders/d{number}"
        revision = f"arn:revision/{number}"
        self.revisions[revision] = {
            "serviceRevisionArn": revision,
            "taskDefinition": f"orders-dev:{number}",
            "containerImages": [{"containerName": "app", "image": image}],
            "networkConfiguration": {
                "awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}
            },
        }
        self.deployments.append(
            {
                "serviceDeploymentArn": arn,
                "status": status,
                "createdAt": START + timedelta(minutes=number),
                "targetServiceRevisionArn": revision,
                "targetServiceRevision": {"arn": revision, "requestedTaskCount": 2, "runningTaskCount": 0},
                "sourceServiceRevisions": [] if first else [{"arn": "arn:revision/old"}],
                "lifecycleStage": STAGES[0] if status == "IN_PROGRESS" else STAGES[-1],
                "lifecycleHookDetails": [],
            }
        )
        return arn

    def list_service_deployments(self, **request: Any) -> dict[str, Any]:
        assert ("dev-cluster", 100) == (request["cluster"], request["maxResults"])
        self.listed += 1
        found = [d for d in self.deployments if d["status"] in request.get("status", [d["status"]])]
        if "createdAt" in request:
            found = [d for d in found if d["createdAt"] >= request["createdAt"]["after"]]
        page = int(request.get("nextToken", "0"))
        more = {"nextToken": str(page + 1)} if page + 1 < len(found) else {}
        return {"serviceDeployments": found[page : page + 1], **more}

    def describe_service_deployments(self, **request: Any) -> dict[str, Any]:
        [arn] = request["serviceDeploymentArns"]
        found = [d for d in self.deployments if d["serviceDeploymentArn"] == arn]
        shown = [dict(d) for d in found]
        for deployment in found:
            self._move(deployment)
        return {"serviceDeployments": shown}

    def describe_service_revisions(self, **request: Any) -> dict[str, Any]:
        arns = request["serviceRevisionArns"]
        return {"serviceRevisions": [self.revisions[arn] for arn in arns if arn in self.revisions]}

    def continue_service_deployment(self, **request: Any) -> dict[str, Any]:
        deployment = self._named(request["serviceDeploymentArn"])
        hooks = [h for h in deployment["lifecycleHookDetails"] if h["hookId"] == request["hookId"]]
        if not hooks or hooks[0]["status"] != "AWAITING_ACTION":
            raise client_error("ContinueServiceDeployment", "InvalidParameterException", "no such hook waits")
        self.answers.append((deployment["lifecycleStage"], request["action"]))
        if self.lags:
            return {}
        hooks[0]["status"] = "SUCCEEDED"
        if request["action"] == "ROLLBACK":
            deployment["status"] = "ROLLBACK_IN_PROGRESS"
        return {}

    def stop_service_deployment(self, **request: Any) -> dict[str, Any]:
        assert request["stopType"] == "ROLLBACK"
        self.stopped.append(request["serviceDeploymentArn"])
        self._named(request["serviceDeploymentArn"])["status"] = "ROLLBACK_REQUESTED"
        return {}

    def run_task(self, **request: Any) -> dict[str, Any]:
        self.run_requests.append(request)
        arn = f"arn:task/dev-cluster/m{len(self.tasks)}"
        self.tasks[arn] = {"taskArn": arn, "startedBy": request["startedBy"], "looks": 0}
        return {"tasks": [self.tasks[arn]]}

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        found = [t for t in self.tasks.values() if t["startedBy"] == request.get("startedBy")]
        return {"taskArns": [t["taskArn"] for t in found]}

    def describe_tasks(self, **request: Any) -> dict[str, Any]:
        task = self.tasks[request["tasks"][0]]
        task["looks"] += 1
        ended = {"name": "app", "exitCode": self.migration_exits}
        status = "STOPPED" if task["looks"] > 2 else "RUNNING"
        return {
            "tasks": [
                {
                    "lastStatus": status,
                    "containers": [*self.other_containers, ended],
                    "taskArn": task["taskArn"],
                }
            ]
        }

    def describe_task_definition(self, **_: Any) -> dict[str, Any]:
        options = {"awslogs-group": "/orders/dev", "awslogs-stream-prefix": "orders"}
        return {
            "taskDefinition": {
                "containerDefinitions": [{"name": "app", "logConfiguration": {"options": options}}]
            }
        }

    def describe_services(self, **_: Any) -> dict[str, Any]:
        headers = {"date": http_date(START)}
        shown = [dict(one, events=[]) for one in self.services]
        for service in self.services:
            service["runningCount"] = min(service["desiredCount"], self.starts)
        return {"services": shown, "ResponseMetadata": {"HTTPHeaders": headers}}

    def update_service(self, **request: Any) -> dict[str, Any]:
        assert ("dev-cluster", "orders") == (request.pop("cluster"), request.pop("service"))
        self.updates.append(dict(request))
        if request.pop("forceNewDeployment", False):
            self.release("image")
        self.services[0].update(request)
        return {}

    def _named(self, arn: str) -> dict[str, Any]:
        return next(d for d in self.deployments if d["serviceDeploymentArn"] == arn)

    def _move(self, deployment: dict[str, Any]) -> None:
        if deployment["status"] in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
            deployment["status"] = self.rollback_ends
            deployment["statusReason"] = "Service deployment rolled back."
            return
        if deployment["status"] != "IN_PROGRESS":
            return
        stage, hooks = deployment["lifecycleStage"], deployment["lifecycleHookDetails"]
        if stage == self.stays:
            return
        if stage in self.gates and not hooks:
            deployment["lifecycleHookDetails"] = [
                {"hookId": f"hook-{stage}", "targetType": "PAUSE", "status": "AWAITING_ACTION"}
            ]
        elif hooks and hooks[0]["status"] == "AWAITING_ACTION":
            return
        elif stage == STAGES[-1]:
            deployment["status"] = "SUCCESSFUL"
        else:
            deployment["lifecycleStage"] = STAGES[STAGES.index(stage) + 1]
            deployment["lifecycleHookDetails"] = []


class FakeLogs:
    """One line per stream."""

    def __init__(self, line: str = "schema is at 0002") -> None:
        self.line = line

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        events = [] if request.get("nextToken") else [{"message": self.line + "\n"}]
        return {"events": events, "nextForwardToken": "f/1"}


class FakeElb:
    """The production rule's live weights, and a load balancer."""

    def __init__(self, blue: int = 100, green: int = 0) -> None:
        self.weights = {"arn:blue": blue, "arn:green": green}

    def describe_rules(self, **request: Any) -> dict[str, Any]:
        assert ["arn:rule"] == request["RuleArns"]
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in self.weights.items()]
        return {"Rules": [{"Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]}]}

    def describe_load_balancers(self, **_: Any) -> dict[str, Any]:
        return {"LoadBalancers": [{"DNSName": "lb"}]}


class FakeCloudWatch:
    """Alarms by name and state. since: when they came to it; looks: after so many they are well."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.since, self.looks = START, 10_000

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        self.looks -= 1
        told = {"StateReason": "Threshold Crossed", "StateTransitionedTimestamp": self.since}
        return {
            "MetricAlarms": [
                {"AlarmName": name, "StateValue": state, **told}
                for name, state in self.states.items()
                if name in request["AlarmNames"] and state == request["StateValue"] and self.looks >= 0
            ]
        }
