import base64
import json

import pytest

from local_aws.ecr import not_found, register, size_of


@pytest.fixture
def ecr(registry):
    """Operations by name, as the API finds them."""
    register(registry)
    return lambda operation, **request: body(registry.shipped_operation("ecr", operation)(request))


def body(response):
    return response[0], json.loads(response[2])


def test_a_repository_has_an_address_that_docker_reaches(ecr):
    _, answer = ecr("CreateRepository", repositoryName="orders")

    assert "localhost:4711/orders" == answer["repository"]["repositoryUri"]


def test_the_login_is_for_the_same_address(ecr):
    _, answer = ecr("GetAuthorizationToken")

    assert "http://localhost:4711" == answer["authorizationData"][0]["proxyEndpoint"]
    assert b"AWS:local" == base64.b64decode(answer["authorizationData"][0]["authorizationToken"])


def test_an_image_that_is_not_there_is_an_error_not_an_empty_list(ecr):
    ecr("CreateRepository", repositoryName="orders")

    status, answer = ecr("DescribeImages", repositoryName="orders", imageIds=[{"imageTag": "abc"}])

    assert (400, "ImageNotFoundException") == (status, answer["__type"])
    assert "imageTag:'abc'" in answer["message"]


def test_an_images_size_is_that_of_its_parts(ecr):
    manifest = {"config": {"size": 7}, "layers": [{"size": 100}, {"size": 200}]}
    ecr("CreateRepository", repositoryName="orders")
    ecr("PutImage", repositoryName="orders", imageManifest=json.dumps(manifest), imageTag="abc")

    _, answer = ecr("DescribeImages", repositoryName="orders")

    assert [307] == [details["imageSizeInBytes"] for details in answer["imageDetails"]]
    assert 307 == size_of(manifest)


def test_ecrs_words_name_digest_tag_repository_and_account():
    assert (
        "The image with imageId {imageDigest:'sha256:1', imageTag:'null'} does not exist within the "
        "repository with name 'orders' in the registry with id '111111111111'"
    ) == not_found("orders", {"imageDigest": "sha256:1"}, "111111111111")
