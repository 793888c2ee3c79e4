"""How far a role reaches: its own service and environment, and nothing beside it.

Judged by MiniStack's IAM evaluator on the templates' own policies, filled in as bootstrap does.
"""

import json
import re
from pathlib import Path

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from pipeline.cloudformation import stale_change_sets
from pipeline.graph import template
from tests.unit.identity.needs import granted, handler_permissions, tagging
from tests.unit.templates.reading import INFRA, of_type, read, reference

VALUES = {
    "ServiceName": "orders",
    "EnvironmentName": "dev",
    "Repository": "acme/shop",
    "BoundaryArn": "arn:aws:iam::111111111111:policy/orders-boundary",
    "AWS::Partition": "aws",
    "AWS::AccountId": "111111111111",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
    "Region": "eu-west-1",
}
HERE = "eu-west-1:111111111111"
OURS = {"aws:resourcetag/service": "orders", "aws:resourcetag/environment": "dev"}
THEIRS = {"aws:resourcetag/service": "orders", "aws:resourcetag/environment": "prod"}
BOUND = {"iam:permissionsboundary": VALUES["BoundaryArn"]}
RECORDED = json.loads(Path(__file__).with_name("recorded-calls.json").read_text(encoding="utf-8"))
TAGGED = ("AWS::EC2::", "AWS::ElasticLoadBalancingV2::")
ROLE = "arn:aws:iam::111111111111:role/orders-dev-ecs-stack-TaskRole-1"


def filled(value):
    """A template's value with references and substitutions put in."""
    if isinstance(value, dict):
        if "Fn::Sub" in value:
            return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES[found[1]], value["Fn::Sub"])
        if set(value) == {"Ref"}:
            return VALUES[value["Ref"]]
        return {key: filled(item) for key, item in value.items()}
    return [filled(item) for item in value] if isinstance(value, list) else value


def policies(role):
    if role == "boundary":
        boundary = read("github-oidc")["Resources"]["Boundary"]["Properties"]
        return [parse_policy_document(json.dumps(filled(boundary["PolicyDocument"])))]
    template = read("github-deploy-role" if role == "deploy" else "github-oidc")
    ((_, wearer),) = [
        (name, r)
        for name, r in of_type(template, "AWS::IAM::Role")
        if r["RoleName"]["Fn::Sub"].endswith(role)
    ]
    attached = [template["Resources"][reference(arn)]["Properties"] for arn in wearer["ManagedPolicyArns"]]
    return [parse_policy_document(json.dumps(filled(policy["PolicyDocument"]))) for policy in attached]


def decided(role, action, resource, keys=None):
    """Allow, Deny, or ImplicitDeny where nothing is said."""
    context = EvalContext(
        principal_arn="arn:aws:sts::111111111111:assumed-role/x/y",
        principal_type="AssumedRole",
        principal_account="111111111111",
        action=action,
        resource_arn=resource,
        region="eu-west-1",
        service_context=keys or {},
    )
    return evaluate(context, policies(role)).decision


def may(role, action, resource, keys=None):
    return decided(role, action, resource, keys) == "Allow"


@pytest.mark.parametrize("role", ["deploy", "plan"])
def test_the_transforms_of_a_releases_templates_may_be_used(role):
    """CloudFormation asks for CreateChangeSet on a transform of its own as on the stack:
    https://github.com/aws-cloudformation/aws-cloudformation-templates/issues/358
    """
    used = {read(t.name).get("Transform", "").removeprefix("AWS::") for t in template.load_all(INFRA)} - {""}

    assert {"LanguageExtensions"} == used
    for name in used:
        arn = f"arn:aws:cloudformation:eu-west-1:aws:transform/{name}"
        assert may(role, "cloudformation:CreateChangeSet", arn)


@pytest.mark.parametrize(
    ("role", "own", "others"),
    [
        ("deploy", "orders-dev-vpc-network", "orders-prod-vpc-network"),
        ("plan", "orders-dev-vpc-network", "shop-ecr"),
        ("registry", "orders-ecr", "orders-dev-vpc-network"),
    ],
)
def test_what_validation_found_may_be_read_by_whoever_makes_the_change_set(role, own, others):
    def readable(resource):
        return may(role, "cloudformation:DescribeEvents", f"arn:aws:cloudformation:{HERE}:{resource}")

    assert readable(f"stack/{own}/1")
    assert readable(f"changeSet/{stale_change_sets.PREFIX}1/1")
    assert not readable(f"stack/{others}/1")
    assert not readable("changeSet/somebody-elses/1")


@pytest.mark.parametrize("action", ["cloudformation:DescribeStacks", "cloudformation:ListStacks"])
def test_the_deploy_role_may_ask_for_all_stacks(action):
    """DescribeStacks without a name wants ListStacks as well:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    assert may("deploy", action, f"arn:aws:cloudformation:{HERE}:stack/*/*")


def test_the_deploy_role_may_look_at_all_alarms():
    """Or CloudWatch shows it no composite one:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    assert may("deploy", "cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:*")


