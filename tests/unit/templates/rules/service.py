"""How the service is run and released. Every rule takes a template and gives its faults, one line each."""

import re
from collections.abc import Mapping
from typing import Any

from tests.unit.templates.reading import of_type, reference, walk

Template = Mapping[str, Any]
FOUR_METHODS = "GET,HEAD,POST,PUT"
DIGEST = "orders@sha256:" + "a" * 64


def listener_rules_keep_to_the_limits(template: Template) -> list[str]:
    """Three values in a condition, five in a rule, both not adjustable:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
    """
    faults = []
    for logical_id, rule in of_type(template, "AWS::ElasticLoadBalancingV2::ListenerRule"):
        counts = []
        for condition in rule["Conditions"]:
            values = [value for path, value in walk(condition) if path and path[-1] == "Values"]
            counts += [_how_many(template, value) for value in values]
        faults += [f"{logical_id} may have {count} values in one condition" for count in counts if count > 3]
        if sum(counts) > 5:
            faults.append(f"{logical_id} may have {sum(counts)} values in all")
    return faults


def rules_only_forward(template: Template) -> list[str]:
    """ECS moves the weights of a rule that forwards, and of no other."""
    groups = {logical_id for logical_id, _ in of_type(template, "AWS::ElasticLoadBalancingV2::TargetGroup")}
    faults = []
    for logical_id, rule in of_type(template, "AWS::ElasticLoadBalancingV2::ListenerRule"):
        if [action["Type"] for action in rule["Actions"]] != ["forward"]:
            faults.append(f"{logical_id} does something else than forward")
            continue
        targets = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
        if {reference(target["TargetGroupArn"]) for target in targets} != groups:
            faults.append(f"{logical_id} does not forward to every target group")
    return faults


def listeners_refuse_what_no_rule_takes(template: Template) -> list[str]:
    return [
        f"{logical_id} must answer 405 where no rule matches"
        for logical_id, listener in of_type(template, "AWS::ElasticLoadBalancingV2::Listener")
        if [action.get("FixedResponseConfig", {}).get("StatusCode") for action in listener["DefaultActions"]]
        != ["405"]
    ]


def target_groups_are_twins(template: Template) -> list[str]:
    groups = [properties for _, properties in of_type(template, "AWS::ElasticLoadBalancingV2::TargetGroup")]
    faults = [] if all(group == groups[0] for group in groups) else ["the target groups differ"]
    for logical_id, group in of_type(template, "AWS::ElasticLoadBalancingV2::TargetGroup"):
        check = (group.get("HealthCheckPort"), group.get("HealthCheckPath"))
        if check != ("8081", "/actuator/health/readiness"):
            faults.append(f"{logical_id} does not ask the actuator for health")
        if group.get("TargetType") != "ip":
            faults.append(f"{logical_id} must have targets of type ip, as Fargate tasks are")
    return faults


def services_release_with_care(template: Template) -> list[str]:
    faults = []
    for logical_id, service in of_type(template, "AWS::ECS::Service"):
        deployment = service["DeploymentConfiguration"]
        if deployment.get("DeploymentCircuitBreaker") != {"Enable": True, "Rollback": True}:
            faults.append(f"{logical_id} does not roll back by its circuit breaker")
        if deployment.get("MinimumHealthyPercent") != 100:
            faults.append(f"{logical_id} may have fewer tasks than asked for while it is released")
        rules = {rule for rule, _ in of_type(template, "AWS::ElasticLoadBalancingV2::ListenerRule")}
        waits_for = template["Resources"][logical_id].get("DependsOn", [])
        tied = {waits_for} if isinstance(waits_for, str) else set(waits_for)
        tied |= {name for _, value in walk(service) if (name := reference(value))}
        if not rules <= tied:
            faults.append(
                f"{logical_id} does not wait for the rule that ties its target group to the load balancer"
            )
        if not reference(service.get("HealthCheckGracePeriodSeconds")):
            faults.append(f"{logical_id} gives a new task no time to become healthy")
        if service.get("EnableExecuteCommand") is not False:
            faults.append(f"{logical_id} lets people into running containers")
    return faults


