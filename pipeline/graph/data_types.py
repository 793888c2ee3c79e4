"""The resource types that hold data: what a release may replace or remove only if somebody names it.

A template marks any other resource by one line of its Metadata, `Slipway: {HoldsData: true}`. The list is
of types whose content nothing in a template can make again. It errs on the side of data: a nested stack
counts, since whatever holds data in it goes with it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

NESTED_STACK = "AWS::CloudFormation::Stack"

HOLDS_DATA = frozenset(
    {
        # Databases.
        "AWS::Cassandra::Keyspace",
        "AWS::Cassandra::Table",
        "AWS::DSQL::Cluster",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::Elasticsearch::Domain",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::NeptuneGraph::Graph",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBShardGroup",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::SDB::Domain",
        "AWS::Timestream::Database",
        "AWS::Timestream::InfluxDBCluster",
        "AWS::Timestream::InfluxDBInstance",
        "AWS::Timestream::Table",
        # Caches.
        "AWS::DAX::Cluster",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::GlobalReplicationGroup",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::MemoryDB::Cluster",
        "AWS::MemoryDB::MultiRegionCluster",
        # Files, disks, objects and backups.
        "AWS::Backup::BackupVault",
        "AWS::Backup::LogicallyAirGappedBackupVault",
        "AWS::EC2::Instance",
        "AWS::EC2::Volume",
        "AWS::EFS::FileSystem",
        "AWS::FSx::FileSystem",
        "AWS::FSx::Volume",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::S3Tables::Table",
        "AWS::S3Tables::TableBucket",
        "AWS::S3Vectors::Index",
        "AWS::S3Vectors::VectorBucket",
        # Queues and streams: messages on their way.
        "AWS::AmazonMQ::Broker",
        "AWS::Kinesis::Stream",
        "AWS::MSK::Cluster",
        "AWS::MSK::ServerlessCluster",
        "AWS::SQS::Queue",
        # Images, packages and sources.
        "AWS::CodeArtifact::Repository",
        "AWS::CodeCommit::Repository",
        "AWS::ECR::PublicRepository",
        "AWS::ECR::Repository",
        # Logs, metrics and trails.
        "AWS::APS::Workspace",
        "AWS::CloudTrail::EventDataStore",
        "AWS::Logs::LogGroup",
        # Secrets, keys (without its key nobody reads what was encrypted by it), and people.
        "AWS::Cognito::UserPool",
        "AWS::KMS::Key",
        "AWS::KMS::ReplicaKey",
        "AWS::SecretsManager::Secret",
        # Names that the world knows.
        "AWS::Route53::HostedZone",
        NESTED_STACK,
    }
)
