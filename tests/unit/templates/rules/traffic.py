"""Where requests go while ECS releases, and what makes it stop.

Every rule takes a template and gives its faults, one line each.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.unit.templates.reading import of_type, reference
from tests.unit.templates.rules.rollout import SHIFTING
from tests.unit.templates.variants import said

Template = Mapping[str, Any]

INFRASTRUCTURE_POLICY = (
    "arn:${AWS::Partition}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
)
ALARMED = ("HTTPCode_Target_5XX_Count", "UnHealthyHostCount")


def traffic_shifts_between_two_rules(template: Template) -> list[str]:
    rules = dict(of_type(template, "AWS::ElasticLoadBalancingV2::ListenerRule"))
    groups = {name for name, _ in of_type(template, "AWS::ElasticLoadBalancingV2::TargetGroup")}
    roles = {name for name, _ in of_type(template, "AWS::IAM::Role")}
    faults = []
    for logical_id, service in of_type(template, "AWS::ECS::Service"):
        strategy = said(template, service["DeploymentConfiguration"].get("Strategy", "ROLLING"))
        for balancer in service["LoadBalancers"]:
            advanced = balancer.get("AdvancedConfiguration")
            if strategy not in SHIFTING:
                if advanced is not None:
                    faults.append(f"{logical_id} has an AdvancedConfiguration under {strategy}")
                continue
            if advanced is None:
                faults.append(f"{logical_id} has no AdvancedConfiguration, so {strategy} moves nothing")
                continue
            named = [reference(advanced.get(f"{kind}ListenerRule")) for kind in ("Production", "Test")]
            for kind, name in zip(("production", "test"), named, strict=True):
                if name not in rules:
                    faults.append(f"{logical_id} takes {name} for its {kind} rule, which is no listener rule")
            if named[0] == named[1]:
                faults.append(f"{logical_id} has one rule for production and for test")
            pair = {reference(balancer["TargetGroupArn"]), reference(advanced["AlternateTargetGroupArn"])}
            if pair != groups:
                faults.append(f"{logical_id} does not alternate between the two target groups")
            role, attribute = advanced.get("RoleArn", {}).get("Fn::GetAtt", [None, None])
            if role not in roles or attribute != "Arn":
                faults.append(f"{logical_id} names no role that ECS may use for the load balancer")
    return faults


def rolling_stays_where_the_traffic_is(template: Template) -> list[str]:
    """ROLLING moves no weight, so its target group must be the one that has it. Decided by BlueWeight."""
    weight = template.get("Parameters", {}).get("BlueWeight", {}).get("Chosen")
    expected = "GreenTargetGroup" if weight == "0" else "BlueTargetGroup"
    return [
        f"{logical_id} rolls in {name}, and the traffic goes to {expected}"
        for logical_id, service in of_type(template, "AWS::ECS::Service")
        if said(template, service["DeploymentConfiguration"].get("Strategy", "ROLLING")) == "ROLLING"
        for balancer in service["LoadBalancers"]
        if (name := reference(balancer["TargetGroupArn"])) != expected
    ]


def ecs_may_move_the_traffic(template: Template) -> list[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html"""
    faults = []
    roles = dict(of_type(template, "AWS::IAM::Role"))
    for _, service in of_type(template, "AWS::ECS::Service"):
        for balancer in service["LoadBalancers"]:
            name = balancer.get("AdvancedConfiguration", {}).get("RoleArn", {}).get("Fn::GetAtt", [""])[0]
            if name not in roles:
                continue
            trust = roles[name]["AssumeRolePolicyDocument"]["Statement"]
            if [s["Principal"] for s in trust] != [{"Service": "ecs.amazonaws.com"}]:
                faults.append(f"{name} is not for ECS alone")
            if roles[name].get("ManagedPolicyArns") != [{"Fn::Sub": INFRASTRUCTURE_POLICY}]:
                faults.append(f"{name} has not the policy that AWS made for this")
            if "Policies" in roles[name]:
                faults.append(f"{name} may do more than AWS's policy lets it")
    return faults


