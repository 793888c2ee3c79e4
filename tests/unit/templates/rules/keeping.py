"""What must stay, what must stay secret, who may do what, and what must be said.

Every rule takes a template and gives its faults, one line each.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.unit.templates.reading import of_type, reference, walk

Template = Mapping[str, Any]

PRECIOUS = {"AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::ECR::Repository", "AWS::S3::Bucket"}
STATEFUL = PRECIOUS | {"AWS::Logs::LogGroup", "AWS::EFS::FileSystem", "AWS::DynamoDB::Table"}
SECRET_NAME = re.compile(r"passw|secret|token|api_?key|private_?key|credential", re.IGNORECASE)
CONDITION_KEY = "token.actions.githubusercontent.com:"
SECRET_TEXT = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN|://[^/\s:@]+:[^/\s:@$]+@")
# Where CloudFormation resolves ssm-secure, of the types used here:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
TAKES_SECURE_STRINGS = {("AWS::RDS::DBInstance", "MasterUserPassword")}
SOMEWHERE = re.compile(
    r"\b(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso-)?(?:north|south|east|west|central)+-\d[a-z]?\b"
    r"|(?<![0-9a-f])\d{12}(?![0-9a-f])|\barn:aws[a-z-]*:"
)


def stateful_resources_say_what_stays(template: Template) -> list[str]:
    """DeletionPolicy does not cover replacement; UpdateReplacePolicy does."""
    faults = []
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] not in STATEFUL:
            continue
        for attribute in ("DeletionPolicy", "UpdateReplacePolicy"):
            policy = resource.get(attribute)
            parameter = reference(policy)
            if parameter is not None:
                policy = template["Parameters"][parameter]["Default"]
            if policy is None:
                faults.append(f"{logical_id} has no {attribute}")
            elif policy == "Delete" and resource["Type"] in PRECIOUS:
                faults.append(f"{logical_id} is lost by default: {attribute}")
        if resource.get("DeletionPolicy") == "Retain":
            faults.append(f"{logical_id} stays when its creation fails, in the next attempt's way")
    return faults


def databases_are_encrypted_backed_up_and_private(template: Template) -> list[str]:
    private = {
        logical_id
        for logical_id, group in of_type(template, "AWS::RDS::DBSubnetGroup")
        if reference(group["SubnetIds"]) == "PrivateSubnetIds"
    }
    faults = []
    for logical_id, database in of_type(template, "AWS::RDS::DBInstance"):
        days = database.get("BackupRetentionPeriod", 0)
        if reference(days) is not None:
            days = template["Parameters"][reference(days)]["Default"]
        if database.get("StorageEncrypted") is not True:
            faults.append(f"{logical_id} is not encrypted")
        if days < 1:
            faults.append(f"{logical_id} has no backups by default")
        if reference(database.get("DBSubnetGroupName")) not in private:
            faults.append(f"{logical_id} does not stand in the private subnets")
    return faults


def logs_have_an_end(template: Template) -> list[str]:
    return [
        f"{logical_id} keeps its lines for ever"
        for logical_id, group in of_type(template, "AWS::Logs::LogGroup")
        if "RetentionInDays" not in group
    ]


def logs_of_a_database_belong_to_the_stack(template: Template) -> list[str]:
    """RDS makes a log group by itself, without an end, unless there is one of that name before the database.

    A server that was made before servers had names is `generated`, and keeps the log group that RDS made.
    """
    faults = []
    for logical_id, database in of_type(template, "AWS::RDS::DBInstance"):
        name = template["Parameters"].get("DatabaseServerName", {}).get("Chosen")
        before = {reference(value) for _, value in walk(database.get("DBInstanceIdentifier"))}
        logs = {
            str(group["LogGroupName"]["Fn::Sub"]).rpartition("/")[2]
            for group_id, group in of_type(template, "AWS::Logs::LogGroup")
            if group_id in before and group["LogGroupName"]["Fn::Sub"].startswith("/aws/rds/instance/")
        }
        if name != "generated":
            faults += [
                f"{logical_id} leaves its {log} log to RDS, which keeps the lines for ever"
                for log in database.get("EnableCloudwatchLogsExports", [])
                if log not in logs
            ]
    return faults


def images_that_may_run_are_kept(template: Template) -> list[str]:
    faults = []
    for logical_id, repository in of_type(template, "AWS::ECR::Repository"):
        if repository.get("ImageTagMutability") != "IMMUTABLE":
            faults.append(f"{logical_id} lets a tag change its image")
        if repository.get("ImageScanningConfiguration") != {"ScanOnPush": True}:
            faults.append(f"{logical_id} does not scan what is pushed")
        policy = repository.get("LifecyclePolicy", {}).get("LifecyclePolicyText", '{"rules": []}')
        if any(rule["selection"]["tagStatus"] != "untagged" for rule in json.loads(policy)["rules"]):
            faults.append(f"{logical_id} expires tagged images, and one of them may be running")
    return faults


def no_secret_is_in_plain_text(template: Template) -> list[str]:
    faults = []
    for path, value in walk(template["Resources"]):
        where = ".".join(path)
        if (
            isinstance(value, dict)
            and "Name" in value
            and "Value" in value
            and SECRET_NAME.search(str(value["Name"]))
        ):
            faults.append(f"{where} puts {value['Name']} in the clear; it belongs in Secrets")
        if isinstance(value, str) and SECRET_TEXT.search(value):
            faults.append(f"{where} looks like a secret")
        if isinstance(value, str) and "{{resolve:ssm-secure:" in value:
            if (template["Resources"][path[0]]["Type"], path[2]) not in TAKES_SECURE_STRINGS:
                faults.append(f"{where} is not a place where CloudFormation resolves ssm-secure")
        elif (
            path
            and SECRET_NAME.search(path[-1])
            and not path[-1].startswith(CONDITION_KEY)
            and _is_a_value(value)
            and "{{resolve:" not in json.dumps(value)
        ):
            faults.append(f"{where} is a secret in the clear")
    faults += [
        f"the parameter {name} carries a secret"
        for name in template.get("Parameters", {})
        if SECRET_NAME.search(name)
    ]
    faults += [
        f"the output {name} tells a secret"
        for name, output in template.get("Outputs", {}).items()
        if SECRET_NAME.search(name) or "{{resolve:" in json.dumps(output)
    ]
    return faults


def roles_are_narrow(template: Template) -> list[str]:
    """ECS's infrastructure role is AWS's own, policy and all; traffic.ecs_may_move_the_traffic judges it.
    What people outside of AWS wear is judged by the rules in people.
    """
    faults = []
    for logical_id, role in of_type(template, "AWS::IAM::Role"):
        principal = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        if principal == {"Service": "ecs.amazonaws.com"} or "Federated" in principal:
            continue
        if role.get("ManagedPolicyArns"):
            faults.append(f"{logical_id} has a managed policy, which nobody reads here")
        trust = role["AssumeRolePolicyDocument"]["Statement"]
        if not all("aws:SourceAccount" in s.get("Condition", {}).get("StringEquals", {}) for s in trust):
            faults.append(f"{logical_id} may be assumed for another account")
        for statement in (s for p in role.get("Policies", []) for s in p["PolicyDocument"]["Statement"]):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if any("*" in action for action in actions):
                faults.append(f"{logical_id} may do {actions}")
            if statement["Resource"] == "*" and actions != ["ecr:GetAuthorizationToken"]:
                faults.append(f"{logical_id} may do {actions} to everything")
    for logical_id, task in of_type(template, "AWS::ECS::TaskDefinition"):
        if task["TaskRoleArn"] == task["ExecutionRoleArn"]:
            faults.append(f"{logical_id} gives its code the rights that ECS starts it with")
    return faults


def nothing_names_a_place(template: Template) -> list[str]:
    """No region, zone, account or partition is written down, so that a template works in all of them."""
    parts = {key: template.get(key, {}) for key in ("Resources", "Outputs", "Mappings", "Conditions")}
    parts["Defaults"] = {name: p.get("Default") for name, p in template.get("Parameters", {}).items()}
    return [
        f"{'.'.join(path)} names a place: {value}"
        for path, value in walk(parts)
        if isinstance(value, str) and SOMEWHERE.search(value)
    ]


def parameters_are_explained(template: Template) -> list[str]:
    faults = []
    for name, parameter in template.get("Parameters", {}).items():
        if "Description" not in parameter:
            faults.append(f"{name} has no Description")
        if "AllowedPattern" in parameter and "ConstraintDescription" not in parameter:
            faults.append(f"{name} refuses values without saying which it takes")
    return faults


def resources_are_explained(body: str) -> list[str]:
    """Takes the template's text: above each resource stands a comment in plain English."""
    section, before, faults = "", "", []
    for line in body.splitlines():
        if re.match(r"\S", line):
            section = line
        found = re.match(r"  (\w+):", line)
        if section == "Resources:" and found and not before.startswith("  # "):
            faults.append(f"{found[1]} has no comment above it")
        before = line
    return faults


def outputs_are_not_exports(template: Template) -> list[str]:
    """An export that is in use cannot change: https://github.com/aws/aws-cdk/issues/7602"""
    faults = [
        f"the output {name} is an export" for name, o in template.get("Outputs", {}).items() if "Export" in o
    ]
    if any(path and path[-1] == "Fn::ImportValue" for path, _ in walk(template["Resources"])):
        faults.append("it imports another stack's export; take a parameter of the output's name")
    return faults


def _is_a_value(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Ref", "Fn::Sub", "Fn::Join")
    )


RULES = (
    stateful_resources_say_what_stays,
    databases_are_encrypted_backed_up_and_private,
    logs_have_an_end,
    logs_of_a_database_belong_to_the_stack,
    images_that_may_run_are_kept,
    no_secret_is_in_plain_text,
    roles_are_narrow,
    nothing_names_a_place,
    parameters_are_explained,
    outputs_are_not_exports,
)