@pytest.mark.parametrize(
    ("action", "own", "other"),
    [
        (
            "cloudformation:DeleteStack",
            f"arn:aws:cloudformation:{HERE}:stack/orders-dev-ecs-stack/1",
            [
                f"arn:aws:cloudformation:{HERE}:stack/orders-prod-ecs-stack/1",
                f"arn:aws:cloudformation:{HERE}:stack/orders-ecr/1",
                f"arn:aws:cloudformation:{HERE}:stack/orders-github-oidc/1",
                f"arn:aws:cloudformation:{HERE}:stack/orders-github-oidc-dev/1",
                "arn:aws:cloudformation:us-east-1:111111111111:stack/orders-dev-ecs-stack/1",
            ],
        ),
        (
            "ssm:GetParameters",
            f"arn:aws:ssm:{HERE}:parameter/orders/dev/database/password",
            [
                f"arn:aws:ssm:{HERE}:parameter/orders/prod/database/password",
                f"arn:aws:ssm:{HERE}:parameter/another/dev/database/password",
            ],
        ),
        (
            "ecs:RunTask",
            f"arn:aws:ecs:{HERE}:task-definition/orders-dev:7",
            [f"arn:aws:ecs:{HERE}:task-definition/orders-prod:7"],
        ),
        (
            "ecs:ContinueServiceDeployment",
            f"arn:aws:ecs:{HERE}:service-deployment/orders-dev/service/1",
            [f"arn:aws:ecs:{HERE}:service-deployment/orders-prod/service/1"],
        ),
        (
            "rds:DeleteDBInstance",
            f"arn:aws:rds:{HERE}:db:orders-dev-rds-database-database-1",
            [f"arn:aws:rds:{HERE}:db:orders-prod-rds-database-database-1"],
        ),
        (
            "logs:DeleteLogGroup",
            f"arn:aws:logs:{HERE}:log-group:/orders/dev:*",
            [
                f"arn:aws:logs:{HERE}:log-group:/orders/prod:*",
                f"arn:aws:logs:{HERE}:log-group:/orders/developers:*",
            ],
        ),
        (
            "cloudwatch:DeleteAlarms",
            f"arn:aws:cloudwatch:{HERE}:alarm:orders-dev-ecs-stack-Alarm-1",
            [f"arn:aws:cloudwatch:{HERE}:alarm:orders-prod-ecs-stack-Alarm-1"],
        ),
        ("iam:DeleteRole", ROLE, ["arn:aws:iam::111111111111:role/orders-prod-ecs-stack-TaskRole-1"]),
    ],
)
def test_the_deploy_role_reaches_what_carries_its_environments_name(action, own, other):
    assert may("deploy", action, own)
    assert [] == [arn for arn in other if may("deploy", action, arn)]


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("ec2:DeleteVpc", f"arn:aws:ec2:{HERE}:vpc/vpc-1"),
        ("ec2:AuthorizeSecurityGroupIngress", f"arn:aws:ec2:{HERE}:security-group/sg-1"),
        ("elasticloadbalancing:ModifyRule", f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/a/1/2/3"),
        (
            "elasticloadbalancing:DeleteLoadBalancer",
            f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/a/1",
        ),
        ("elasticloadbalancing:CreateListener", f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/a/1"),
        ("elasticloadbalancing:CreateRule", f"arn:aws:elasticloadbalancing:{HERE}:listener/app/a/1/2"),
        ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:vpc/vpc-1"),
        ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:security-group/sg-1"),
        ("elasticloadbalancing:AddTags", f"arn:aws:elasticloadbalancing:{HERE}:listener/app/a/1/2"),
    ],
)
def test_what_has_no_name_is_reached_by_its_tags(action, arn):
    assert (True, False, False) == (
        may("deploy", action, arn, OURS),
        may("deploy", action, arn, THEIRS),
        may("deploy", action, arn),
    )


def makers():
    """Each action by which CloudFormation makes what the policies reach by tags, as AWS's schemas name it."""
    return sorted(
        action
        for kind in RECORDED["resources"]["deploy"]
        if kind.startswith(TAGGED) and tagging(kind)["taggable"]
        for action in handler_permissions(kind, "create")
        if re.search(":Create(?!Tags)", action) and action in granted("deploy")
    )


def test_everything_that_gets_tags_gets_them_in_the_call_that_makes_it():
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/tagging-resources-during-creation.html
    """
    tags = {"ec2": "ec2:CreateTags", "elasticloadbalancing": "elasticloadbalancing:AddTags"}
    made = [action.split(":") for action in makers()]

    assert 9 == len(made)
    assert [] == [
        (service, action)
        for service, action in made
        if not may(
            "deploy", tags[service], f"arn:aws:{service}:{HERE}:new/1", {f"{service}:createaction": action}
        )
    ]


@pytest.mark.parametrize("action", ["ec2:CreateTags", "elasticloadbalancing:AddTags"])
def test_a_handler_that_tags_in_a_second_call_is_let_through_and_nobody_else(action):
    """What a call comes by: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    thing = f"arn:aws:{action.partition(':')[0]}:{HERE}:new/1"
    by = {"aws:calledvia": ["cloudformation.amazonaws.com"]}

    assert (True, False, False, False) == (
        may("deploy", action, thing, by),
        may("deploy", action, thing),
        may("deploy", action, thing, {"aws:calledvia": ["servicecatalog.amazonaws.com"]}),
        may("deploy", action, thing, by | THEIRS),
    )


