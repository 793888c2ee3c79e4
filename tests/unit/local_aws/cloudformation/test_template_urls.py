"""A template's address leads to an object in S3, in whatever style it is written."""

import pytest

from local_aws.cloudformation.template_urls import object_of


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.us-east-1.amazonaws.com/infra/a.yaml",
        "https://bucket.s3.amazonaws.com/infra/a.yaml",
        "https://bucket.s3-eu-west-1.amazonaws.com/infra/a.yaml",
        "https://bucket.s3.dualstack.us-gov-west-1.amazonaws.com/infra/a.yaml",
        "https://bucket.s3.cn-north-1.amazonaws.com.cn/infra/a.yaml",
        "https://s3.amazonaws.com/bucket/infra/a.yaml",
        "https://s3.ap-southeast-2.amazonaws.com/bucket/infra/a.yaml",
        "http://localhost:4566/bucket/infra/a.yaml",
        "https://bucket.s3.us-east-1.amazonaws.com/infra/a.yaml?versionId=1",
    ],
)
def test_every_style_names_the_same_object(url: str) -> None:
    assert ("bucket", "infra/a.yaml") == object_of(url)


def test_a_bucket_may_have_dots_and_a_key_may_be_quoted() -> None:
    assert ("my.own.bucket", "a b/c.yaml") == object_of("https://my.own.bucket.s3.amazonaws.com/a%20b/c.yaml")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/bucket/a.yaml",
        "https://bucket.s3.amazonaws.com.example.com/a.yaml",
        "https://bucket.s3.us-east-1.amazonaws.com/",
        "https://s3.amazonaws.com/bucket",
        "infra/a.yaml",
    ],
)
def test_what_is_no_object_of_s3_is_none(url: str) -> None:
    assert object_of(url) is None