def weights_are_told_by_the_pipeline(template: Template) -> list[str]:
    """A weight written down would come back at the next update: https://github.com/aws/aws-cdk/issues/36649"""
    weights = {
        logical_id: {
            reference(target["TargetGroupArn"]): reference(target.get("Weight"))
            for target in rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
        }
        for logical_id, rule in of_type(template, "AWS::ElasticLoadBalancingV2::ListenerRule")
    }
    expected = {"BlueTargetGroup": "BlueWeight", "GreenTargetGroup": "GreenWeight"}
    return [
        f"{logical_id} has weights that no stack update could leave alone"
        for logical_id, given in weights.items()
        if given != expected
    ]


def only_the_secret_reaches_the_new_version(template: Template) -> list[str]:
    """The test rule stands before the production rule, on its listener, and is no wider than it."""
    rules = dict(of_type(template, "AWS::ElasticLoadBalancingV2::ListenerRule"))
    faults = []
    for _, service in of_type(template, "AWS::ECS::Service"):
        for balancer in service["LoadBalancers"]:
            advanced = balancer.get("AdvancedConfiguration", {})
            production = rules.get(reference(advanced.get("ProductionListenerRule")) or "")
            name = reference(advanced.get("TestListenerRule")) or ""
            if production is None or name not in rules:
                continue
            test = rules[name]
            if test["ListenerArn"] != production["ListenerArn"]:
                faults.append(f"{name} opens another port")
            if test["Priority"] >= production["Priority"]:
                faults.append(f"{name} stands behind the production rule and is never asked")
            headers = [c["HttpHeaderConfig"] for c in test["Conditions"] if c["Field"] == "http-header"]
            values = [json.dumps(v) for h in headers for v in h["Values"]]
            if not values or not all(re.search(r"\{\{resolve:ssm:/", value) for value in values):
                faults.append(f"{name} asks for nothing that cannot be guessed")
            if not all(condition in test["Conditions"] for condition in production["Conditions"]):
                faults.append(f"{name} lets in requests that production refuses")
    return faults


def each_target_group_is_watched(template: Template) -> list[str]:
    """No data is no fault: a target group without tasks sends none."""
    faults = []
    watched = set()
    for logical_id, alarm in of_type(template, "AWS::CloudWatch::Alarm"):
        dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        group, attribute = dimensions.get("TargetGroup", {}).get("Fn::GetAtt", ["", ""])
        if attribute != "TargetGroupFullName" or "LoadBalancer" not in dimensions:
            faults.append(f"{logical_id} has not the dimensions that the load balancer reports under")
        if alarm.get("TreatMissingData") != "notBreaching":
            faults.append(f"{logical_id} goes off where there is nothing to measure")
        watched.add((group, alarm["MetricName"], logical_id))
    for group, _ in of_type(template, "AWS::ElasticLoadBalancingV2::TargetGroup"):
        missing = [m for m in ALARMED if (group, m) not in {(g, metric) for g, metric, _ in watched}]
        faults += [f"nothing watches {metric} of {group}" for metric in missing]
    for logical_id, service in of_type(template, "AWS::ECS::Service"):
        alarms = service["DeploymentConfiguration"].get("Alarms", {})
        heard = {reference(name) for name in alarms.get("AlarmNames", [])}
        faults += [
            f"{logical_id} does not listen to {name}" for _, _, name in sorted(watched) if name not in heard
        ]
        if not (alarms.get("Enable") is True and alarms.get("Rollback") is True):
            faults.append(f"{logical_id} does not roll back at an alarm")
    return faults


RULES = (
    traffic_shifts_between_two_rules,
    rolling_stays_where_the_traffic_is,
    ecs_may_move_the_traffic,
    weights_are_told_by_the_pipeline,
    only_the_secret_reaches_the_new_version,
    each_target_group_is_watched,
)