@pytest.mark.parametrize(
    ("action", "create"),
    [("ec2:CreateTags", "RunInstances"), ("elasticloadbalancing:AddTags", "CreateTrustStore")],
)
def test_what_no_template_makes_gets_no_tags(action, create):
    service = action.partition(":")[0]

    assert not may("deploy", action, f"arn:aws:{service}:{HERE}:new/1", {f"{service}:createaction": create})


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"])
def test_powers_are_given_only_to_roles_within_the_boundary(action):
    another = {"iam:permissionsboundary": "arn:aws:iam::111111111111:policy/mine"}

    assert (True, False, False) == (
        may("deploy", action, ROLE, BOUND),
        may("deploy", action, ROLE),
        may("deploy", action, ROLE, another),
    )


@pytest.mark.parametrize("action", ["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:PassRole"])
@pytest.mark.parametrize("name", ["dev-deploy", "prod-deploy", "plan", "registry"])
def test_no_deploy_role_touches_a_role_of_githubs(action, name):
    keys = {**BOUND, "iam:passedtoservice": "ecs.amazonaws.com"}

    assert not may("deploy", action, f"arn:aws:iam::111111111111:role/orders-{name}", keys)


@pytest.mark.parametrize(
    "action", ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"]
)
def test_no_role_touches_the_boundary(action):
    assert [] == [r for r in ("deploy", "plan", "registry") if may(r, action, VALUES["BoundaryArn"], BOUND)]


def test_within_the_boundary_a_task_gets_its_secrets_decrypted_and_nothing_else():
    """https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service"""

    def decrypted(service, account="111111111111"):
        arn = f"arn:aws:kms:eu-west-1:{account}:key/1"
        return may("boundary", "kms:Decrypt", arn, {"kms:viaservice": f"{service}.eu-west-1.amazonaws.com"})

    assert (True, True, False, False) == (
        decrypted("ssm"),
        decrypted("secretsmanager"),
        decrypted("s3"),
        decrypted("ssm", account="222222222222"),
    )
    assert not may("boundary", "kms:Decrypt", f"arn:aws:kms:{HERE}:key/1")


def test_within_the_boundary_a_task_gets_the_secrets_of_its_own_service():
    def read(name, place=HERE):
        return may(
            "boundary", "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{place}:secret:{name}"
        )

    assert (True, False, False) == (
        read("orders/dev/api-AbCdEf"),
        read("orders-admin/dev/api-AbCdEf"),
        read("orders/dev/api-AbCdEf", "eu-west-1:222222222222"),
    )
    assert not may(
        "boundary", "secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:orders/a"
    )


def test_roles_are_handed_to_ecs_only():
    def handed(service):
        return may("deploy", "iam:PassRole", ROLE, {"iam:passedtoservice": service})

    assert (True, True, False) == (
        handed("ecs-tasks.amazonaws.com"),
        handed("ecs.amazonaws.com"),
        handed("lambda.amazonaws.com"),
    )


@pytest.mark.parametrize("role", ["deploy", "plan"])
def test_only_the_registry_role_pushes(role):
    repository = f"arn:aws:ecr:{HERE}:repository/orders"

    assert may("registry", "ecr:PutImage", repository)
    assert not may("registry", "ecr:PutImage", f"{repository}-2")
    assert not may(role, "ecr:PutImage", repository)


@pytest.mark.parametrize(
    "action",
    [
        "cloudformation:ExecuteChangeSet",
        "cloudformation:DeleteStack",
        "ecs:UpdateService",
        "ssm:PutParameter",
        "rds:DeleteDBInstance",
        "iam:PassRole",
    ],
)
def test_the_plan_role_changes_nothing(action):
    places = [
        f"arn:aws:cloudformation:{HERE}:stack/orders-dev-ecs-stack/1",
        f"arn:aws:ecs:{HERE}:service/orders-dev/service",
        f"arn:aws:ssm:{HERE}:parameter/orders/dev/database/password",
        f"arn:aws:rds:{HERE}:db:orders-dev-rds-database-database-1",
        ROLE,
    ]

    assert [] == [arn for arn in places if may("plan", action, arn, {**OURS, **BOUND})]


def test_the_plan_role_sees_that_the_password_is_there_and_not_what_it_is():
    """AWS's own key decrypts for whoever may read the parameter, unless that is forbidden in so many words:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-restrict-decryption.html
    """
    assert may("plan", "ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/orders/prod/database/password")
    assert "Deny" == decided("plan", "kms:Decrypt", f"arn:aws:kms:{HERE}:key/1")
