"""Names for boto3's clients and the shapes of AWS's requests and answers. Only a type checker reads them."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import types_boto3_cloudformation.type_defs
    import types_boto3_ecs.type_defs
    import types_boto3_elbv2.type_defs
    import types_boto3_logs.type_defs
    import types_boto3_ssm

CloudFormationClient: TypeAlias = "types_boto3_cloudformation.CloudFormationClient"
CloudWatchLogsClient: TypeAlias = "types_boto3_logs.CloudWatchLogsClient"
SSMClient: TypeAlias = "types_boto3_ssm.SSMClient"

Action: TypeAlias = "types_boto3_elbv2.type_defs.ActionOutputTypeDef"
ContainerDefinition: TypeAlias = "types_boto3_ecs.type_defs.ContainerDefinitionOutputTypeDef"
DeploymentConfiguration: TypeAlias = "types_boto3_ecs.type_defs.DeploymentConfigurationOutputTypeDef"
ForwardConfig: TypeAlias = "types_boto3_elbv2.type_defs.ForwardActionConfigOutputTypeDef"
HealthCheck: TypeAlias = "types_boto3_ecs.type_defs.HealthCheckOutputTypeDef"
LoadBalancer: TypeAlias = "types_boto3_ecs.type_defs.LoadBalancerTypeDef"
LogEvent: TypeAlias = "types_boto3_logs.type_defs.InputLogEventTypeDef"
Stack: TypeAlias = "types_boto3_cloudformation.type_defs.StackTypeDef"
TargetGroup: TypeAlias = "types_boto3_elbv2.type_defs.TargetGroupTupleTypeDef"
TaskDefinition: TypeAlias = "types_boto3_ecs.type_defs.TaskDefinitionTypeDef"
