"""The log groups into which RDS publishes: one for each exported log of a DB instance.

RDS makes a log group that is not there, without retention, and leaves it when the instance goes. A stack that
makes a log group of that name after the instance is refused.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
"""

import time

from local_aws.emulator.registry import Properties, Registry

TYPE = "AWS::Logs::LogGroup"


def register(registry: Registry) -> None:
    """Refuse a log group that is there already, as CloudFormation does."""
    groups = registry.records(TYPE)

    def check(properties: Properties, physical_id: str) -> None:
        name = properties.get("LogGroupName")
        if name != physical_id and name in groups:
            raise ValueError(
                f"Resource of type '{TYPE}' with identifier '{{\"/properties/LogGroupName\":\"{name}\"}}' "
                "already exists. (HandlerErrorCode: AlreadyExists)"
            )

    registry.extend_resource_type(TYPE, check=check)


def publish(registry: Registry, identifier: str, properties: Properties) -> None:
    """Make the log groups of the logs that the DB instance exports, where they are not there."""
    groups = registry.records(TYPE)
    for log in properties.get("EnableCloudwatchLogsExports") or []:
        name = f"/aws/rds/instance/{identifier}/{log}"
        if name not in groups:
            place = f"{registry.region()}:{registry.checkout.account}"
            groups[name] = {
                "arn": f"arn:aws:logs:{place}:log-group:{name}:*",
                "creationTime": int(time.time() * 1000),
                "retentionInDays": None,
                "logGroupClass": "STANDARD",
                "kmsKeyId": None,
                "tags": {},
                "streams": {},
                "subscriptionFilters": {},
            }
