"""Which properties replace a resource, for types of which MiniStack says that any property might.

A change set says so (`Replacement`, `RequiresRecreation`). The properties are those that AWS's resource
schemas call createOnly and conditionalCreateOnly, as of 2026-12-01. A test compares this table with the copy
of the schemas that cfn-lint has.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from collections.abc import Mapping

from local_aws.emulator import cloudformation as engine
from local_aws.emulator.registry import Registry

REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::CloudFormation::Stack": (),
    "AWS::DynamoDB::GlobalTable": ("TableName",),
    "AWS::KMS::Key": (),
    "AWS::Kinesis::Stream": ("Name",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::OpenSearchService::Domain": ("DomainName", "EngineMode"),
    "AWS::Route53::HostedZone": ("DelegationSetId", "Name"),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
    "AWS::S3Tables::Table": (
        "IcebergMetadata",
        "OpenTableFormat",
        "StorageClassConfiguration",
        "TableBucketARN",
        "WithoutMetadata",
    ),
    "AWS::S3Tables::TableBucket": ("TableBucketName",),
    "AWS::SecretsManager::Secret": ("Name",),
}
PERHAPS_REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::DynamoDB::GlobalTable": ("GlobalTableSourceArn", "KeySchema", "LocalSecondaryIndexes"),
    "AWS::OpenSearchService::Domain": ("AdvancedSecurityOptions", "EncryptionAtRestOptions"),
}


def register(_: Registry) -> None:
    """Let change sets say of these types what replaces them."""
    engine.replacing_properties(REPLACING, PERHAPS_REPLACING)