def clusters_run_on_fargate(template: Template) -> list[str]:
    faults = []
    for logical_id, cluster in of_type(template, "AWS::ECS::Cluster"):
        if set(cluster.get("CapacityProviders", [])) != {"FARGATE", "FARGATE_SPOT"}:
            faults.append(f"{logical_id} does not offer Fargate and Fargate Spot")
        settings = {s["Name"]: s["Value"] for s in cluster.get("ClusterSettings", [])}
        if reference(settings.get("containerInsights")) != "ContainerInsights":
            faults.append(f"{logical_id} leaves no choice about Container Insights")
    return faults


def containers_say_whether_they_live(template: Template) -> list[str]:
    return [
        f"{container['Name']} has no container health check"
        for _, task in of_type(template, "AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
        if container["Essential"] and not container.get("HealthCheck", {}).get("Command")
    ]


def containers_are_locked_down(template: Template) -> list[str]:
    faults = []
    for _, task in of_type(template, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            name, linux = container["Name"], container.get("LinuxParameters", {})
            if container.get("ReadonlyRootFilesystem") is not True:
                faults.append(f"{name} may write to its root file system")
            if linux.get("Capabilities") != {"Drop": ["ALL"]}:
                faults.append(f"{name} keeps Linux capabilities")
            if container.get("Privileged"):
                faults.append(f"{name} is privileged")
            if container["LogConfiguration"]["LogDriver"] != "awslogs":
                faults.append(f"{name} logs elsewhere than to CloudWatch")
            pattern = template["Parameters"].get(reference(container["Image"]), {}).get("AllowedPattern", "")
            if re.fullmatch(pattern, "orders:latest") or not re.fullmatch(pattern, DIGEST):
                faults.append(f"{name} takes an image by something else than its digest")
    return faults


def a_revision_names_its_database(template: Template) -> list[str]:
    """SSM alone tells a running task nothing: only what the task definition says begins a rollout."""
    faults = []
    for _, task in of_type(template, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            used = {
                name for _, value in walk(container.get("DockerLabels", {})) if (name := reference(value))
            }
            reads = any("${DatabaseParameterPath}" in str(secret) for secret in container.get("Secrets", []))
            if reads and "DatabaseEndpoint" not in used:
                faults.append(f"{container['Name']} runs on when its database is another one")
    return faults


def tasks_have_time_to_stop(template: Template, values: Mapping[str, str]) -> list[str]:
    """The load balancer drains, the service then finishes what is left, and only after that may it be killed.

    values: an environment's parameters.
    """
    faults = []
    drained = [
        attribute["Value"]
        for _, group in of_type(template, "AWS::ElasticLoadBalancingV2::TargetGroup")
        for attribute in group["TargetGroupAttributes"]
        if attribute["Key"] == "deregistration_delay.timeout_seconds"
    ]
    for _, task in of_type(template, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            stop = _number(template, container.get("StopTimeout", 30), values)
            grace = [e["Value"] for e in container["Environment"] if e["Name"] == "SHUTDOWN_GRACE_SECONDS"]
            longest = max(_number(template, value, values) for value in [*drained, *grace])
            if longest >= stop:
                faults.append(f"{container['Name']} is killed after {stop} s, and may need {longest} s")
    return faults


def _number(template: Template, value: Any, values: Mapping[str, str]) -> int:
    name = reference(value)
    return int(value if name is None else values.get(name, template["Parameters"][name]["Default"]))


def _how_many(template: Template, values: Any) -> int:
    """How many values a condition can have, counted up to four: as written, or as a parameter lets in."""
    if isinstance(values, list):
        return len(values)
    parameter = template["Parameters"][reference(values.get("Fn::Split", [",", values])[1])]
    if re.fullmatch(parameter.get("AllowedPattern", ".*"), FOUR_METHODS):
        return 4
    return len(parameter["Default"].split(","))


RULES = (
    listener_rules_keep_to_the_limits,
    rules_only_forward,
    listeners_refuse_what_no_rule_takes,
    target_groups_are_twins,
    services_release_with_care,
    clusters_run_on_fargate,
    containers_say_whether_they_live,
    containers_are_locked_down,
    a_revision_names_its_database,
)
